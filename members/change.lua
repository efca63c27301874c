-- Brings the sets of one group from a revision to a later one, all of it or nothing.
--
-- KEYS  state v4 v6 changes
-- ARGV  epoch base revision stream-length list-limit, then how many v4 members come, v4 leave, v6 come, v6 leave, then these
--
-- Answers {verdict, revision, v4 count, v6 count} of what is there afterwards:
--   written  the change was made
--   ahead    what is there is of this revision or a later one already
--   stale    what is there is not what the change was made for (older, of another epoch, tampered with, gone): replace it
local epoch, base, revision = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'v4', 'v6')
local at = tonumber(state[2] or '')
local n4, n6 = redis.call('SCARD', KEYS[2]), redis.call('SCARD', KEYS[3])
if state[1] ~= epoch or not at or at < base or n4 ~= tonumber(state[3] or '') or n6 ~= tonumber(state[4] or '') then
  return {'stale', at or 0, n4, n6}
end
if at >= revision then
  return {'ahead', at, n4, n6}
end

local cursor = 10
local function apply(command, key, count)
  local members = {}
  for i = cursor, cursor + count - 1 do
    redis.call(command, key, ARGV[i])
    members[#members + 1] = ARGV[i]
  end
  cursor = cursor + count
  return members
end
local came4 = apply('SADD', KEYS[2], tonumber(ARGV[6]))
local left4 = apply('SREM', KEYS[2], tonumber(ARGV[7]))
local came6 = apply('SADD', KEYS[3], tonumber(ARGV[8]))
local left6 = apply('SREM', KEYS[3], tonumber(ARGV[9]))
for _, m in ipairs(came6) do came4[#came4 + 1] = m end
for _, m in ipairs(left6) do left4[#left4 + 1] = m end

-- Last, so that a script that Redis ends half-way (out of memory) leaves a state that does not fit the sets.
n4, n6 = redis.call('SCARD', KEYS[2]), redis.call('SCARD', KEYS[3])
redis.call('HSET', KEYS[1], 'epoch', epoch, 'revision', ARGV[3], 'v4', n4, 'v6', n6)
local group = string.match(KEYS[1], '{(.-)}')
if #came4 + #left4 > tonumber(ARGV[5]) then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'kind', 'reset', 'group', group, 'epoch', epoch, 'revision', ARGV[3])
else
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], '*', 'kind', 'change', 'group', group, 'epoch', epoch, 'revision', ARGV[3],
    'added', table.concat(came4, ' '), 'removed', table.concat(left4, ' '))
end
return {'written', revision, n4, n6}

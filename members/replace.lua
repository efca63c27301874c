-- Makes the sets of one group what they are at a revision, whatever is there, all of it or nothing.
--
-- KEYS  state v4 v6 next changes   (next is a name to build a set under; it is gone afterwards)
-- ARGV  epoch revision stream-length list-limit, then how many v4 members there are, then the v4 and the v6 members
--
-- Answers {verdict, revision, v4 count, v6 count} of what is there afterwards:
--   written  the sets were replaced
--   same     they were right already
--   ahead    they are of a later revision of the same epoch, and were left alone
local epoch, revision = ARGV[1], tonumber(ARGV[2])
for i, kind in ipairs({'hash', 'set', 'set', 'set'}) do
  if redis.call('TYPE', KEYS[i]).ok ~= kind then redis.call('DEL', KEYS[i]) end
end
local state = redis.call('HMGET', KEYS[1], 'epoch', 'revision', 'v4', 'v6')
local n4, n6 = redis.call('SCARD', KEYS[2]), redis.call('SCARD', KEYS[3])
local at = tonumber(state[2] or '')
if state[1] == epoch and at and at > revision and n4 == tonumber(state[3] or '') and n6 == tonumber(state[4] or '') then
  return {'ahead', at, n4, n6}
end

-- Redis hands at most some thousand arguments to a command of a script.
local CHUNK = 4000
local function chunks(first, last, visit)
  for i = first, last, CHUNK do
    if visit(i, math.min(i + CHUNK - 1, last)) == false then return false end
  end
  return true
end

local function same(key, first, last)
  return redis.call('SCARD', key) == last - first + 1 and chunks(first, last, function(i, j)
    for _, there in ipairs(redis.call('SMISMEMBER', key, unpack(ARGV, i, j))) do
      if there == 0 then return false end
    end
  end)
end

local came, left, changed = {}, {}, state[1] ~= epoch
local function replace(key, first, last)
  if same(key, first, last) then return end
  redis.call('DEL', KEYS[4])
  chunks(first, last, function(i, j) redis.call('SADD', KEYS[4], unpack(ARGV, i, j)) end)
  for _, m in ipairs(redis.call('SDIFF', KEYS[4], key)) do came[#came + 1] = m end
  for _, m in ipairs(redis.call('SDIFF', key, KEYS[4])) do left[#left + 1] = m end
  if last < first then redis.call('DEL', key) else redis.call('RENAME', KEYS[4], key) end
end
local first6 = 6 + tonumber(ARGV[5])
replace(KEYS[2], 6, first6 - 1)
replace(KEYS[3], first6, #ARGV)
changed = changed or #came + #left > 0

n4, n6 = redis.call('SCARD', KEYS[2]), redis.call('SCARD', KEYS[3])
redis.call('HSET', KEYS[1], 'epoch', epoch, 'revision', ARGV[2], 'v4', n4, 'v6', n6)
if not changed then
  return {'same', revision, n4, n6}
end
local group = string.match(KEYS[1], '{(.-)}')
if state[1] ~= epoch or #came + #left > tonumber(ARGV[4]) then
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[3], '*', 'kind', 'reset', 'group', group, 'epoch', epoch, 'revision', ARGV[2])
else
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[3], '*', 'kind', 'change', 'group', group, 'epoch', epoch, 'revision', ARGV[2],
    'added', table.concat(came, ' '), 'removed', table.concat(left, ' '))
end
return {'written', revision, n4, n6}

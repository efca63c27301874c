-- Removes all keys of one group that does not exist at a revision.
--
-- KEYS  state v4 v6 next changes
-- ARGV  epoch revision stream-length
--
-- Answers {verdict, revision, 0, 0}:
--   written  the keys were removed
--   same     there were none
--   ahead    the group is of a later revision of the same epoch, and was left alone
local at
if redis.call('TYPE', KEYS[1]).ok == 'hash' then
  local state = redis.call('HMGET', KEYS[1], 'epoch', 'revision')
  at = tonumber(state[2] or '')
  if state[1] == ARGV[1] and at and at > tonumber(ARGV[2]) then
    return {'ahead', at, 0, 0}
  end
end
if redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4]) == 0 then
  return {'same', tonumber(ARGV[2]), 0, 0}
end
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[3], '*', 'kind', 'remove', 'group', string.match(KEYS[1], '{(.-)}'),
  'epoch', ARGV[1], 'revision', ARGV[2])
return {'written', tonumber(ARGV[2]), 0, 0}

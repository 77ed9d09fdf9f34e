-- One turn of the queue in one round trip: take in what changed, then hand out the free places in order.
--
-- KEYS    1 epoch     string: whose index this is
--         2 waiting   sorted set, every score 0: members in byte order are the order of the queue
--         3 members   hash: uid -> its member in `waiting`
--         4 claims    sorted set: uid -> millisecond at which the claim ends
-- ARGV    1 epoch of the caller
--         2 now, milliseconds     3 length of a claim, milliseconds
--         4 free places           5 limit of a namespace, 0 for none
--         6 JSON {namespace: occupied places}
--         7 JSON ["namespace:key", ...] concurrency keys that are busy
--         8 JSON [uid, ...] that wait no longer and need no claim
--         9 JSON {uid: member} that wait
-- returns {"ok", "<builds in the index>", uid, ...} the claimed ones, first first; -1 builds where its parts disagree
--         {"stale"} where the index is not the caller's: nothing was changed, it must be rebuilt
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {'stale'}
end

for _, uid in ipairs(cjson.decode(ARGV[8])) do
  local member = redis.call('HGET', KEYS[3], uid)
  if member then
    redis.call('ZREM', KEYS[2], member)
    redis.call('HDEL', KEYS[3], uid)
  end
  redis.call('ZREM', KEYS[4], uid)
end

for uid, member in pairs(cjson.decode(ARGV[9])) do
  local before = redis.call('HGET', KEYS[3], uid)
  if before and before ~= member then
    redis.call('ZREM', KEYS[2], before)
  end
  redis.call('HSET', KEYS[3], uid, member)
  -- A claimed build has left the line already, whatever its member is now; only the end of its claim puts it back.
  if not redis.call('ZSCORE', KEYS[4], uid) then
    redis.call('ZADD', KEYS[2], 0, member)
  end
end

for _, uid in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', '(' .. ARGV[2])) do
  local member = redis.call('HGET', KEYS[3], uid)
  if member then
    redis.call('ZADD', KEYS[2], 0, member)
  end
  redis.call('ZREM', KEYS[4], uid)
end

local places, limit = tonumber(ARGV[4]), tonumber(ARGV[5])
local running, busy = cjson.decode(ARGV[6]), {}
local held = redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[4])
if held ~= redis.call('HLEN', KEYS[3]) then
  held = -1
end
local chosen = {'ok', tostring(held)}
for _, slot in ipairs(cjson.decode(ARGV[7])) do
  busy[slot] = true
end

local page, from = 100, 0
while places > 0 do
  local members = redis.call('ZRANGE', KEYS[2], from, from + page - 1)
  if #members == 0 then
    break
  end
  for _, member in ipairs(members) do
    local uid, namespace, key = string.match(member, '^%d+:%d+:%d+:([^:]*):([^:]*):(.*)$')
    local slot = key ~= '' and (namespace .. ':' .. key) or nil
    local full = limit > 0 and (running[namespace] or 0) >= limit
    if places == 0 then
      break
    elseif full or (slot and busy[slot]) then
      from = from + 1
    else
      redis.call('ZREM', KEYS[2], member)
      redis.call('ZADD', KEYS[4], tonumber(ARGV[2]) + tonumber(ARGV[3]), uid)
      running[namespace] = (running[namespace] or 0) + 1
      if slot then
        busy[slot] = true
      end
      chosen[#chosen + 1] = uid
      places = places - 1
    end
  end
end
return chosen

-- One turn of the queue in one round trip: take in what changed, then hand out the free places.
--
-- KEYS    1 epoch     string: whose index this is
--         2 waiting   sorted set, every score 0: the members of one namespace stand together, in byte order
--         3 members   hash: uid -> its member in `waiting`
--         4 claims    sorted set: uid -> millisecond at which the claim ends
-- ARGV    1 epoch of the caller
--         2 now, milliseconds     3 length of a claim, milliseconds
--         4 free places           5 limit of a namespace, 0 for none
--         6 JSON {namespace: occupied places}
--         7 JSON ["namespace:key", ...] concurrency keys that are busy
--         8 JSON {namespace: turn} that may launch; the lower its turn, the longer ago it did
--         9 JSON [uid, ...] that wait no longer and need no claim
--        10 JSON {uid: member} that wait
--        11 JSON [namespace, ...] whose builds' priority counts against those of other namespaces
--        12 how many of the free places go only to namespaces that have nothing running
-- returns {"ok", "<builds in the index>", uid, ...} the claimed ones, first first; -1 builds where its parts disagree
--         {"stale"} where the index is not the caller's: nothing was changed, it must be rebuilt
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return {'stale'}
end

for _, uid in ipairs(cjson.decode(ARGV[9])) do
  local member = redis.call('HGET', KEYS[3], uid)
  if member then
    redis.call('ZREM', KEYS[2], member)
    redis.call('HDEL', KEYS[3], uid)
  end
  redis.call('ZREM', KEYS[4], uid)
end

for uid, member in pairs(cjson.decode(ARGV[10])) do
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

local places, limit, reserved = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[12])
local running, turns, busy, ranked = cjson.decode(ARGV[6]), cjson.decode(ARGV[8]), {}, {}
for _, slot in ipairs(cjson.decode(ARGV[7])) do
  busy[slot] = true
end
for _, namespace in ipairs(cjson.decode(ARGV[11])) do
  ranked[namespace] = true
end

-- From here on the same as `choose` in decide/order.py, where the rule is explained.
local OVERDUE, ORDINARY = '0000', '1001'
local pages = {}

-- The next member of a namespace whose key is free, or nil: read a page at a time, each member once.
local function next_in_line(namespace)
  local page = pages[namespace] or {at = 1, from = '[' .. namespace .. ':', members = {}}
  pages[namespace] = page
  while true do
    if page.at > #page.members then
      page.members = redis.call('ZRANGEBYLEX', KEYS[2], page.from, '(' .. namespace .. ';', 'LIMIT', 0, 16)
      page.at = 1
      if #page.members == 0 then
        return nil
      end
      page.from = '(' .. page.members[#page.members]
    end
    local member = page.members[page.at]
    page.at = page.at + 1
    local urgency, age, uid, key = string.match(member, '^[^:]*:(%d+):(%d+:%d+:([^:]*)):(.*)$')
    local slot = key ~= '' and (namespace .. ':' .. key) or nil
    if not (slot and busy[slot]) then
      return {member = member, namespace = namespace, urgency = urgency, age = age, uid = uid, slot = slot}
    end
  end
end

local function comes_before(one, other)
  if one.rank ~= other.rank then
    return one.rank < other.rank
  elseif one.turn ~= other.turn then
    return one.turn < other.turn
  end
  return one.age < other.age
end

-- The first of each line, in order; how many of them are overdue, and whether priority counts between namespaces.
local heads, overdue, by_rank = {}, 0, false

local function head_of(namespace, turn)
  local runs = running[namespace] or 0
  local full = (limit > 0 and runs >= limit) or (runs > 0 and places <= reserved)
  local head = not full and next_in_line(namespace) or nil
  if head then
    head.turn = turn
    head.rank = by_rank and ranked[namespace] and head.urgency or ORDINARY
    overdue = overdue + (head.urgency == OVERDUE and 1 or 0)
  end
  return head
end

local latest = 0
for namespace, turn in pairs(turns) do
  latest = math.max(latest, turn)
  if places > 0 then
    heads[#heads + 1] = head_of(namespace, turn)
  end
end
table.sort(heads, comes_before)

local held = redis.call('ZCARD', KEYS[2]) + redis.call('ZCARD', KEYS[4])
if held ~= redis.call('HLEN', KEYS[3]) then
  held = -1
end
local chosen = {'ok', tostring(held)}
while places > 0 and #heads > 0 do
  if next(ranked) and not by_rank and overdue == 0 then
    by_rank = true
    for _, head in ipairs(heads) do
      head.rank = ranked[head.namespace] and head.urgency or ORDINARY
    end
    table.sort(heads, comes_before)
  end
  local first = table.remove(heads, 1)
  overdue = overdue - (first.urgency == OVERDUE and 1 or 0)
  redis.call('ZREM', KEYS[2], first.member)
  redis.call('ZADD', KEYS[4], tonumber(ARGV[2]) + tonumber(ARGV[3]), first.uid)
  running[first.namespace] = (running[first.namespace] or 0) + 1
  if first.slot then
    busy[first.slot] = true
  end
  chosen[#chosen + 1] = first.uid
  places = places - 1
  latest = latest + 1
  if places > 0 and places == reserved then
    local idle = {}
    overdue = 0
    for _, head in ipairs(heads) do
      if (running[head.namespace] or 0) == 0 then
        idle[#idle + 1] = head
        overdue = overdue + (head.urgency == OVERDUE and 1 or 0)
      end
    end
    heads = idle
  end
  local head = head_of(first.namespace, latest)
  if head then
    local low, high = 1, #heads + 1
    while low < high do
      local middle = math.floor((low + high) / 2)
      if comes_before(head, heads[middle]) then
        high = middle
      else
        low = middle + 1
      end
    end
    table.insert(heads, low, head)
  end
end
return chosen

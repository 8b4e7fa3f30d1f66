-- SPDX-License-Identifier: MIT
--
-- What a farm's clients read, in the shares they read it, for wrk:
--
--     wrk -t2 -c50 -d10s -s reads.lua -H 'Authorization: Bearer TOKEN' URL -- INSTANCES [PAUSE]
--
-- PAUSE is how many milliseconds a connection waits before each read, on average.
-- The last line that is printed is one JSON object: what was answered, with which status and which
-- X-Cache, and how long it took. tests/load/figures.py reads it.

local PERCENTILES = {50, 90, 95, 99}

-- Of 100 requests, so many ask for this. {index} goes through all instances.
local MIX = {
   {55, "/api/instances/{index}"},
   {10, "/api/instances"},
   {5, "/api/instances?state=running"},
   {5, "/api/instances?state=stopped&limit=20"},
   {5, "/api/instances?fields=index,name,state"},
   {8, "/api/workstations"},
   {8, "/api/workstations/local"},
   {4, "/api/health"},
}

-- Each instance at least once, so that it is a whole number of times 100.
local ROUNDS = 10

-- --- one thread: every thread of wrk has globals of its own ---

-- Globals, because thread:get() finds nothing else.
statuses, outcomes = {}, {}

local requests, at = {}, 0

local function fill(n_instances)
   local index = 0
   for _, kind in ipairs(MIX) do
      for _ = 1, kind[1] * ROUNDS do
         local path = kind[2]:gsub("{index}", index % n_instances)
         if path ~= kind[2] then index = index + 1 end
         requests[#requests + 1] = wrk.format("GET", path)
      end
   end
end

local function shuffle(list)
   for i = #list, 2, -1 do
      local j = math.random(i)
      list[i], list[j] = list[j], list[i]
   end
end

-- Any wait up to twice the average, or all connections would ask at the same moment for ever.
local function pause_for(average_ms)
   function delay()
      return math.random(0, 2 * average_ms)
   end
end

function init(args)
   -- The same order in each run, another one in each thread.
   math.randomseed(number)
   fill(tonumber(args[1]) or error("reads.lua: give the number of instances after --"))
   shuffle(requests)
   local pause_ms = tonumber(args[2] or 0)
   if pause_ms > 0 then pause_for(pause_ms) end
end

function request()
   at = at % #requests + 1
   return requests[at]
end

function response(status, headers)
   local outcome = headers["X-Cache"] or "none"
   statuses[status] = (statuses[status] or 0) + 1
   outcomes[outcome] = (outcomes[outcome] or 0) + 1
end

-- --- all of them ---

local threads = {}

function setup(thread)
   threads[#threads + 1] = thread
   thread:set("number", #threads)
end

local function sum_of_threads(name, key_of)
   local sums = {}
   for _, thread in ipairs(threads) do
      for key, n in pairs(thread:get(name)) do
         local sum_key = key_of(key)
         sums[sum_key] = (sums[sum_key] or 0) + n
      end
   end
   return sums
end

local function as_json(counts)
   local members = {}
   for key, n in pairs(counts) do
      members[#members + 1] = string.format('"%s":%.15g', key, n)
   end
   table.sort(members)
   return "{" .. table.concat(members, ",") .. "}"
end

local function status_class(status)
   return math.floor(status / 100) .. "xx"
end

local function latencies_ms(latency)
   local ms = {max = latency.max / 1000}
   for _, percent in ipairs(PERCENTILES) do
      ms["p" .. percent] = latency:percentile(percent) / 1000
   end
   return ms
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format(
      '{"seconds":%.15g,"answers":%.15g,"statuses":%s,"socket_errors":%s,"outcomes":%s,' ..
      '"latency_ms":%s}\n',
      summary.duration / 1e6, summary.requests,
      as_json(sum_of_threads("statuses", status_class)),
      as_json({connect = e.connect, read = e.read, write = e.write, timeout = e.timeout}),
      as_json(sum_of_threads("outcomes", tostring)),
      summary.requests > 0 and as_json(latencies_ms(latency)) or "{}"))
end

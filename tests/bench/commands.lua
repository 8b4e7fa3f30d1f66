-- SPDX-License-Identifier: MIT
--
-- Commands that change nothing, for wrk: a stop of each of 500 stopped instances in turn. Each is an
-- operation of its own, written to disk before it is acknowledged and again when it has ended.

wrk.method = "POST"
local at = 0

function request()
   at = at % 500 + 1
   return wrk.format(nil, "/api/instances/" .. at - 1 .. "/stop")
end

-- Load for wrk: bodies from a file, one a line, in turn; optionally at a steady rate, and with the answers' prediction ids kept.
-- Arguments after `--`: the bodies' file, then name=value pairs: rate (requests a second, of each thread), ids (the files for
-- prediction ids, one a thread), limited=1 (count the answers of status 429), and headers as header:name=value.
-- Everything is prepared before the first request; the report is one line of JSON.
local ffi = require("ffi")
ffi.cdef([[
typedef struct { long seconds; long nanoseconds; } presage_timespec;
int clock_gettime(int clock, presage_timespec *time);
int usleep(unsigned int microseconds);
]])
local MONOTONIC, PACES_A_TURN, STAGGER_US = 1, 1000, 25000
local now_buffer = ffi.new("presage_timespec")

local function now_ms()
  ffi.C.clock_gettime(MONOTONIC, now_buffer)
  return tonumber(now_buffer.seconds) * 1000 + tonumber(now_buffer.nanoseconds) / 1e6
end

local requests, position, due, gap, ids = {}, 0, nil, nil, nil
local threads = {}
limited = 0

function setup(thread)
  thread:set("number", #threads)
  threads[#threads + 1] = thread
end

function init(args)
  -- Threads connect one after another: of several workers on one socket, the first to wake takes all that connect at once.
  ffi.C.usleep(STAGGER_US)
  local counting = false
  local headers = {["content-type"] = "application/json"}
  for index = 2, #args do
    local name, value = args[index]:match("^([^=]+)=(.*)$")
    local header = name:match("^header:(.+)$")
    if header then headers[header] = value end
    if name == "rate" then gap = PACES_A_TURN / tonumber(value) end
    if name == "limited" then counting = true end
    if name == "ids" then ids = assert(io.open(value .. "." .. number, "w")) end
  end
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
  if not gap then delay = nil end
  if not ids and not counting then response = nil end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function delay()
  local now = now_ms()
  due = math.max((due or now) + gap, now - PACES_A_TURN)
  return math.max(0, math.floor(due - now))
end

function response(status, _, body)
  if status == 429 then limited = limited + 1 end
  if ids and status == 200 then
    for id in body:gmatch('"prediction_id":"([^"]+)"') do ids:write(id, "\n") end
  end
end

function done(summary, latency, _)
  local errors, refused = summary.errors, 0
  for _, thread in ipairs(threads) do refused = refused + thread:get("limited") end
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"bytes":%d,"p50_us":%d,"p90_us":%d,"p95_us":%d,"p99_us":%d,"max_us":%d,"not_2xx":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"limited":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(90), latency:percentile(95),
    latency:percentile(99), latency.max, errors.status, errors.connect, errors.read, errors.write, errors.timeout, refused))
end

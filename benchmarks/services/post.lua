-- SPDX-License-Identifier: Apache-2.0
-- For wrk: posts the file in BODY, or gets when there is none, and ends with a line of JSON.
local path = os.getenv("BODY")
if path then
    local file = assert(io.open(path, "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    wrk.headers["Content-Type"] = "image/jpeg"
    wrk.headers["Accept"] = "application/x-npy"
    file:close()
end

done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

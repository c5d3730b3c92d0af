# SPDX-License-Identifier: Apache-2.0
"""More callers than the queue admits: the time of admitted requests and of refusals."""

import asyncio
import statistics
import time

# Longer than a refusal takes, shorter than `Retry-After`: callers that ignore it.
PAUSE = 0.05


def percentile(values, share):
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else float("nan")


async def caller(port, request, end, answers):
    """One connection that repeats its request; returns (status, seconds) of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while time.monotonic() < end:
            begin = time.monotonic()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
            await reader.readexactly(length)
            status = int(lines[0].split()[1])
            answers.append((status, time.monotonic() - begin))
            if any(line.replace(" ", "") == "connection:close" for line in lines):
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if status != 200:
                await asyncio.sleep(PAUSE)
    finally:
        writer.close()


async def load(port, request, callers, seconds):
    answers = []
    end = time.monotonic() + seconds
    await asyncio.gather(*(caller(port, request, end, answers) for _ in range(callers)))
    return answers


def saturation(server, limit, callers, seconds):
    """Seconds: admitted requests' p99 against `limit` requests' time at the rate reached, and refusals' p50 and p99."""
    head = f"POST {server.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
    request = f"{head}Content-Length: {len(server.body)}\r\n\r\n".encode() + server.body
    begin = time.monotonic()
    answers = asyncio.run(load(server.port, request, callers, seconds))
    elapsed = time.monotonic() - begin
    admitted = [seconds for status, seconds in answers if status == 200]
    refused = [seconds for status, seconds in answers if status == 429]
    rate = len(admitted) / elapsed
    return {
        "limit": limit,
        "callers": callers,
        "rate": rate,
        "admitted": len(admitted),
        "refused": len(refused),
        "others": len(answers) - len(admitted) - len(refused),
        "full_queue_seconds": limit / rate,
        "admitted_p99": percentile(admitted, 0.99),
        "refused_p50": statistics.median(refused) if refused else float("nan"),
        "refused_p99": percentile(refused, 0.99),
    }

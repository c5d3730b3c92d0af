# SPDX-License-Identifier: Apache-2.0
"""Reconstructions drawn a second while the slider moves all the time, and where the time of one goes."""

import signal
import statistics
import sys

from browser import Browser
from harness import CAT
from page import Page
from server import Server

RUNS = 3
SECONDS = 5
# One step a display frame, up and down the whole slider. Returns drawn frames, seconds and the requests' times.
MOVE = """
const [seconds, done] = arguments;
const keep = document.getElementById('keep');
const drawn = () => Number(document.documentElement.dataset.frames);
performance.clearResourceTimings();
performance.setResourceTimingBufferSize(5000);
const first = drawn(), begun = performance.now();
let step = Number(keep.value) < Number(keep.max) ? 1 : -1;
let displayed = 0;
function move() {
  const elapsed = (performance.now() - begun) / 1000;
  displayed += 1;
  if (elapsed >= seconds) {
    const requests = performance.getEntriesByType('resource').filter(entry => entry.name.includes('/decode'));
    const stages = {};
    for (const request of requests)
      for (const { name, duration } of request.serverTiming) (stages[name] ??= []).push(duration);
    done([drawn() - first, elapsed, displayed, requests.map(entry => entry.duration), stages]);
    return;
  }
  if (keep.value === keep.max) step = -1;
  if (keep.value === keep.min) step = 1;
  keep.value = Number(keep.value) + step;
  keep.dispatchEvent(new Event('input', { bubbles: true }));
  requestAnimationFrame(move);
}
requestAnimationFrame(move);
"""


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Browser() as browser, Server() as server:
        browser.size(1280, 900)
        page = Page(browser, server)
        page.open()
        page.load(CAT)
        rates = []
        for run in range(RUNS):
            drawn, seconds, displayed, requests, stages = browser.driver.execute_async_script(MOVE, SECONDS)
            page.ready()
            rates.append(drawn / seconds)
            times = ", ".join(f"{name} {statistics.median(stages[name]):.1f}" for name in stages)
            print(
                f"run {run + 1}: {rates[-1]:.1f} reconstructions a second, {displayed / seconds:.0f} display frames a"
                f" second; median request {statistics.median(requests or [0]):.1f} ms, on the server: {times} ms"
            )
        print(f"median of {RUNS} runs: {statistics.median(rates):.1f} reconstructions a second")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""What two compute threads cost where only one core is free, against one thread; see README.md."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from harness import OUT, ROOT, Contender, conditions, summary, write

MODEL = ROOT / "models/default"
BINARY = ROOT / ".build/release/engine-bench"
PAUSE = 0.1
QUOTA = Path("/sys/fs/cgroup")
# With one free core, two threads should take no more than this times one thread's time.
AIM = 1.1


def busy_loop(core):
    """A neighbour that never sleeps."""
    return subprocess.Popen(["taskset", "-c", str(core), sys.executable, "-c", "while True: pass"])


class Quota:
    """A control group of one processor's time, where this process may make one."""

    def __init__(self):
        self.group = None
        second, first = QUOTA / "uae-bench", QUOTA / "cpu/uae-bench"
        try:
            if (QUOTA / "cgroup.controllers").exists():
                second.mkdir(exist_ok=True)
                (second / "cpu.max").write_text("100000 100000")
                self.group = second
            else:
                first.mkdir(exist_ok=True)
                (first / "cpu.cfs_quota_us").write_text("100000")
                self.group = first
        except OSError as error:
            print(f"no case with a quota: {error}")

    def hold(self, contender):
        (self.group / "cgroup.procs").write_text(str(contender.process.pid))

    def end(self):
        if self.group:
            time.sleep(PAUSE)
            self.group.rmdir()


def measure(binaries, cores, quota, rounds, count):
    """Mean seconds of an encode for each binary and each number of threads, in turn."""
    mask = ",".join(map(str, cores))
    running = {}
    for name, binary in binaries.items():
        for threads in (1, 2):
            contender = Contender(f"{name} {threads}", ["taskset", "-c", mask, binary])
            if quota:
                quota.hold(contender)
            contender.ask("load", MODEL, "float32", threads, "packed")
            contender.ask("input", "pixels", OUT / "contention.pixels")
            contender.run("encode", 1, 5)
            running[name, threads] = contender
    taken = {key: [] for key in running}
    for _ in range(rounds):
        for key, contender in running.items():
            times = contender.run("encode", 1, count)
            taken[key].append(sum(times) / len(times))
            time.sleep(PAUSE)
    for contender in running.values():
        contender.end()
    return {key: summary(values) for key, values in taken.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--before", type=Path, help="another engine-bench, measured in the same rounds")
    options = parser.parse_args()
    rounds, count = (1, 5) if options.quick else (7, 25)
    OUT.mkdir(exist_ok=True)
    (OUT / "contention.pixels").write_bytes(bytes((7 * i + i // 672) % 256 for i in range(224 * 224 * 3)))
    binaries = {"before": options.before} if options.before else {}
    binaries["uae-serve"] = BINARY
    cores = sorted(os.sched_getaffinity(0))[:2]
    quota = Quota()
    cases = [
        ("two free cores", cores, None, None),
        ("a neighbour on one of two cores", cores, cores[1], None),
        ("one core", cores[:1], None, None),
    ]
    if quota.group:
        cases.append(("a quota of one core on two", cores, None, quota))

    result = {"conditions": conditions([]), "cases": []}
    print(f"{'case':34}{'engine':12}{'1 thread':>12}{'2 threads':>12}{'ratio':>8}")
    try:
        for case, mask, neighbour, limit in cases:
            busy = busy_loop(neighbour) if neighbour is not None else None
            try:
                taken = measure(binaries, mask, limit, rounds, count)
            finally:
                if busy:
                    busy.kill()
                    busy.wait()
            for name in binaries:
                one, two = taken[name, 1], taken[name, 2]
                ratio = two["median"] / one["median"]
                result["cases"].append({"case": case, "engine": name, "one": one, "two": two, "ratio": ratio})
                missed = "  above the aim" if case != cases[0][0] and ratio > AIM else ""
                print(
                    f"{case:34}{name:12}{one['median'] * 1e3:9.1f} ms{two['median'] * 1e3:9.1f} ms{ratio:8.2f}{missed}",
                    flush=True,
                )
    finally:
        quota.end()
    if not options.quick:
        write("contention", result)


if __name__ == "__main__":
    main()

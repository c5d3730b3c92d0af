# SPDX-License-Identifier: Apache-2.0
"""Shared by the benchmarks: contenders that take turns, medians, and the load of other processes."""

import json
import os
import platform
import statistics
import subprocess
import time
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OUT = HERE / "out"
TICKS = os.sysconf("SC_CLK_TCK")


class Contender:
    """A process that prints one line for each line that it reads."""

    def __init__(self, name, command, **environment):
        self.name = name
        self.process = subprocess.Popen(
            [str(word) for word in command],
            cwd=HERE,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(OUT / f"{name.replace(' ', '-')}.log", "w"),
            text=True,
        )

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer or answer.startswith("error"):
            raise RuntimeError(f"{self.name}: {' '.join(map(str, words))}: {answer or 'it ended'}; see out/*.log")
        return answer

    def run(self, operation, batch, count=1):
        return [float(word) for word in self.ask("run", operation, batch, count).split()]

    def processor_seconds(self):
        return process_seconds(self.process.pid)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def process_seconds(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def tree(pid):
    """A process and its descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                pass
    return found


class Neighbours:
    """Cores used by other processes than the benchmark: 0 is a quiet machine."""

    def __init__(self, own_seconds):
        self.own_seconds = own_seconds
        self.busy, self.own, self.start = self.busy_seconds(), own_seconds(), time.monotonic()

    @staticmethod
    def busy_seconds():
        fields = Path("/proc/stat").read_text().split("\n")[0].split()[1:]
        user, nice, system, _, _, interrupts, soft, steal = map(int, fields[:8])
        return (user + nice + system + interrupts + soft + steal) / TICKS

    def cores(self):
        busy, own = self.busy_seconds() - self.busy, self.own_seconds() - self.own
        return max(0.0, (busy - own) / (time.monotonic() - self.start))


def summary(values):
    """Median, and (largest - smallest) / median."""
    median = statistics.median(values)
    return {"median": median, "spread": (max(values) - min(values)) / median if median else 0, "values": values}


def first_line(*command):
    try:
        made = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        return made.stdout.strip().split("\n")[0]
    except OSError:
        return ""


def conditions(packages):
    """The machine, the versions and the commit."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().split("\n") if "model name" in line),
        platform.processor(),
    )
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": first_line("git", "rev-parse", "--short=10", "HEAD")
        + (" and uncommitted changes" if changed else ""),
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "swift": first_line("swift", "--version"),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in packages},
        "load_average": os.getloadavg()[0],
    }


def write(name, result):
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten: {path.relative_to(ROOT)}")

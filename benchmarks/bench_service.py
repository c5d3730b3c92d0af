# SPDX-License-Identifier: Apache-2.0
"""Compares our server with Python services that do the same work, under the same load, in turn; see README.md."""

import argparse
import http.client
import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy
from PIL import Image

from bench_engine import PHOTO, engine_binary, exported, published_model
from harness import HERE, OUT, ROOT, Contender, Neighbours, conditions, process_seconds, summary, tree, write
from saturation import saturation

MODEL = ROOT / "models/default"
OURS = "uae-serve"
CONNECTIONS = (1, 8, 64)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server process and its descendants."""

    def __init__(self, name, command, environment, path, body):
        self.name, self.command, self.environment = name, command, environment
        self.path, self.body, self.process = path, body, None

    def start(self):
        """Seconds from the start of the process to the first valid response."""
        self.port = free_port()
        words = [str(word).replace("PORT", str(self.port)) for word in self.command]
        log = open(OUT / f"{self.name.replace(' ', '-').replace(',', '')}.log", "w")
        begin = time.monotonic()
        self.process = subprocess.Popen(
            words, cwd=HERE, env=os.environ | self.environment, stdout=log, stderr=log, start_new_session=True
        )
        while self.answer() is None:
            if self.process.poll() is not None or time.monotonic() - begin > 120:
                raise RuntimeError(f"{self.name} did not start; see out/*.log")
            time.sleep(0.005)
        return time.monotonic() - begin

    def answer(self):
        """The body of a valid response; None for anything else."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "image/jpeg", "Accept": "application/x-npy"}
            connection.request("POST" if self.body else "GET", self.path, self.body, headers if self.body else {})
            response = connection.getresponse()
            content = response.read()
            return content if response.status == 200 else None
        except OSError:
            return None
        finally:
            connection.close()

    def stop(self):
        members = tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # Children that it left running.
        for pid in members[1:]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def seconds(self):
        return sum(process_seconds(pid) for pid in tree(self.process.pid))

    def memory(self):
        """Megabytes: the sum of the processes' peaks, and their current sum with shared pages counted once."""
        peak = proportional = 0
        for pid in tree(self.process.pid):
            peak += field(f"/proc/{pid}/status", "VmHWM")
            proportional += field(f"/proc/{pid}/smaps_rollup", "Pss")
        return {"peak_rss_mb": peak / 1024, "pss_mb": proportional / 1024}


def field(path, name):
    try:
        for line in Path(path).read_text().split("\n"):
            if line.startswith(name + ":"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def picture():
    """A photo as a JPEG of some 512 pixels."""
    file = io.BytesIO()
    photo = Image.open(PHOTO).convert("RGB")
    width = 512
    photo.resize((width, photo.height * width // photo.width), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    path = OUT / "picture.jpg"
    path.write_bytes(file.getvalue())
    return path


def servers(jpeg):
    body = jpeg.read_bytes()
    onnx = exported(MODEL, OUT / "onnx/default", ["encode", "decode", "classify"]) / "encode.onnx"
    side = str(json.loads((MODEL / "config.json").read_text())["image_side"])
    python = lambda threads: {
        "BENCH_ONNX": str(onnx), "BENCH_SIDE": side, "BENCH_THREADS": threads, "OMP_NUM_THREADS": threads,
    }
    ours = [ROOT / ".build/release/uae", "serve", "--model", MODEL, "--port", "PORT", "--threads", "2"]
    ours += ["--log-level", "warning", "--drain-delay-ms", "0"]
    uvicorn = [sys.executable, "-m", "uvicorn", "services.fastapi_service:app", "--port", "PORT"]
    uvicorn += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    litserve = [sys.executable, "-m", "services.litserve_service", "PORT"]
    named = [
        (OURS, ours, {}),
        ("FastAPI, 1 process x 2 threads", uvicorn, python("2")),
        ("FastAPI, 2 processes x 1 thread", [*uvicorn, "--workers", "2"], python("1")),
        ("LitServe, 2 workers x 1 thread", [*litserve, "2", "1"], python("1")),
        ("LitServe, 1 worker x 2 threads, batches", [*litserve, "1", "8"], python("2")),
    ]
    return [Server(name, command, environment, "/encode", body) for name, command, environment in named]


def wrk(server, path, connections, seconds, body=None, threads=1):
    command = ["wrk", f"-t{min(threads, connections)}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
    command += ["-s", "services/post.lua", f"http://127.0.0.1:{server.port}{path}"]
    environment = os.environ | ({"BODY": str(body)} if body else {})
    made = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=True)
    line = next(line for line in made.stdout.split("\n") if line.startswith("RESULT "))
    result = json.loads(line.removeprefix("RESULT "))
    result["rate"] = result["requests"] / result["seconds"]
    return result


def compare(running):
    """Compares every service's latent with ours."""
    reference = None
    for server in running:
        latent = numpy.load(io.BytesIO(server.answer()))
        if reference is None:
            reference = latent
        off = float(numpy.abs(latent - reference).max())
        print(f"  {server.name}: latent {latent.shape}, {off:.1e} from ours")
        assert latent.shape == reference.shape and off < 1e-3


def alternate(running, path, connections, rounds, seconds, body=None, threads=1):
    """Rounds in which every server has a turn under the load."""
    results = {server.name: [] for server in running}

    def own():
        # The servers and the load generators that have ended.
        return sum(server.seconds() for server in running) + os.times().children_user + os.times().children_system

    neighbours = Neighbours(own)
    for turn in range(rounds):
        start = turn % len(running)
        for server in running[start:] + running[:start]:
            time.sleep(0.2)
            before = server.seconds()
            run = wrk(server, path, connections, seconds, body, threads)
            run["cpu_ms"] = (server.seconds() - before) * 1e3 / max(run["requests"], 1)
            results[server.name].append(run)
    rows = {}
    for name, runs in results.items():
        rows[name] = {key: summary([run[key] for run in runs]) for key in ("rate", "p50_ms", "p99_ms", "cpu_ms")}
        rows[name]["errors"] = sum(run["errors"] for run in runs)
    return {"connections": connections, "neighbour_cores": neighbours.cores(), "rows": rows}


def print_cell(title, cell):
    first = next(iter(cell["rows"].values()))["rate"]["median"]
    print(f"\n{title}, {cell['connections']} connections; other load {cell['neighbour_cores']:.2f} cores")
    print(f"  {'':40} {'requests/s':>10} {'spread':>7} {'p50 ms':>8} {'p99 ms':>8} {'cpu ms':>7} {'errors':>6} {'ours is x':>9}")
    for name, row in cell["rows"].items():
        rate = row["rate"]
        print(
            f"  {name:40} {rate['median']:10.1f} {rate['spread']:7.0%} {row['p50_ms']['median']:8.2f}"
            f" {row['p99_ms']['median']:8.2f} {row['cpu_ms']['median']:7.3f} {row['errors']:6} {first / rate['median']:9.2f}"
        )


def start_ups(all_servers, count):
    """Starts and stops every server in turn."""
    found = {server.name: [] for server in all_servers}
    for _ in range(count):
        for server in all_servers:
            found[server.name].append(server.start())
            server.stop()
    return {name: summary(values) for name, values in found.items()}


def probes(rounds, seconds):
    """`/health/live` against nginx's bare `return 200`."""
    port = free_port()
    configuration = (HERE / "services/nginx.conf").read_text()
    configuration = configuration.replace("FOLDER", str(OUT)).replace("PORT", str(port))
    (OUT / "nginx.conf").write_text(configuration)
    ours = servers(OUT / "picture.jpg")[0]
    nginx = Server("nginx, return 200", ["nginx", "-c", OUT / "nginx.conf"], {}, "/health/live", None)
    ours.path, ours.body = "/health/ready", None
    ours.start()
    # Its configuration file already has the port.
    nginx.port = port
    nginx.process = subprocess.Popen(
        ["/usr/sbin/nginx", "-c", OUT / "nginx.conf"], start_new_session=True, stderr=subprocess.DEVNULL
    )
    while nginx.answer() is None:
        time.sleep(0.01)
    cells = []
    for connections in (1, 64):
        cell = alternate([ours, nginx], "/health/live", connections, rounds, seconds, threads=2)
        print_cell("GET /health/live", cell)
        cells.append(cell)
    ours.stop()
    nginx.stop()
    return cells


def overhead(ours, jpeg, rounds, seconds):
    """One caller's p50 against the same work without a server, in turn: the time that HTTP and batching add, in ms."""
    engine = Contender("engine", [engine_binary()])
    engine.ask("load", MODEL, "float32", 2, "packed")
    served, bare = [], []
    for _ in range(max(rounds, 3)):
        time.sleep(0.2)
        served.append(wrk(ours, "/encode", 1, seconds, jpeg)["p50_ms"])
        time.sleep(0.2)
        times = engine.ask("latent", jpeg, 20 if rounds == 1 else 200).split()
        bare.append(statistics.median(map(float, times)) * 1e3)
    engine.end()
    added = [one - other for one, other in zip(served, bare)]
    return {"served_ms": summary(served), "bare_ms": summary(bare), "added_ms": summary(added)}


def saturated(jpeg, seconds):
    """Our server with a queue of 32 requests, and four times as many callers."""
    limit = 32
    server = servers(jpeg)[0]
    server.command = [*server.command, "--max-queue-items", str(limit)]
    server.start()
    # The queue learns its rate from the first responses.
    saturation(server, limit, limit, 1)
    row = saturation(server, limit, 4 * limit, seconds)
    server.stop()
    print(
        f"\n{row['callers']} callers, a queue of {limit}: {row['rate']:.0f} requests/s, admitted p99 {row['admitted_p99']:.2f} s"
        f" (a full queue takes {row['full_queue_seconds']:.2f} s), {row['refused']} refused after"
        f" {row['refused_p50'] * 1e3:.1f} ms in the median, p99 {row['refused_p99'] * 1e3:.1f} ms, {row['others']} others"
    )
    return row


def published(count):
    """Start to ready and memory of our server with the published-size model."""
    folder, rows = published_model(), {}
    command = servers(OUT / "picture.jpg")[0].command
    for storage in ("float32", "float16"):
        words = [folder if word == MODEL else word for word in command] + ["--weight-storage", storage]
        server = Server(f"published {storage}", words, {}, "/health/ready", None)
        ready, memory = [], {}
        for _ in range(count):
            ready.append(server.start())
            memory = server.memory()
            memory["rss_mb"] = field(f"/proc/{server.process.pid}/status", "VmRSS") / 1024
            server.stop()
        rows[storage] = {"ready": summary(ready), **memory}
        print(
            f"  published size, {storage}: ready after {rows[storage]['ready']['median']:.2f} s,"
            f" RSS {memory['rss_mb']:.0f} MB, peak {memory['peak_rss_mb']:.0f} MB"
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, to check that it runs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of load in each turn")
    options = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    rounds, seconds = (1, 1) if options.quick else (options.rounds, options.seconds)

    jpeg = picture()
    running = servers(jpeg)
    result = {
        "conditions": conditions(("onnxruntime", "fastapi", "uvicorn", "litserve", "pillow")),
        "quick": options.quick,
        "rounds": rounds,
        "seconds": seconds,
        "picture_bytes": jpeg.stat().st_size,
    }
    print("start to the first response, s:")
    result["start_up"] = start_ups(running, 1 if options.quick else 3)
    for name, row in result["start_up"].items():
        print(f"  {name:40} {row['median']:6.3f}  spread {row['spread']:.0%}")
    for server in running:
        server.start()
    print("the same work:")
    compare(running)
    result["encode"] = []
    for connections in CONNECTIONS:
        cell = alternate(running, "/encode", connections, rounds, seconds, jpeg)
        print_cell("POST /encode, JPEG in, latent out", cell)
        result["encode"].append(cell)
    print("\nmemory, MB (peak RSS, summed over processes; PSS after the load):")
    result["memory"] = {server.name: server.memory() for server in running}
    for name, row in result["memory"].items():
        print(f"  {name:40} {row['peak_rss_mb']:7.0f} {row['pss_mb']:7.0f}")
    result["overhead"] = overhead(running[0], jpeg, rounds, seconds)
    added, bare = result["overhead"]["added_ms"], result["overhead"]["bare_ms"]
    print(f"\none caller: {bare['median']:.2f} ms without a server, {added['median']:.2f} ms added by it")
    for server in running:
        server.stop()
    result["saturation"] = saturated(jpeg, 2 if options.quick else 10)
    result["probes"] = probes(rounds, seconds)
    result["published"] = published(1 if options.quick else 3)
    write("service", result)


if __name__ == "__main__":
    main()

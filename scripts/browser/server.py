# SPDX-License-Identifier: Apache-2.0
"""The built server as a process of the tests: started on a free port, paused, killed, and started again at its port."""

import http.client
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("UAE_BINARY", str(ROOT / ".build/release/uae"))
MODEL = os.environ.get("UAE_MODEL", str(ROOT / "models/default"))


class Server:
    """Runs while its `with` block does; it is never left behind."""

    def __init__(self, *flags, model=MODEL):
        self.flags = [*flags, "--model", str(model), "--host", "127.0.0.1", "--drain-delay-ms", "0"]
        self.process = None
        self.port = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Starts it, at its earlier port if it had one, and waits until it is ready."""
        with tempfile.TemporaryFile() as log:
            command = [BINARY, "serve", *self.flags, "--port", str(self.port)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)
            deadline = time.monotonic() + 60
            while True:
                log.seek(0)
                lines = log.read().decode(errors="replace")
                found = re.search(r"http://127\.0\.0\.1:(\d+)", lines)
                if found:
                    self.port = int(found[1])
                    if self.is_ready():
                        return
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError(f"the server did not become ready; its log: {lines[-1000:]}")
                time.sleep(0.02)

    def is_ready(self):
        try:
            return self.request("GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def request(self, method, target, body=None, headers=None):
        """Status, headers and body of the response to a request that the test itself sends."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

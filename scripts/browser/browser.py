# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium without a window, driven by chromedriver, with a profile of its own that is deleted at the end."""

import os
import pathlib
import shutil
import signal
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = [
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to run as root with it; it only visits this machine's server.
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
]

# Runs before the page's own script: counts requests and can hold responses back, and notes violations of the policy.
# `window.tests.hold(call)` returns the milliseconds for which a response is withheld from the page.
WATCH = """
window.tests = { calls: [], violations: [], hold: () => 0 };
document.addEventListener('securitypolicyviolation', event => window.tests.violations.push(
  `${event.violatedDirective}: ${event.blockedURI} at ${event.lineNumber}`));
const fetched = window.fetch;
window.fetch = async (resource, options) => {
  const call = { url: String(resource.url ?? resource), status: 0, begun: performance.now() };
  window.tests.calls.push(call);
  const hold = window.tests.hold(call);
  const response = await fetched(resource, options);
  if (hold) await new Promise(done => setTimeout(done, hold));
  call.status = response.status;
  call.ended = performance.now();
  return response;
};
"""


class Browser:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="uae-browser-"))
        self.driver = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def downloads(self):
        return self.folder / "downloads"

    def start(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*FLAGS, f"--user-data-dir={self.folder}/profile"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.timeouts = {"pageLoad": 20_000, "script": 30_000, "implicit": 0}
        service = Service("/usr/bin/chromedriver", log_output=os.devnull)
        self.driver = webdriver.Chrome(options, service)
        self.downloads.mkdir(exist_ok=True)
        self.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        self.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        self.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])

    def command(self, method, **parameters):
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(method, parameters)

    def size(self, width, height, scale=1, mobile=False):
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )
        self.command("Emulation.setTouchEmulationEnabled", enabled=mobile)

    def prefer(self, scheme="light", motion="no-preference"):
        """The user's preferred colours and amount of motion."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]
        self.command("Emulation.setEmulatedMedia", features=features)

    def restart(self):
        self.kill()
        self.start()

    def kill(self):
        """Ends the driver and every process that has this browser's profile, also if they hang."""
        if self.driver is not None:
            self.driver.service.process.kill()
            self.driver.service.process.wait()
            self.driver = None
        for _ in range(100):
            processes = list(self.processes())
            if not processes:
                return
            for process in processes:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)

    def processes(self):
        mark = f"--user-data-dir={self.folder}/profile".encode()
        for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                arguments = file.read_bytes()
            except OSError:
                continue
            if mark in arguments:
                yield int(file.parent.name)

# SPDX-License-Identifier: Apache-2.0
"""The page at / as its user sees it: what is on it, and what can be done with it."""

import base64
import io
import pathlib
import re
import time

from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

PATIENCE = 20


class Page:
    def __init__(self, browser, server, harness=None):
        self.browser = browser
        self.harness = harness
        self.driver = browser.driver
        self.server = server

    def open(self):
        self.driver.get(self.server.url + "/")
        self.until(lambda: self.state() != "busy" or self.asks(), "the page ends its start")

    # What is on it

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def element(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def elements(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def state(self):
        return self.run("return document.documentElement.dataset.state")

    def frames(self):
        """Reconstructions that were drawn so far."""
        return int(self.run("return document.documentElement.dataset.frames || 0"))

    def text(self, selector):
        """Its text if it is visible, else an empty text."""
        found = self.elements(selector)
        return found[0].text.strip() if found else ""

    def number(self, selector):
        """The first number in its text; None without one."""
        found = re.search(r"[0-9]+(?:[.,][0-9]+)*", self.text(selector))
        return float(found[0].replace(",", "")) if found else None

    def asks(self):
        """Whether it asks for a key."""
        return self.element("#key-form").is_displayed()

    def keep(self):
        return int(self.run("return document.getElementById('keep').value"))

    def errors(self):
        """The sentences that are shown, by the id of their element."""
        names = ["first-error", "second-error", "page-error"]
        return {name: self.text(f"#{name}") for name in names if self.text(f"#{name}")}

    def calls(self, part=""):
        """Requests since the page was opened whose target contains `part`."""
        return [call for call in self.run("return window.tests.calls") if part in call["url"]]

    def picture(self, selector="#frame"):
        """What is drawn there, without a mark of the focus."""
        self.run(
            "document.activeElement?.blur(); arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })",
            self.element(selector),
        )
        return Image.open(io.BytesIO(self.element(selector).screenshot_as_png)).convert("RGB")

    # Waiting

    def until(self, condition, what, patience=PATIENCE):
        """Waits until the condition holds, and returns its value."""
        deadline = time.monotonic() + patience
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < deadline, f"waited {patience} s in vain until {what}; {self.describe()}"
            time.sleep(0.02)

    def describe(self):
        return f"state {self.state()}, frames {self.frames()}, errors {self.errors()}"

    def ready(self, frames=None):
        """Waits until everything for the present images and level is shown, after more than `frames` reconstructions."""
        self.until(
            lambda: self.state() == "ready" and (frames is None or self.frames() > frames), "the page is ready"
        )

    def refused(self, name):
        """Waits until the sentence of an error is there, and returns it."""
        return self.until(lambda: self.text(f"#{name}"), f"#{name} has a sentence")

    # What can be done with it

    def choose(self, file, selector="#pick"):
        self.element(selector).send_keys(str(file))

    def load(self, file, selector="#pick"):
        """Chooses an image and waits for all that is shown of it."""
        frames = self.frames()
        self.choose(file, selector)
        self.ready(frames)

    def click(self, selector):
        element = self.element(selector)
        self.run("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
        element.click()

    def press(self, selector, *keys):
        """Keys, sent to an element that has the focus."""
        self.run("arguments[0].focus()", self.element(selector))
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def slide(self, value, selector="#keep"):
        """Moves a slider as a drag does that ends at this value."""
        self.run(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', { bubbles: true }))",
            self.element(selector),
            value,
        )

    def slide_and_wait(self, value):
        frames = self.frames()
        self.slide(value)
        self.ready(frames)

    def drag(self, selector, from_x, to_x):
        """Drags with the mouse between two places, given as shares of the element's width."""
        box = self.run(
            "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' });"
            "const box = arguments[0].getBoundingClientRect(); return [box.x, box.y, box.width, box.height]",
            self.element(selector),
        )
        y = box[1] + box[3] / 2
        self.mouse("mouseMoved", box[0] + box[2] * from_x, y)
        self.mouse("mousePressed", box[0] + box[2] * from_x, y)
        for step in range(1, 6):
            self.mouse("mouseMoved", box[0] + box[2] * (from_x + (to_x - from_x) * step / 5), y)
        self.mouse("mouseReleased", box[0] + box[2] * to_x, y)

    def swipe(self, selector, from_x, to_x):
        """Drags with a finger, likewise."""
        box = self.run(
            "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' });"
            "const box = arguments[0].getBoundingClientRect(); return [box.x, box.y + box.height / 2, box.width]",
            self.element(selector),
        )
        places = [box[0] + box[2] * (from_x + (to_x - from_x) * step / 5) for step in range(6)]
        for kind, x in zip(["touchStart"] + ["touchMove"] * 5, places):
            self.browser.command("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": box[1]}])
        self.browser.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def mouse(self, kind, x, y):
        pressed = kind != "mouseMoved"
        self.browser.command(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=int(pressed)
        )

    def paste(self, file, kind):
        """Pastes an image, as after copying it elsewhere."""
        self.run(
            """
            const bytes = Uint8Array.from(atob(arguments[0]), text => text.charCodeAt(0));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], 'pasted', { type: arguments[1] }));
            document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
            """,
            base64.b64encode(pathlib.Path(file).read_bytes()).decode(),
            kind,
        )

    def drop(self, *files, selector="body"):
        """Drops files on an element, as from a file manager."""
        x, y = self.run(
            "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' });"
            "const box = arguments[0].getBoundingClientRect();"
            "return [box.x + box.width / 2, Math.min(box.y + box.height / 2, innerHeight - 20)]",
            self.element(selector),
        )
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.browser.command("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def tab(self, backwards=False):
        keys = Keys.SHIFT + Keys.TAB if backwards else Keys.TAB
        ActionChains(self.driver).send_keys(keys).perform()

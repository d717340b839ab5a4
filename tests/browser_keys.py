"""A browser that a test types into: headless Chromium, told what to do through a pipe."""

import base64
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest
from browser import NAMES, QUIET

_CODES = {
    "Enter": ("Enter", 13, "\r"),
    " ": ("Space", 32, " "),
    "Backspace": ("Backspace", 8, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
}


class Page:
    """A page in the browser."""

    def __init__(self, sending, receiving):
        self._sending, self._receiving, self._rest, self._n = sending, receiving, b"", 0
        self._session = None
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.said = []
        for part in ("Page", "Runtime", "Log"):
            self._ask(f"{part}.enable")

    def open(self, address):
        self._ask("Page.navigate", url=address)

    def shape(self, width, height, *, dark=False, phone=False):
        """Set the size of the window, and whether colours are dark."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=phone,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key):
        """Press a key."""
        code, number, text = _CODES.get(key, (f"Key{key.upper()}", ord(key.upper()[0]), key))
        event = {"key": key, "code": code, "windowsVirtualKeyCode": number, "text": text}
        self._ask("Input.dispatchKeyEvent", type="keyDown", **event)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **event)

    def value(self, script):
        """Return the value of a JavaScript expression."""
        found = self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def text(self, name):
        return self.value(f"document.getElementById({name!r}).textContent")

    def wait(self, script, seconds=60):
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.value(script):
            assert time.monotonic() < end, f"not true: {script}"
            time.sleep(0.02)

    def picture(self):
        """Return a screenshot as a PNG file."""
        return base64.b64decode(self._ask("Page.captureScreenshot")["data"])

    def _ask(self, method, **params):
        self._n += 1
        message = {"id": self._n, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._sending, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._n:
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.said.append(answer["params"])
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self):
        while b"\0" not in self._rest:
            part = os.read(self._receiving, 65536)
            assert part, "the browser has ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)


@contextmanager
def open_browser(profile):
    """Yield a page of a browser; skips the test where there is none."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    if not hasattr(os, "geteuid"):
        pytest.skip("the pipe to the browser needs file descriptors of Unix")
    (to_browser, sending), (receiving, from_browser) = os.pipe(), os.pipe()
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [browser, *QUIET, *as_root, "--remote-debugging-pipe", f"--user-data-dir={profile}"]

    def connect():  # the browser reads from descriptor 3 and writes to 4
        high = [os.dup(end) for end in (to_browser, from_browser, to_browser, from_browser)]
        os.dup2(high[2], 3)
        os.dup2(high[3], 4)

    process = subprocess.Popen(
        command, preexec_fn=connect, pass_fds=(3, 4), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(to_browser)
    os.close(from_browser)
    try:
        yield Page(sending, receiving)
    finally:
        process.kill()
        process.wait()
        os.close(sending)
        os.close(receiving)

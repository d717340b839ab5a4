"""A page as a browser sees it: headless Chromium, where there is one."""

import json
import os
import re
import shutil
import subprocess
from html import unescape

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = [
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
]
# The page lies in frames of the given widths, which the script around them may look into.
_FRAMES = """<!DOCTYPE html><meta charset="utf-8"><title>frames</title><body><script>
const page = PAGE, widths = WIDTHS, seen = [];
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 800; frame.style.border = "0";
  frame.onload = () => {
    const root = frame.contentDocument.documentElement;
    frame.contentDocument.querySelectorAll("details").forEach(each => each.open = true);
    const images = [...frame.contentDocument.images];
    seen.push({
      width: width,
      room: root.clientWidth,
      taken: Math.max(root.scrollWidth, frame.contentDocument.body.scrollWidth),
      images: images.length,
      broken: images.filter(each => !(each.complete && each.naturalWidth)).map(each => each.alt),
      hidden: images.filter(each => !each.getBoundingClientRect().width).map(each => each.alt),
      title: frame.contentDocument.title,
    });
    const result = document.getElementById("result") || document.createElement("pre");
    result.id = "result"; result.textContent = JSON.stringify(seen);
    document.body.append(result);
  };
  frame.srcdoc = page;
  document.body.append(frame);
}
</script></body>"""


def look_at(page, folder, widths):
    """Open a page; return what was seen at each width, and what the console said.

    Skips the test where there is no browser.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    text = json.dumps(page).replace("</", "<\\/")
    frames = folder / "frames.html"
    frames.write_text(
        _FRAMES.replace("WIDTHS", json.dumps(widths)).replace("PAGE", text), encoding="utf-8"
    )
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [browser, *QUIET, *as_root, f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [*command, frames.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, flags=re.DOTALL)
    assert found, "the page did not load"
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return {each["width"]: each for each in json.loads(unescape(found[1]))}, console

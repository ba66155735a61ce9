"""(j) of `make bench`: milliseconds from a dropped file to its first picture on the page, in the system's Chromium.

    python -m benchmarks.page [--rounds 7]

The page is open and shows its sample. The clock of the browser runs from the event of the drop to the first frame that
is painted after the heatmap has been drawn: upload, `POST /clips`, `POST /heatmap`, decoding and drawing are in it.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import sys
from statistics import median

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page, sync_playwright

from benchmarks import servers
from benchmarks.inputs import POSES, npy_bytes
from benchmarks.report import Row, text_table
from benchmarks.servers import Server

FRAMES = 100
TARGET_MILLISECONDS = 300

_OPEN = "() => document.querySelector('clip-status b') && !document.querySelector('clip-stage[aria-busy=true]')"
_DROP = """async data => {
  const { model } = await import("/static/model.js");
  const painted = new Promise((resolve) => {
    const show = () => requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    model.addEventListener("volume", show, { once: true });
  });
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(data), letter => letter.charCodeAt(0))], "clip.npy"));
  const begun = performance.now();
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  return (await painted) - begun;
}"""


def first_picture(server: Server, rounds: int) -> list[Row]:
    """The rows of (j): of 17 keypoints, and of 133; none without Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no Chromium: (j), from the drop to the first picture, is left out", file=sys.stderr, flush=True)
        return []
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for points, target in ((17, TARGET_MILLISECONDS), (133, None)):
            content = base64.b64encode(npy_bytes(_clip(points))).decode()
            times = []
            for _ in range(rounds):
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(f"http://127.0.0.1:{server.port}/#/clip?img_shape=1080,1920")
                page.wait_for_function(_OPEN)
                times.append(_drop(page, content))
                page.close()
            what = f"from the drop to the first picture, {FRAMES} frames of {points} keypoints"
            rows.append(Row("j", what, "ms", median(times), None, "", target, bound="figure under"))
        browser.close()
    return rows


def _drop(page: Page, content: str) -> float:
    milliseconds: float = page.evaluate(_DROP, content)
    return milliseconds


def _clip(points: int) -> npt.NDArray[np.float32]:
    """The sign, from its start again where it ends."""
    sign: npt.NDArray[np.float32] = np.load(POSES)[:, :points].astype(np.float32)
    return np.resize(sign, (FRAMES, points, 3))


def main() -> None:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description="from the drop to the first picture")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with servers.heatsvc(None) as ours:
        print(f"{os.cpu_count()} cores\n\n{text_table(first_picture(ours, rounds))}")


if __name__ == "__main__":
    main()

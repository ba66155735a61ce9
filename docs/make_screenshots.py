"""Takes the screenshots docs/images/page-*.png of a running service, with the system's Chromium.

`python docs/make_screenshots.py http://127.0.0.1:8000/`
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
KETI = ROOT / "tests" / "data" / "keti-mini"
PICKLE = ROOT / "openapi" / "examples" / "annotation.pkl"
WIDE = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark", "locale": "en-US"}
VIEWS: dict[str, tuple[str, dict[str, Any]]] = {
    "sample": ("#/clip?select=sign27&frame=60", WIDE),
    "light": ("#/clip?select=sign59&frame=84&color=part&pipeline=view", {**WIDE, "color_scheme": "light"}),
    "pickle": ("#/clip?frame=12", WIDE),
    "dataset": ("#/dataset", WIDE),
    "korean": ("#/clip?select=sign27&frame=60&channel=right_wrist", {**WIDE, "locale": "ko-KR"}),
    "360px": (
        "#/clip?select=sign27&frame=60",
        {**WIDE, "viewport": {"width": 360, "height": 740}, "device_scale_factor": 2},
    ),
}


def main(url: str) -> None:
    """Take all screenshots."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (fragment, options) in VIEWS.items():
            page = browser.new_page(reduced_motion="reduce", **options)
            page.goto(url + fragment)
            if name == "dataset":
                _build(page)
            else:
                _wait(page)
            if name == "pickle":
                page.set_input_files("page-header input[type=file]", PICKLE)
                page.locator("page-header .menu").click()
                _wait(page)
            page.screenshot(path=IMAGES / f"page-{name}.png")
            page.close()
        browser.close()


def _build(page: Page) -> None:
    """Build the dataset keti-mini, and show its report."""
    page.set_input_files("dataset-drop[part=keypoints] input[webkitdirectory]", KETI / "Keypoints-MMPOSE")
    tables = {"labels": sorted((KETI / "Annotation").glob("*.xlsx")), "split": [KETI / "Annotation" / "split.json"]}
    for part, paths in tables.items():
        page.set_input_files(f"dataset-drop[part={part}] input[multiple]", list(map(str, paths)))
    page.fill("[data-field='options.img_shape']", "1080 × 1920")
    page.select_option("[data-field='options.faulty']", "drop")
    page.select_option("[data-field='options.split_policy']", "drop")
    page.get_by_role("button", name="Build the dataset").click()
    page.get_by_text("Built from").wait_for(timeout=120_000)
    page.wait_for_function("() => !document.querySelector('dataset-drop .busy')", timeout=120_000)


def _wait(page: Page) -> None:
    """Wait until the heatmap and the lines of the channels are drawn."""
    page.wait_for_function("() => document.querySelector('clip-stage').getAttribute('aria-busy') === 'false'")
    page.wait_for_timeout(1_500)


if __name__ == "__main__":
    main(sys.argv[1])

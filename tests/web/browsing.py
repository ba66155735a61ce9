"""A browser on a service's page, with every other host out of reach."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

WAIT = 60_000
"""Milliseconds that a busy machine may take for what is waited for."""

expect.set_options(timeout=WAIT)

_DROP = """files => {
  const transfer = new DataTransfer();
  for (const [name, data] of Object.entries(files))
    transfer.items.add(new File([Uint8Array.from(atob(data), letter => letter.charCodeAt(0))], name));
  return transfer;
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, port: int, fragment: str = "", **context: Any) -> Iterator[Page]:
    """The page, once it shows its sample; what went wrong in it fails the test at the end.

    Args:
        browser: to open it in.
        port: of the service on 127.0.0.1.
        fragment: of the address.
        context: options of the browser's context: viewport, locale, color_scheme.
    """
    origin = f"http://127.0.0.1:{port}/"
    wrong: list[str] = []

    def only_the_service(route: Route) -> None:
        if route.request.url.startswith((origin, "blob:")):
            route.continue_()
        else:
            wrong.append(f"another host: {route.request.url}")
            route.abort()

    options = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US", "reduced_motion": "reduce", **context}
    with browser.new_context(**options) as made:
        made.route("**/*", only_the_service)
        page = made.new_page()
        page.set_default_timeout(WAIT)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None,
        )
        page.goto(origin + fragment)
        yield page
        assert not wrong, wrong


def drop(page: Page, files: Mapping[str, bytes]) -> None:
    """Drop files anywhere on the page."""
    encoded = {name: base64.b64encode(data).decode() for name, data in files.items()}
    transfer = page.evaluate_handle(_DROP, encoded)
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})


def wait_for_shape(page: Page, shape: str) -> None:
    """Wait until the status line says this shape."""
    page.wait_for_function(
        "shape => document.querySelector('clip-status b')?.textContent === shape"
        " && document.querySelector('clip-stage').getAttribute('aria-busy') === 'false'",
        arg=shape,
    )

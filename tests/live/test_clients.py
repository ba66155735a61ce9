"""The clients that people have decode every coding that they know, byte for byte the same array."""

from __future__ import annotations

import asyncio
import hashlib
import io
import subprocess
from pathlib import Path

import aiohttp
import httpx
import numpy as np
import pytest
import requests

from tests.golden import tolerance
from tests.live.decoding import BODY, CASE, CODINGS, HEADERS, one_coding, path_of, raw
from tests.live.server import Live


@pytest.fixture(scope="module")
def expected(live: Live) -> bytes:
    return raw(live, "identity")


def test_the_array_is_pyskl_s(expected: bytes) -> None:
    np.testing.assert_allclose(np.load(io.BytesIO(expected)), CASE.imgs, rtol=0, atol=tolerance(CASE))


@pytest.mark.parametrize("coding", CODINGS)
def test_httpx(live: Live, expected: bytes, coding: str) -> None:
    response = httpx.post(f"{live.address}/heatmap", content=BODY, headers={**HEADERS, "Accept-Encoding": coding})
    assert response.headers["content-encoding"] == coding
    assert response.content == expected


@pytest.mark.parametrize("coding", ["deflate", "gzip"])
def test_requests(live: Live, expected: bytes, coding: str) -> None:
    response = requests.post(
        f"{live.address}/heatmap", BODY, headers={**HEADERS, "Accept-Encoding": coding}, timeout=60
    )
    assert response.headers["content-encoding"] == coding
    assert response.content == expected


@pytest.mark.parametrize("coding", ["deflate", "gzip"])
def test_aiohttp(live: Live, expected: bytes, coding: str) -> None:
    async def post() -> tuple[str, bytes]:
        headers = {**HEADERS, "Accept-Encoding": coding}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{live.address}/heatmap", data=BODY, headers=headers) as response,
        ):
            return response.headers["Content-Encoding"], await response.read()

    assert asyncio.run(post()) == (coding, expected)


@pytest.mark.parametrize(
    "client",
    [
        lambda url: httpx.post(url, content=BODY, headers=HEADERS).content,
        lambda url: requests.post(url, BODY, headers=HEADERS, timeout=60).content,
    ],
    ids=["httpx", "requests"],
)
def test_default_codings_of_clients(live: Live, expected: bytes, client: object) -> None:
    assert client(f"{live.address}/heatmap") == expected  # type: ignore[operator]


@pytest.mark.parametrize(
    "coding",
    [
        pytest.param("zstd", marks=pytest.mark.needs("curl", "zstd")),
        pytest.param("deflate", marks=pytest.mark.needs("curl", "libz")),
        pytest.param("gzip", marks=pytest.mark.needs("curl", "libz")),
    ],
)
def test_curl(live: Live, expected: bytes, tmp_path: Path, coding: str) -> None:
    (tmp_path / "clip.json").write_bytes(BODY)
    words = [path_of("curl"), "-sS", "--fail", "--compressed", "-H", f"Accept-Encoding: {coding}"]
    words += ["-H", "Content-Type: application/json", "-d", f"@{tmp_path}/clip.json", "-D", f"{tmp_path}/head"]
    subprocess.run([*words, "-o", f"{tmp_path}/out.npy", f"{live.address}/heatmap"], check=True)
    assert f"content-encoding: {coding}" in (tmp_path / "head").read_text()
    assert (tmp_path / "out.npy").read_bytes() == expected


@pytest.mark.needs("curl")
def test_curl_compressed(live: Live, expected: bytes, tmp_path: Path) -> None:
    (tmp_path / "clip.json").write_bytes(BODY)
    words = [path_of("curl"), "-sS", "--fail", "--compressed", "-H", "Content-Type: application/json"]
    words += ["-d", f"@{tmp_path}/clip.json", "-o", f"{tmp_path}/out.npy", f"{live.address}/heatmap"]
    subprocess.run(words, check=True)
    assert (tmp_path / "out.npy").read_bytes() == expected


@pytest.mark.needs("zstd")
def test_zstd(live: Live, expected: bytes) -> None:
    decoded = subprocess.run([path_of("zstd"), "-d", "-c"], input=raw(live, "zstd"), capture_output=True, check=True)
    assert decoded.stdout == expected


FETCH = """async ([path, body]) => {
    const response = await fetch(path, {method: 'POST', body, headers: {'Content-Type': 'application/json'}});
    const data = await response.arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
    const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return [response.status, response.headers.get('Content-Encoding'), data.byteLength, hex];
}"""


@pytest.mark.slow
@pytest.mark.needs("chromium")
def test_chromium(live: Live, expected: bytes) -> None:
    from playwright.sync_api import sync_playwright

    got = {}
    with one_coding(live) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path_of("chromium"), args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.goto(f"{live.address}/health/live")
            got["its own choice"] = page.evaluate(FETCH, ["/heatmap", BODY.decode()])
            page.goto(f"{address}/health/live")
            for coding in CODINGS:
                got[coding] = page.evaluate(FETCH, [f"/{coding}/heatmap", BODY.decode()])
        finally:
            browser.close()
    same = [len(expected), hashlib.sha256(expected).hexdigest()]
    assert got.pop("its own choice") == [200, "zstd", *same]
    assert got == {coding: [200, coding, *same] for coding in CODINGS}

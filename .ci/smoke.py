"""An installed heatsvc renders a clip, in the library and, where it runs, as a service.

python smoke.py native|reference
"""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np

import heatsvc
from heatsvc.kernels import KERNELS

CLIP = {"keypoint": [[[10.0 + 2 * point, 20.0 + point, 0.9] for point in range(17)]] * 8, "img_shape": [64, 64]}


def main(kernels: str) -> None:
    """Render, and compare.

    Args:
        kernels: that must be in use.
    """
    assert KERNELS.name == kernels, f"the kernels are {KERNELS.name}: {KERNELS.hint}"
    drawn = heatsvc.draw(CLIP, "view")
    assert drawn.shape == (8, 17, 64, 64)
    assert 0.5 < drawn.max() <= 1
    if sys.platform == "win32":
        return
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, "-P", "-m", "heatsvc", "serve", "--port", str(port)])
    try:
        wait_until_ready(address, server)
        body = json.dumps(CLIP).encode()
        request = urllib.request.Request(f"{address}/heatmap", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            assert f"kernels={kernels}" in response.headers["X-Heatmap-Version"]
            np.testing.assert_array_equal(np.load(io.BytesIO(response.read())), drawn)
        with urllib.request.urlopen(f"{address}/", timeout=30) as response:
            assert b"<html" in response.read()
    finally:
        server.terminate()
        server.wait(30)


def wait_until_ready(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait a minute for the service."""
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{address}/health/ready", timeout=5).close()
            return
        except OSError:
            assert server.poll() is None, "the service has ended"
            assert time.monotonic() < deadline, "the service is not ready"
            time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1])
    print("heatsvc", heatsvc.__version__, KERNELS.name)

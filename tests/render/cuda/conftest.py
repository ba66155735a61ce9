"""Here Triton is imported with its interpreter on, so that its kernels render on CPU tensors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from unittest import mock

import pytest


@pytest.fixture(scope="package", autouse=True)
def interpreter() -> Iterator[None]:
    # Triton asks for it when it is imported, and once more at the first launch.
    with mock.patch.dict(os.environ, TRITON_INTERPRET="1"):
        yield

"""Fixtures of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from unittest import mock

import pytest

from heatsvc.kernels import KERNELS

# Whether it interprets its kernels, on the CPU, Triton asks when it is imported, which torch's optimizers do, too.
with mock.patch.dict(os.environ, TRITON_INTERPRET="1"), suppress(ImportError):
    import triton.language  # noqa: F401


@pytest.fixture(params=["native", "reference"], scope="module")
def each_kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """A module's tests run with the compiled kernels, then with the reference."""
    before = KERNELS.name
    KERNELS.use(request.param)
    yield
    KERNELS.use(before)

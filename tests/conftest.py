"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from heatsvc.kernels import KERNELS


@pytest.fixture(params=["native", "reference"], scope="module")
def each_kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """A module's tests run with the compiled kernels, then with the reference."""
    before = KERNELS.name
    KERNELS.use(request.param)
    yield
    KERNELS.use(before)

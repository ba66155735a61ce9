"""How many random cases a property test tries."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings


def examples(count: int, **more: Any) -> settings:
    """Settings for `count` cases in `make test-all`, and for a quarter of them, at least 10, in `make test`."""
    everything = "HEATSVC_TEST_ALL" in os.environ
    return settings(max_examples=count if everything else max(count // 4, 10), deadline=None, **more)

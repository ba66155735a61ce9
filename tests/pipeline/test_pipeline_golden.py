"""Steps and slow drawing together make of a clip what PYSKL makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.golden import GOLDEN, golden_volume, load_golden, tolerance
from tests.reference import render_reference


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_files_are_reproduced(name: str) -> None:
    case = load_golden(name)
    rendered = render_reference(golden_volume(case))
    assert rendered.shape == case.imgs.shape
    np.testing.assert_allclose(rendered, case.imgs, rtol=0, atol=tolerance(case))

"""The CPU's device."""

from __future__ import annotations

import gc
import weakref

from heatsvc.cancel import CancelledError
from heatsvc.encode.devices import CpuDevice
from tests.encode.devices.coders import cancelled_stretch, coded, stretch


def test_what_goes_wrong_with_one_ends_that_one() -> None:
    """And by reference counts alone nothing of the others is kept: the service's collector comes by but rarely."""
    tasks = [stretch("a"), cancelled_stretch(), stretch("b")]
    gc.collect()
    gc.disable()
    try:
        outcomes = CpuDevice(1).run(tasks)
        error = outcomes[1]
        assert isinstance(error, CancelledError)
        assert [[bytes(chunk.data) for chunk in outcome] for outcome in outcomes if isinstance(outcome, list)] == coded(
            [tasks[0], tasks[2]]
        )
        kept = weakref.ref(error)
        del error, outcomes
        assert kept() is None
    finally:
        gc.enable()

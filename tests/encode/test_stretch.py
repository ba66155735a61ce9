"""Stretches: what a layout hands out comes back as it would have been done here, whoever did it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from heatsvc.bounds import DEFAULT_BOUNDS, go_on
from heatsvc.encode.codings import CODINGS, EncodedChunk
from heatsvc.encode.devices import CpuDevice
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.encode.formats import FORMS
from heatsvc.encode.layout import Layout
from heatsvc.encode.stretch import Stretch
from heatsvc.render.cpu import plan
from heatsvc.render.scheduler import Batcher
from heatsvc.volume import HeatmapVolume
from tests.golden import golden_volume, load_golden
from tests.render.test_scheduler import on


def crowd(seed: int = 1) -> Drawing:
    """A volume of so large figures that it has several tiles."""
    points = np.random.default_rng(seed).uniform(0, 96, (3, 40, 17, 2)).astype(np.float32)
    scores = np.ones(points.shape[:3], np.float32)
    made = Drawing.of(f"crowd{seed}", HeatmapVolume(points, scores, 96, 96, sigma=12.0), "float32")
    assert len(made.tiles) > 1
    return made


def layout(media_type: str, *drawings: Drawing) -> Layout:
    return FORMS[media_type].layout(drawings, CODINGS["zstd"], DEFAULT_BOUNDS)


@pytest.mark.parametrize("media_type", [name for name, form in FORMS.items() if form.many and "json" not in name])
def test_several_lanes_write_the_same_bytes(media_type: str) -> None:
    names = ("kp_sigma0.6", "kp_fifths", "potion", "limb_coco")
    drawings = [Drawing.of(name, golden_volume(load_golden(name)), "float32") for name in names]
    made = layout(media_type, drawings[0], crowd(), *drawings[1:])
    alone = made.write(Errand())
    with ThreadPoolExecutor(3) as pool:
        batcher: Batcher[Stretch, EncodedChunk] = Batcher([CpuDevice(3, budget=1)], on(pool), 1 << 40)
        body = batcher.submit(made.stretches(Errand()), made.finish).result(60)
    assert b"".join(body.chunks) == b"".join(alone.chunks)


def test_the_parts_of_a_stretch_are_its_tiles() -> None:
    drawing = crowd()
    whole = Stretch(drawing, drawing.tiles, CODINGS["zstd"], Errand())
    assert [part.tiles for part in whole.parts] == [(tile,) for tile in plan(drawing.volume).tiles]
    assert sum(part.cost for part in whole.parts) == whole.cost == drawing.nbytes
    assert b"".join(chunk.data for part in whole.parts for chunk in part.code()) == b"".join(
        chunk.data for chunk in whole.code()
    )


@pytest.mark.parametrize("name", ["kp_sigma0.6", "potion"])
def test_a_drawing_of_one_piece_is_not_cut(name: str) -> None:
    drawing = Drawing.of(name, golden_volume(load_golden(name)), "uint8")
    whole = Stretch(drawing, drawing.tiles, CODINGS["zstd"], Errand())
    assert (list(whole.parts), whole.cost) == ([whole], drawing.nbytes)


def test_what_is_spent_is_told_to_the_errand() -> None:
    errand, drawing = Errand(), crowd()
    for part in Stretch(drawing, drawing.tiles, CODINGS["zstd"], errand).parts:
        part.code()
    assert len(errand.spent) == len(drawing.tiles)
    assert min(errand.seconds) > 0


def test_a_check_that_raises_ends_one_task_of_the_batch() -> None:
    def hung_up() -> None:
        raise TimeoutError

    drawing = crowd()
    stays, gone = (Stretch(drawing, drawing.tiles[:1], CODINGS["zstd"], Errand(check)) for check in (go_on, hung_up))
    first, second, third = CpuDevice(1).run([stays, gone, stays])
    assert isinstance(second, TimeoutError)
    assert isinstance(first, list)
    assert isinstance(third, list)
    assert bytes(first[0].data) == bytes(third[0].data)

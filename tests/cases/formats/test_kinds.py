"""Every kind of file in docs/reference/formats.md, in its real form: `heatsvc.read` against another reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import heatsvc
from heatsvc.errors import InputError
from tests.cases.formats import KINDS, REFUSED, Kind, Refused

SMALL = [{"type": "Resize", "scale": [32, 32], "keep_ratio": False}, {"type": "GeneratePoseTarget"}]
TITLE = "{0.tool}, {0.file}".format


@pytest.mark.parametrize("kind", KINDS, ids=TITLE)
@pytest.mark.filterwarnings("ignore::heatsvc.pose.findings.PlausibilityWarning")
def test_a_kind_is_read_as_anybody_would(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / kind.filename
    path.write_bytes(kind.make())
    clips = {clip.frame_dir: clip for clip in heatsvc.read(path, **kind.options)}
    assert len(clips) == kind.clips
    clip = clips[kind.clip]
    keypoint, score_of = clip.keypoint, clip.keypoint_score
    if clip.compressed is not None:
        keypoint, score_of = clip.compressed.decompress(keypoint, score_of)
    assert keypoint.shape == (*kind.shape, 2)
    assert clip.layout is not None
    assert clip.layout.name == (kind.layout or "custom")
    assert tuple(clip.img_shape) == (kind.img_shape or kind.options["img_shape"])
    m, t = kind.where
    v = clip.layout.points.index(kind.point)
    x, y, score = kind.plain(path.read_bytes())
    found = [*keypoint[m, t, v].tolist(), float(score_of[m, t, v])]
    np.testing.assert_allclose(found, [x * kind.scale[0], y * kind.scale[1], score], rtol=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "img_shape" in kind.options], ids=TITLE)
def test_what_must_be_given_besides_is_asked_for(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / kind.filename
    path.write_bytes(kind.make())
    others = {name: value for name, value in kind.options.items() if name != "img_shape"}
    with pytest.raises(InputError, match=r"img_shape.*\[height, width\]"):
        heatsvc.read(path, **others)


@pytest.mark.parametrize("kind", REFUSED, ids=TITLE)
@pytest.mark.filterwarnings("ignore::heatsvc.pose.findings.PlausibilityWarning")
def test_a_kind_is_refused_with_the_next_step(tmp_path: Path, kind: Refused) -> None:
    path = tmp_path / kind.filename
    path.write_bytes(kind.make())
    with pytest.raises(InputError, match=kind.said):
        # What cannot be meant is an error of points that are rendered.
        heatsvc.draw(heatsvc.read(path, **kind.options), SMALL)


def test_there_are_many_kinds_of_many_tools() -> None:
    assert len(KINDS) >= 40
    assert len({kind.tool for kind in KINDS}) >= 15
    assert len({TITLE(kind) for kind in (*KINDS, *REFUSED)}) == len(KINDS) + len(REFUSED)

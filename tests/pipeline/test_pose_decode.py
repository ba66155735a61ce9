"""Without a choice of frames all are taken."""

from __future__ import annotations

import numpy as np

from tests.pipeline.clips import numbered_clip, run


def test_all_frames_are_taken_where_none_were_chosen() -> None:
    clip = numbered_clip(5)
    volume = run([{"type": "PoseDecode"}], clip)
    np.testing.assert_array_equal(volume.keypoint, clip.keypoint)


def test_points_may_move_before_their_frames_are_taken() -> None:
    choose = {"type": "UniformSampleFrames", "clip_len": 4}
    late = run([choose, {"type": "Resize", "scale": 2.0}, {"type": "PoseDecode"}], numbered_clip(9))
    early = run([choose, {"type": "PoseDecode"}, {"type": "Resize", "scale": 2.0}], numbered_clip(9))
    np.testing.assert_array_equal(late.keypoint, early.keypoint)

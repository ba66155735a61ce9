"""Volumes of every kind, small, for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from heatsvc.volume import Gaussian, HeatmapVolume

_near = st.floats(-12, 30, width=32)
_on_the_grid = st.integers(-20, 120).map(lambda fifths: fifths / 5)
_special = st.sampled_from([0.0, -0.5, -1.0, 0.49999997, float("nan"), 1e30, -1e30, 1e-30])
coordinates = st.one_of(_near, _on_the_grid, _special)
scores = st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 1e-3, 9.99e-4, 1.0, 2.5, -1.0]))
sigmas = st.one_of(st.floats(0.2, 3), st.sampled_from([0.01, 0.04, 0.05, 0.35, 0.6, 1.0, 6.0, 40.0]))
gaussians = st.builds(
    Gaussian,
    sigma=sigmas,
    eps=st.sampled_from([1e-3, 1e-4]),
    stride=st.sampled_from([1.0, 2.0, 0.5, 3.7]),
    offset=st.sampled_from([0.0, 0.5, -1.3]),
    center=st.sampled_from(["exact", "rounded"]),
    window=st.sampled_from(["pyskl", "mmpose", "cutoff", "dark", "map"]),
    peak=st.sampled_from(["score", "one"]),
    persons=st.sampled_from(["max", "sum"]),
)


@st.composite
def volumes(draw: st.DrawFn, reduce: st.SearchStrategy[str] | None = None) -> HeatmapVolume:
    """Any volume, of a few pixels."""
    persons, points = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    clips = draw(st.integers(0, 2))
    frames = draw(st.integers(1, 2)) * max(clips, 1)
    shape = (persons, frames, points)
    xy = draw(st.lists(coordinates, min_size=2 * int(np.prod(shape)), max_size=2 * int(np.prod(shape))))
    score = draw(st.lists(scores, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    keypoint = np.array(xy, np.float32).astype(dtype).reshape(*shape, 2)
    if dtype == np.float64:
        keypoint *= 1 + draw(st.integers(-3, 3)) * 2.0**-40  # no float32
    keypoint[np.isnan(keypoint).any(axis=-1)] = np.nan
    one_limb = st.tuples(st.integers(0, points - 1), st.integers(0, points - 1))
    limbs = draw(st.lists(one_limb, max_size=3))
    with_kp = draw(st.booleans()) or not limbs
    gaussian = draw(gaussians)
    if limbs:
        gaussian = Gaussian(gaussian.sigma, gaussian.eps, peak=gaussian.peak)
        # A limb that is 1e30 pixels long has no direction that float32 could tell.
        keypoint = np.clip(keypoint, -200, 200)
    channels = (points if with_kp else 0) + len(limbs)
    return HeatmapVolume(
        keypoint=keypoint,
        keypoint_score=np.array(score, np.float32).reshape(shape),
        height=draw(st.integers(1, 18)),
        width=draw(st.integers(1, 18)),
        gaussian=gaussian,
        with_kp=with_kp,
        limbs=np.array(limbs, np.int32).reshape(-1, 2),
        double=draw(st.booleans()),
        mirror=np.array(draw(st.permutations(range(channels))), np.int32),
        clips=clips,
        reduce=draw(reduce if reduce is not None else st.sampled_from(["none", "max"])),
    )

"""The kernels in C++, with each instruction set: held against the reference renderer, the golden files and NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.volume import Gaussian, HeatmapVolume
from tests.examples import examples
from tests.golden import GOLDEN, golden_volume, load_golden, tolerance
from tests.reference import render_reference
from tests.render.volumes import volumes

_native = pytest.importorskip("heatsvc._native", reason="heatsvc was installed without a compiler")

UNBOUNDED = 1 << 60


@pytest.fixture(params=_native.instruction_sets(), autouse=True, scope="module")
def instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    before = _native.use_instruction_set(request.param)
    yield request.param
    _native.use_instruction_set(before)


def native(volume: HeatmapVolume, **changes: Any) -> Any:
    """The volume as the kernels take it."""
    fields: dict[str, Any] = {
        "keypoint": volume.keypoint,
        "keypoint_score": volume.keypoint_score,
        "limbs": volume.limbs,
        "mirror": volume.mirror if volume.double else np.zeros(0, np.int32),
        "keypoint_channels": volume.keypoint.shape[2] if volume.with_kp else 0,
        "clip": volume.frames // volume.clips if volume.clips else 0,
        "reduce": ("none", "max", "argmax").index(volume.reduce),
        "height": volume.height,
        "width": volume.width,
        "gaussian": volume.gaussian.native,
    }
    return _native.Volume(**{**fields, **changes})


def runs(
    volume: HeatmapVolume, first: int, last: int, cut: float = 0.0, gap: int = 2, missing: int = 0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]] | None:
    """Starts, lengths and values; None where there was no room for all, less the `missing` numbers."""
    given = native(volume)
    end, pixels, rows, _ = _native.measure(given, first, last, UNBOUNDED)
    assert end == last
    room = max(pixels + rows * gap - missing, 0)
    starts, lengths, values = np.full(rows + 9, -7), np.full(rows + 9, -7), np.full(room + 16, -7, np.float32)
    fill = -1.0 if volume.reduce == "argmax" else 0.0
    count, size = _native.render(given, first, last, cut, fill, gap, starts[:rows], lengths[:rows], values[:room])
    assert (starts[rows:] == -7).all()
    assert (lengths[rows:] == -7).all()
    assert (values[room:] == -7).all()
    return None if count < 0 else (starts[:count], lengths[:count], values[:size])


def draw(volume: HeatmapVolume, cut: float = 0.0, gap: int = 2) -> npt.NDArray[np.float32]:
    """The dense array of `volume.shape`."""
    fill = -1 if volume.reduce == "argmax" else 0
    out = np.full(volume.shape, fill, np.float32)
    rendered = runs(volume, 0, volume.maps, cut, gap)
    assert rendered is not None
    starts, lengths, values = rendered
    _native.scatter(values.view(np.uint8), starts, lengths, 4, out.reshape(-1).view(np.uint8))
    return out


@pytest.mark.parametrize("name", [name for name in GOLDEN if name != "potion"])
def test_golden_files_are_reproduced(name: str) -> None:
    case = load_golden(name)
    np.testing.assert_allclose(draw(golden_volume(case)), case.imgs, rtol=0, atol=tolerance(case))


@examples(700)
@given(volumes())
def test_every_volume_is_as_the_reference_renders_it(volume: HeatmapVolume) -> None:
    np.testing.assert_allclose(
        draw(volume), render_reference(volume), rtol=1e-6, atol=2e-5 if len(volume.limbs) else 2e-6
    )


@examples(200)
@given(volumes(reduce=st.just("argmax")))
def test_argmax_names_the_channel_of_the_largest_value(volume: HeatmapVolume) -> None:
    drawn, values = draw(volume).astype(int), draw(replace(volume, reduce="none"))
    if volume.clips:
        values = values.swapaxes(1, 2)
    values = values.reshape(-1, volume.channels, volume.height, volume.width)
    drawn = drawn.reshape(-1, volume.height, volume.width)
    np.testing.assert_array_equal(drawn, np.where(values.max(axis=1) > 0, values.argmax(axis=1), -1))


@examples(200)
@given(volumes(), st.integers(1, 500), st.sampled_from([(0.0, 2), (2.0**-25, 4), (0.5 / 255, 8)]))
def test_tiles_put_together_are_the_whole(volume: HeatmapVolume, budget: int, kind: tuple[float, int]) -> None:
    whole, area = draw(volume).reshape(-1), volume.height * volume.width
    cut, gap = kind
    first = 0
    while first < volume.maps:
        last, *_ = _native.measure(native(volume), first, volume.maps, budget)
        assert first < last <= volume.maps
        rendered = runs(volume, first, last, cut, gap)
        assert rendered is not None
        starts, lengths, values = rendered
        assert np.all(starts[1:] >= starts[:-1] + lengths[:-1] + gap)
        dense = np.zeros((last - first) * area, np.float32)
        _native.scatter(values.view(np.uint8), starts, lengths, 4, dense.view(np.uint8))
        expected = whole[first * area : last * area]
        assert (dense[expected > cut] == expected[expected > cut]).all()
        assert (dense[expected <= cut] <= cut).all()
        first = last


@examples(200)
@given(volumes(), st.integers(0, 40), st.sampled_from([1, 2, 8]))
def test_no_more_is_written_than_there_is_room_for(volume: HeatmapVolume, missing: int, gap: int) -> None:
    rendered = runs(volume, 0, volume.maps, gap=gap, missing=missing)
    assert rendered is not None or missing


@examples(300)
@given(volumes(reduce=st.just("none")), st.integers(0, 3))
def test_patches_are_what_is_rendered(volume: HeatmapVolume, missing: int) -> None:
    volume = replace(
        volume,
        keypoint=volume.keypoint[:1],
        keypoint_score=volume.keypoint_score[:1],
        limbs=np.zeros((0, 2), np.int32),
        with_kp=True,
        mirror=np.arange(volume.keypoint.shape[2], dtype=np.int32)[::-1].copy(),
        gaussian=replace(
            volume.gaussian, sigma=min(max(volume.gaussian.sigma, 0.25), 1.3) * volume.gaussian.stride, peak="one"
        ),
    )
    room = max(volume.maps - missing, 0)
    bounds, values = np.full((room + 1, 3), -7), np.full((room + 1, 16), -7, np.float32)
    count, pixels, rows = _native.separable_patches(native(volume), 0, volume.maps, 2, bounds[:room], values[:room])
    assert (bounds[room] == -7).all()
    assert (values[room] == -7).all()
    if count < 0:
        return
    dense = np.zeros(volume.maps * volume.height * volume.width, np.float32)
    for (first, columns, lines), numbers in zip(bounds[:count], values[:count], strict=True):
        for y in range(lines):
            at = first + y * volume.width
            dense[at : at + columns] = numbers[:columns] * numbers[8 + y]
    np.testing.assert_array_equal(dense, draw(volume).reshape(-1))
    assert (pixels, rows) == (bounds[:count, 1] @ bounds[:count, 2], bounds[:count, 2].sum())


@examples(200)
@given(volumes())
def test_primitives_are_counted_and_then_listed(volume: HeatmapVolume) -> None:
    given = native(volume)
    nothing = (np.empty(0, np.int64), np.empty(0, np.uint8), np.empty((0, 4), np.int32), np.empty((0, 6)))
    count, work, max_map_work = _native.primitives(given, 0, 0, *nothing)
    starts, segments = np.full(volume.maps + 3, -7), np.full(volume.maps + 3, 7, np.uint8)
    boxes, numbers = np.full((count + 1, 4), -7, np.int32), np.full((count + 1, 6), np.nan)
    assert _native.primitives(given, 1, 2, starts, segments, boxes, numbers) == (count + 1, work, max_map_work)
    assert (starts[:2] == -7).all()
    assert (starts[-1], segments[-1]) == (-7, 7)
    assert np.all(np.diff([*starts[2:-1], count + 1]) >= 0)
    x0, x1, y0, y1 = boxes[1:].T
    assert ((x0 >= 0) & (x0 < x1) & (x1 <= volume.width) & (y0 >= 0) & (y0 < y1) & (y1 <= volume.height)).all()
    assert ((x1 - x0) * (y1 - y0)).sum() == work
    assert not np.isnan(numbers[1:]).any()
    if count:
        with pytest.raises(ValueError, match="more primitives than room"):
            _native.primitives(given, 0, 0, starts, segments, boxes[: count - 1].copy(), np.empty((count, 6)))


def one_point() -> HeatmapVolume:
    return HeatmapVolume(np.full((1, 2, 3, 2), 4, np.float32), np.ones((1, 2, 3), np.float32), 9, 9)


@pytest.mark.parametrize(
    "change",
    [
        {"keypoint": np.zeros((1, 2, 4, 2), np.float32)},
        {"keypoint": np.zeros((1, 2, 3, 3), np.float32)},
        {"keypoint_score": np.zeros((1, 2, 2), np.float32)},
        {"limbs": np.array([[0, 3]], np.int32)},
        {"limbs": np.array([[-1, 0]], np.int32)},
        {"limbs": np.zeros((1, 3), np.int32)},
        {"mirror": np.array([0, 1], np.int32)},
        {"mirror": np.array([0, 1, 3], np.int32)},
        {"keypoint_channels": 2},
        {"clip": 3},
        {"clip": -1},
        {"reduce": 3},
        {"height": 0},
        {"width": 1 << 40},
        {"gaussian": (0.0, *Gaussian().native[1:])},
        {"gaussian": (float("nan"), *Gaussian().native[1:])},
        {"gaussian": (0.6, 1e-3, 0.0, 0.0, 0, 0, 0, 0)},
        {"gaussian": (0.6, 1e-3, 1.0, 0.0, 0, 5, 0, 0)},
    ],
)
def test_a_volume_that_does_not_fit_together_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(
        ValueError,
        match=r"\[M, T, V|pairs|does not exist|all points|of one length|1 to 2\*\*20|above 0|not a WindowKind",
    ):
        native(one_point(), **change)


@pytest.mark.parametrize("maps", [(-1, 2), (0, 7), (4, 3)])
def test_maps_that_are_not_there_are_refused(maps: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no such maps"):
        _native.measure(native(one_point()), *maps, UNBOUNDED)


def test_a_volume_keeps_its_arrays() -> None:
    volume = one_point()
    given = native(replace(volume, keypoint=volume.keypoint.copy(), keypoint_score=volume.keypoint_score.copy()))
    rubbish = [np.full((1, 2, 3, 2), np.nan, np.float32) for _ in range(100)]
    assert _native.measure(given, 0, 6, UNBOUNDED) == _native.measure(native(volume), 0, 6, UNBOUNDED)
    del rubbish


def test_an_unknown_instruction_set_is_refused() -> None:
    with pytest.raises(ValueError, match="no instruction set 6502"):
        _native.use_instruction_set("6502")


def around(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The values, and the float32 numbers right before and after each."""
    return np.concatenate([values, np.nextafter(values, np.float32(-np.inf)), np.nextafter(values, np.float32(np.inf))])


def test_uint8_at_every_boundary() -> None:
    exact = np.concatenate([np.arange(257) / 255, (np.arange(257) + 0.5) / 255]).astype(np.float32)
    values = np.concatenate([around(exact), np.linspace(0, 1, 100_001), [0, 1e-45, 2, 1e9, np.inf]]).astype(np.float32)
    values = values[values >= 0]
    out = np.empty(values.size, np.uint8)
    _native.to_uint8(values, out)
    assert (out == np.minimum(np.rint(values * np.float64(255)), 255).astype(np.uint8)).all()


def test_float16_at_every_boundary() -> None:
    """All 65,536 of them, all ties between two neighbors, and what lies next to either."""
    with np.errstate(over="ignore", invalid="ignore"):
        halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
        finite = np.unique(halves[np.isfinite(halves)]).astype(np.float32)
        ties = (finite[:-1] + finite[1:]) / np.float32(2)
        extremes = np.array([65519.996, 65520, 65536, 3e38, np.inf, -65520, -np.inf, 1e-38, 1e-45, -0.0], np.float32)
        values = np.concatenate([around(finite), around(ties), around(extremes)])
    out = np.empty(values.size, np.uint16)
    _native.to_float16(values, out)
    expected = np.clip(values, np.float32(-65504), np.float32(65504)).astype(np.float16)
    assert (out == expected.view(np.uint16)).all()
    nans = np.array([0x7F800001, 0x7FC00000, 0xFFFFFFFF], np.uint32).view(np.float32)
    _native.to_float16(nans, out[:3])
    assert np.isnan(out[:3].view(np.float16)).all()


@given(st.lists(st.integers(0, 40), max_size=12), st.sampled_from([1, 2, 4, 8]))
def test_runs_are_written_where_they_start(edges: list[int], itemsize: int) -> None:
    edges = sorted(edges[: len(edges) // 2 * 2])
    starts, lengths = np.array(edges[::2], int), np.array(edges[1::2], int) - np.array(edges[::2], int)
    out = np.zeros(40, f"u{itemsize}")
    values = np.arange(1, lengths.sum() + 1).astype(out.dtype)
    expected = out.copy()
    expected[[at for start, length in zip(starts, lengths, strict=True) for at in range(start, start + length)]] = (
        values
    )
    _native.scatter(values.view(np.uint8), starts, lengths, itemsize, out.view(np.uint8))
    assert (out == expected).all()


@pytest.mark.parametrize(
    ("starts", "lengths"),
    [
        ([-1], [4]),
        ([9], [4]),
        ([6], [4]),
        ([0], [3]),
        ([0], [5]),
        ([0, 2], [5, -1]),
        ([0, 1], [2, 2]),
        ([0, 2], [4]),
        ([2**62], [4]),
        ([2**63 - 1], [4]),
        ([0], [2**62 + 4]),
        ([0], [-(2**63)]),
    ],
)
def test_runs_that_leave_their_arrays_are_refused(starts: list[int], lengths: list[int]) -> None:
    with pytest.raises(ValueError, match=r"out of range|overlap, or leave|of another size"):
        _native.scatter(np.zeros(8, np.uint8), np.array(starts), np.array(lengths), 2, np.zeros(18, np.uint8))


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6), st.integers(1, 4), st.randoms(use_true_random=False))
def test_colors_are_sums_over_time(frames: int, channels: int, area: int, colors: int, random: Any) -> None:
    maps = np.array([random.random() for _ in range(frames * channels * area)], np.float32).reshape(-1, channels, area)
    weights = np.array([random.random() for _ in range(frames * colors)], np.float32).reshape(frames, colors)
    first = random.randrange(frames * channels)
    stop = random.randrange((frames * channels - first) * area + 1)
    values = maps.reshape(-1)[first * area :][:stop].copy()
    shown = np.zeros(maps.size)
    shown[first * area : first * area + stop] = values
    sums = np.ones(channels * area * colors)
    _native.color(values, np.array([0]), np.array([stop]), first, area, channels, weights, sums)
    expected = 1 + np.einsum("tka,tc->kac", shown.reshape(maps.shape), weights).reshape(-1)
    np.testing.assert_allclose(sums, expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"fewer weights than frames|leave their tile|of another size"):
        _native.color(np.zeros(maps.size + 1, np.float32), np.array([0]), np.array([maps.size + 1]), first, area,
                       channels, weights, sums)  # fmt: skip
    with pytest.raises(ValueError, match="the sums have to be"):
        _native.color(values, np.array([0]), np.array([stop]), first, area, channels, weights, sums[1:].copy())


def test_arrays_of_another_kind_are_refused() -> None:
    out = np.zeros(4, np.uint8)
    for values in (np.zeros(4), np.zeros(8, np.float32)[::2], np.zeros((2, 2), np.float32)):
        with pytest.raises(TypeError):
            _native.to_uint8(values, out)
    out.flags.writeable = False
    with pytest.raises(TypeError):
        _native.to_uint8(np.zeros(4, np.float32), out)


@pytest.mark.parametrize("gap", [0, 1 << 21, 1 << 62])
def test_a_gap_that_is_too_large_is_refused(gap: int) -> None:
    room = np.empty(9, np.int64), np.empty(9, np.int64), np.empty(100, np.float32)
    with pytest.raises(ValueError, match="gap is too large"):
        _native.render(native(one_point()), 0, 1, 0.0, 0.0, gap, *room)

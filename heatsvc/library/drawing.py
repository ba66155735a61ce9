"""draw: clips as heatmap volumes, in this process."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.library.clips import ClipLike, as_clip, is_one
from heatsvc.library.device import draw_tensors
from heatsvc.library.dtypes import DType, drawn_dtype
from heatsvc.library.steps import Steps, as_pipeline
from heatsvc.pipeline import DEFAULT_PRESET, PipelineError
from heatsvc.pipeline.state import MAX_SEED
from heatsvc.pose.select import select_points
from heatsvc.render.array import draw_array
from heatsvc.volume import Reduce

if TYPE_CHECKING:
    import torch


def draw(
    clips: ClipLike | Sequence[ClipLike],
    pipeline: Steps = DEFAULT_PRESET,
    *,
    select: str | Sequence[int] | None = None,
    dtype: DType = "float32",
    reduce: Reduce = "none",
    test_mode: bool = True,
    seed: int | None = None,
    img_shape: Sequence[int] | None = None,
    layout: str | None = None,
    device: str | torch.device | None = None,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> Any:
    """What `POST /heatmap` answers, without HTTP: the same options under the same names, and the same bits.

    Args:
        clips: a clip, or a sequence of clips: a `PoseClip`; a mapping ``{keypoint, keypoint_score?, img_shape, layout?,
            frame_dir?}`` of arrays or lists; an array [M, T, V, 2|3], [T, V, 2|3] or [V, 2|3]; or a file's path.
        pipeline: a preset's name, a list of steps pasted from a PYSKL or MMAction2 config, or a `Pipeline`.
        select: a smaller layout, or points by position, taken before the first step.
        dtype: float32, float16 or uint8 (value * 255, rounded).
        reduce: ``max`` for each pixel's largest value over the channels, ``argmax`` for the channel that has it, int16.
        test_mode: deterministic, as PYSKL tests. False: random steps draw from `seed`, those of clip i from seed + i.
        seed: 0 to 2**32 - 1; None draws one from the operating system.
        img_shape, layout: for clips that do not say it themselves.
        device: None for NumPy arrays; ``cpu``, ``cuda``, ``cuda:1`` or a `torch.device` for tensors on it.
        bounds: how large clips and volumes may be.

    Returns:
        For one clip an array of the shape that its pipeline gives: [T, K, H, W] for ``view``, [clips, K, T, H, W]
        behind a FormatShape. For a sequence a list of such arrays. K counts keypoints (V), limbs, or both.

    Raises:
        OSError: a file cannot be opened.
        InputError: a clip, the pipeline or an option that cannot be used; `field` tells which: ``clips[3].keypoint``.
        ModuleNotFoundError: a device is given and there is no PyTorch.
        DeviceError: the device is not there, or nothing draws on it; argmax and PoTion are drawn on the CPU alone.
    """
    one = is_one(clips)
    given: Sequence[ClipLike] = [clips] if one else clips  # type: ignore[assignment, list-item]
    drawn_as = drawn_dtype(dtype, reduce)
    steps = as_pipeline(pipeline, reduce)
    if seed is None:
        seed = secrets.randbits(32)
    elif not 0 <= seed <= MAX_SEED:
        raise PipelineError(f"seed must be a whole number from 0 to {MAX_SEED}, not {seed}", field="seed")
    volumes = []
    for place, item in enumerate(given):
        clip = as_clip(item, img_shape=img_shape, layout=layout, bounds=bounds, field="" if one else f"clips[{place}].")
        if select is not None:
            clip = select_points(clip, select, bounds)
        volumes.append(steps.run(clip, test_mode=test_mode, seed=(seed + place) % (MAX_SEED + 1), bounds=bounds))
    if device is None:
        drawn: Sequence[Any] = [draw_array(volume, drawn_as) for volume in volumes]
    else:
        drawn = draw_tensors(volumes, drawn_as, device, bounds)
    return drawn[0] if one else list(drawn)

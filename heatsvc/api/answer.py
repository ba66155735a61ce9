"""Answer: from what was asked to the bytes of a response. Knows no HTTP but names of forms and codings."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from heatsvc.api.clips import Asked
from heatsvc.api.problems import RequestError
from heatsvc.bounds import Bounds
from heatsvc.cancel import NEVER_CANCELLED, CancelToken
from heatsvc.encode.codings import Coding
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.formats import Form
from heatsvc.encode.layout import Layout
from heatsvc.pose import PoseClip
from heatsvc.pose.select import select_points

# What each clip takes beside its pixels, in pixels.
_EACH = 4_000


@dataclass(frozen=True, slots=True)
class Sketch:
    """An answer that is described and not yet drawn.

    Attributes:
        layout: of its body, a drawing a clip.
        seed: of the random steps, where there were any.
        seconds: that the pipeline took.
    """

    layout: Layout
    seed: int | None
    seconds: float

    @property
    def work(self) -> int:
        """About how many pixels have to be drawn."""
        work = 0
        for drawing in self.layout.drawings:
            work += drawing.work + _EACH
        return work


def sketch(asked: Asked, form: Form, coding: Coding, bounds: Bounds, token: CancelToken = NEVER_CANCELLED) -> Sketch:
    """Take each clip through the pipeline, plan its volume, and lay out the form and coding that they leave in.

    Raises:
        InputError: a clip that the pipeline or `select` cannot take, more than `bounds` allow, or two of one name.
            What `token` raises, too.
    """
    started = time.perf_counter()
    options = asked.options
    pipeline = options.built_pipeline
    seed = None
    if pipeline.is_random and not options.test_mode:
        seed = options.seed if options.seed is not None else secrets.randbits(32)
    dense = points = 0
    drawings: list[Drawing] = []
    names = clip_names(asked.clips)
    for place, (name, clip) in enumerate(zip(names, asked.clips, strict=True)):
        token.raise_if_cancelled()
        if options.select is not None:
            clip = select_points(clip, options.select, bounds)
        own_seed = None if seed is None else (seed + place) % 2**32
        volume = pipeline.run(clip, test_mode=options.test_mode, seed=own_seed, bounds=bounds)
        drawing = Drawing.of(name, volume, options.dtype, token)
        dense += drawing.nbytes
        if dense > bounds.max_volume_bytes:
            bounds.check("max_volume_bytes", dense, "bytes of heatmaps")
        points += volume.keypoint.nbytes + volume.keypoint_score.nbytes
        if points > bounds.max_unpacked_bytes:
            bounds.check("max_unpacked_bytes", points, "bytes of keypoints, sampled and selected", field="pipeline")
        drawings.append(drawing)
    seconds = time.perf_counter() - started
    return Sketch(form.layout(drawings, coding, bounds), seed, seconds)


def clip_names(clips: Sequence[PoseClip]) -> list[str]:
    """A name for each clip: its frame_dir; `imgs` for one without, its number among several.

    Raises:
        RequestError: 422, two clips of one name.
    """
    if len(clips) == 1:
        return [clips[0].frame_dir or "imgs"]
    names: dict[str, int] = {}
    for place, clip in enumerate(clips):
        name = clip.frame_dir or str(place)
        if name in names:
            raise RequestError(
                422,
                f"clips {names[name]} and {place} are both called {name!r:.100}: "
                "each needs a frame_dir of its own, since it names the clip's tensor",
                field=f"clips[{place}].frame_dir",
            )
        names[name] = place
    return list(names)

"""Answer: from what was asked to the bytes of a response. Knows no HTTP but names of forms and codings."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from heatsvc.api.clips import Asked
from heatsvc.api.problems import RequestError
from heatsvc.bounds import Bounds
from heatsvc.encode.body import Body
from heatsvc.encode.codings import Coding
from heatsvc.encode.crew import Crew
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.forms import Form
from heatsvc.pose.select import select_points

# What each clip takes beside its pixels, in pixels.
_EACH = 4_000


@dataclass(frozen=True, slots=True)
class Sketch:
    """An answer that is described and not yet drawn.

    Attributes:
        drawings: one a clip.
        seed: of the random steps, where there were any.
        seconds: that the pipeline took.
    """

    drawings: list[Drawing]
    seed: int | None
    seconds: float

    @property
    def work(self) -> int:
        """About how many pixels have to be drawn."""
        return sum(drawing.work + _EACH for drawing in self.drawings)

    def write(self, form: Form, coding: Coding, crew: Crew, bounds: Bounds) -> Body:
        """Draw it, straight into the form and coding it leaves in.

        Raises:
            LimitError: larger than `bounds` allow; nothing was drawn.
        """
        return form.write(self.drawings, coding, crew, bounds)


def sketch(asked: Asked, crew: Crew, bounds: Bounds) -> Sketch:
    """Take each clip through the pipeline and plan its volume.

    Raises:
        InputError: a clip that the pipeline or `select` cannot take, more than `bounds` allow, or two of one name.
    """
    started = time.perf_counter()
    options = asked.options
    pipeline = options.built_pipeline()
    seed = None
    if pipeline.is_random and not options.test_mode:
        seed = options.seed if options.seed is not None else secrets.randbits(32)
    dense = points = 0
    drawings: list[Drawing] = []
    names = clip_names([clip.frame_dir for clip in asked.clips])
    for place, (name, clip) in enumerate(zip(names, asked.clips, strict=True)):
        crew.check()
        if options.select is not None:
            clip = select_points(clip, options.select, bounds)
        own_seed = None if seed is None else (seed + place) % 2**32
        volume = pipeline.run(clip, test_mode=options.test_mode, seed=own_seed, bounds=bounds)
        drawing = Drawing.of(name, volume, options.dtype, crew.check)
        dense += drawing.nbytes
        bounds.check("max_volume_bytes", dense, "bytes of heatmaps")
        points += volume.keypoint.nbytes + volume.keypoint_score.nbytes
        bounds.check("max_unpacked_bytes", points, "bytes of keypoints, sampled and selected", field="pipeline")
        drawings.append(drawing)
    return Sketch(drawings, seed, time.perf_counter() - started)


def clip_names(frame_dirs: list[str]) -> list[str]:
    """A name for each clip: its frame_dir; `imgs` for one without, its number among several.

    Raises:
        RequestError: 422, two clips of one name.
    """
    if len(frame_dirs) == 1:
        return [frame_dirs[0] or "imgs"]
    names: dict[str, int] = {}
    for place, frame_dir in enumerate(frame_dirs):
        name = frame_dir or str(place)
        if name in names:
            raise RequestError(
                422,
                f"clips {names[name]} and {place} are both called {name!r:.100}: "
                "each needs a frame_dir of its own, since it names the clip's tensor",
                field=f"clips[{place}].frame_dir",
            )
        names[name] = place
    return list(names)

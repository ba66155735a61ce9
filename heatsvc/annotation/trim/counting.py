"""Counting: the frames of many videos, over all cores, in children that each take many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from heatsvc.annotation.child import ChildError, in_child
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.native.frames import count_frames
from heatsvc.annotation.trim.video import Video
from heatsvc.bounds import Bounds, usable_cores

MEMORY_BYTES = 2 << 30
SECONDS = 120.0
"""For one video."""

_MOST_IN_A_CHILD = 64
_START_SECONDS = 30.0
_POLL_SECONDS = 0.1


class _StoppedError(Exception):
    """Somebody else told that the work is to end."""


def count_all(videos: Sequence[Video], work: Path, bounds: Bounds, keep_going: Callable[[], None]) -> list[int]:
    """The number of frames of each video.

    Args:
        work: a folder for what has to be unpacked.

    Raises:
        AnnotationError: a video that cannot be read; the first of them.
        LimitError: more frames than max_frames.
    """
    if not videos:
        return []
    workers = min(usable_cores(), len(videos))
    share = min(-(-len(videos) // workers), _MOST_IN_A_CHILD)
    batches = [videos[start : start + share] for start in range(0, len(videos), share)]
    stopped = threading.Event()

    def go_on() -> None:
        if stopped.is_set():
            raise _StoppedError

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(_count, batch, bounds.max_frames, str(work), go_on) for batch in batches]
        try:
            waiting = set(futures)
            while waiting:
                keep_going()
                done, waiting = wait(waiting, timeout=_POLL_SECONDS)
                for future in done:
                    future.result()
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)
    told = [answer for future in futures for answer in future.result()]
    counts = []
    for video, answer in zip(videos, told, strict=True):
        if isinstance(answer, str):
            raise AnnotationError(answer, file=video.where)
        bounds.check("max_frames", answer, "frames", file=video.where)
        counts.append(answer)
    return counts


def _count(videos: Sequence[Video], most: int, work: str, go_on: Callable[[], None]) -> list[int | str]:
    """What a child says of these videos; where it died, what a child of its own says of each."""
    go_on()
    try:
        return in_child(
            count_frames,
            [tuple(video.at) for video in videos],
            most,
            SECONDS,
            work,
            memory_bytes=MEMORY_BYTES,
            seconds=SECONDS * len(videos) + _START_SECONDS,
            keep_going=go_on,
        )
    except ChildError as error:
        if len(videos) == 1:
            return [f"the video cannot be read: {error.detail}"]
    return [answer for video in videos for answer in _count([video], most, work, go_on)]

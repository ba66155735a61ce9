"""The number of points that most of a dataset's files have, from a few of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain

from heatsvc.annotation.reading import Task
from heatsvc.annotation.reading.points import Choice
from heatsvc.errors import InputError
from heatsvc.pose.readers import ReadOptions, read

_FILES = 25
_ANY_SHAPE = (1080, 1920)


def most_common_points(tasks: Sequence[Task], choice: Choice, keep_going: Callable[[], None]) -> int | None:
    """V of most of some files, evenly spread over all; None where no file at all can be read.

    Where points are selected by position, or all taken, nothing else tells that a file has other points.
    """
    counts: Counter[int] = Counter()
    step = max(1, len(tasks) // _FILES)
    # Should none of those be readable, one of the others is: clips of different points do not go into one dataset.
    for place in chain.from_iterable(range(first, len(tasks), step) for first in range(step)):
        if place % step and counts:
            break
        keep_going()
        task = tasks[place]
        options = ReadOptions(choice.img_shape or _ANY_SHAPE, choice.layout, bounds=choice.bounds)
        try:
            counts.update(clip.points for clip in read(task.file.read(choice.bounds), options=options))
        except InputError:
            continue
    return counts.most_common(1)[0][0] if counts else None

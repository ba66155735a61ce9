"""Clips whose frames are files of their own: which files are frames of one clip, by their folders and numbers.

``00335/image_00001_keypoints.json`` and ``00335/image_00002_keypoints.json`` are frames 1 and 2 of the clip 00335,
``walk_000000000012_keypoints.json`` is frame 12 of the clip walk (OpenPose's `--write_json`, 02_output.md), and
``walk_12.txt`` that of Ultralytics' `save_txt`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from heatsvc.pose.errors import PoseError

FRAME_ENDING = "_keypoints.json"
"""As `--write_json` names its files, whatever else has numbers in it."""
_LABEL = "morpheme.json"
_EXTENSIONS = (".json", ".txt")
_LAST_NUMBER = re.compile(r"\d{1,18}\Z")
# A clip's longest name.
_MAX_LENGTH = 255
_NUMBER = re.compile(r"(\d{1,18})")
_SEPARATORS = "_-. "
# Files without content that are looked into.
_MAX_EMPTY = 256
# Words for a frame, which name no clip.
_FRAME_WORDS = ("frame", "frames", "image", "images", "img")


class FrameClip(NamedTuple):
    """The frame files of one clip.

    Attributes:
        name: of the clip, with its folders.
        folder: of the files.
        positions: of the files among all, in the order of their frame numbers.
        numbers: the frame numbers.
    """

    name: str
    folder: str
    positions: tuple[int, ...]
    numbers: tuple[int, ...]

    def gaps(self) -> int:
        """How many frame numbers are missing between the first and the last.

        None are where all are equally far apart (OpenPose's `--frame_step`).
        """
        steps = [after - before for before, after in pairwise(self.numbers)]
        return sum(step - 1 for step in steps) if len(set(steps)) > 1 else 0


class _Frame(NamedTuple):
    """A file that may be a frame: of the clip `stem` in `folder`."""

    position: int
    folder: str
    stem: str
    number: int
    is_sure: bool


def is_label_beside_frames(name: str) -> bool:
    """Whether a file has the label of a clip, as in AIHub's sign language sets: ``…_REAL01_F_morpheme.json``."""
    base = name.replace("\\", "/").rpartition("/")[2].lower()
    return base == _LABEL or base.endswith(f"_{_LABEL}")


def find_frames(
    names: Sequence[str], container: str, is_frame: Callable[[int], bool | None]
) -> tuple[list[FrameClip], list[int]]:
    """The clips in frame files, and the positions of all other files.

    A frame's number is the one before ``_keypoints.json``, as OpenPose writes it. In other names it is the last number
    that differs from file to file; these are frames only where `is_frame` says so.

    The clip is named by what its files' names have in common, together with their folder; by the folder alone where
    that is nothing, a word for a frame, the folder's own name, or the same in several folders.

    Args:
        names: of all files of a folder or an archive, with ``/`` between folders.
        container: name of the clip whose files lie in no folder, and have no name in common.
        is_frame: whether the file at a position is a frame, by its content; None where the file is blank. Of files that
            may be a clip's, it is called until the first that is not blank.

    Raises:
        PoseError: two frames of one number.
    """
    clips: dict[tuple[str, str, bool], list[_Frame]] = defaultdict(list)
    for frame in _numbered(names):
        clips[frame.folder, frame.stem, frame.is_sure].append(frame)
    for (folder, stem, is_sure), frames in list(clips.items()):
        is_alone = len(frames) == 1 and stem.lower() not in _FRAME_WORDS
        if not is_sure and (is_alone or not _is_frame(frames, is_frame)):
            del clips[folder, stem, is_sure]
    folders = Counter(stem for _, stem, _ in clips)
    in_folder = Counter(folder for folder, *_ in clips)
    found: list[FrameClip] = []
    taken: set[int] = set()
    for (folder, stem, _), frames in clips.items():
        names_nothing = stem.lower() in ("", *_FRAME_WORDS) or folders[stem] > 1
        if (names_nothing and in_folder[folder] == 1) or stem in ("", folder.rpartition("/")[2]):
            name = folder or container
        else:
            name = f"{folder}/{stem}" if folder else stem
        frames.sort(key=lambda frame: frame.number)
        for before, after in pairwise(frames):
            if before.number == after.number:
                raise PoseError(
                    f"the clip {name!r:.80} has two frames of the number {after.number}: "
                    f"{names[before.position]!r:.120} and {names[after.position]!r:.120}: leave one out",
                    file=names[after.position],
                )
        positions = tuple(frame.position for frame in frames)
        found.append(FrameClip(name, folder, positions, tuple(frame.number for frame in frames)))
        taken.update(positions)
    return found, [position for position in range(len(names)) if position not in taken]


def _is_frame(frames: Sequence[_Frame], is_frame: Callable[[int], bool | None]) -> bool:
    """Whether files of one name are frames, by the first that is not blank: frames without persons may be."""
    for frame in frames[:_MAX_EMPTY]:
        verdict = is_frame(frame.position)
        if verdict is not None:
            return verdict
    return False


def _numbered(names: Sequence[str]) -> list[_Frame]:
    """The `.json` and `.txt` files with a number in their names."""
    frames = []
    others: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for position, name in enumerate(names):
        folder, _, base = name.rpartition("/")
        if len(base) > _MAX_LENGTH or not base.lower().endswith(_EXTENSIONS):
            continue
        before = base[: -len(FRAME_ENDING)]
        if base.lower().endswith(FRAME_ENDING) and (number := _LAST_NUMBER.search(before)):
            stem = before[: number.start()].rstrip(_SEPARATORS)
            frames.append(_Frame(position, folder, stem, int(number[0]), is_sure=True))
        else:
            stem, _, extension = name.rpartition(".")
            others[extension.lower()].append((position, stem))
    for alike in others.values():
        frames += (_Frame(*found, is_sure=False) for found in find_numbers(alike))
    return frames


class NumberedName(NamedTuple):
    """A name with a number in it that differs from name to name: of the frame `number` of the clip `stem`."""

    position: int
    folder: str
    stem: str
    number: int


def find_numbers(names: Iterable[tuple[int, str]]) -> list[NumberedName]:
    """Names that are alike but for their numbers: the last number that differs is a frame's. Others are left out.

    Args:
        names: position and name of each, with ``/`` between folders and without an extension.
    """
    found = []
    groups: dict[tuple[str, ...], list[tuple[int, str, list[str]]]] = defaultdict(list)
    for position, name in names:
        folder, _, base = name.rpartition("/")
        # Text at even places, numbers at odd ones.
        pieces = _NUMBER.split(base)
        if len(pieces) > 1:
            groups[(folder, *pieces[::2])].append((position, folder, pieces))
    for alike in groups.values():
        places = range(1, len(alike[0][2]), 2)
        place = max((at for at in places if len({pieces[at] for *_, pieces in alike}) > 1), default=places[-1])
        for position, folder, pieces in alike:
            stem = ("".join(pieces[:place]).rstrip(_SEPARATORS) + "".join(pieces[place + 1 :])).strip(_SEPARATORS)
            found.append(NumberedName(position, folder, stem, int(pieces[place])))
    return found


def frames_of_numbers(numbers: Sequence[int]) -> Sequence[int]:
    """The frame of each image, counted from the first, by the images' numbers.

    Missing numbers are frames without persons, which estimators leave out, where most numbers follow one another and no
    more are missing than are there. Otherwise the images follow one another.

    Args:
        numbers: ascending.
    """
    steps = Counter(after - before for before, after in pairwise(numbers))
    count = numbers[-1] - numbers[0] + 1
    if steps and steps.most_common(1)[0][0] == 1 and count <= 2 * len(numbers):
        return [number - numbers[0] for number in numbers]
    return range(len(numbers))

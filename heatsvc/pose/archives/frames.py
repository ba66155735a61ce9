"""Finds the frame files of clips, by their folders and numbers.

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
"""End of the file names of `--write_json`; numbers before it are frame numbers."""
_LABEL = "morpheme.json"
_EXTENSIONS = (".json", ".txt")
_LAST_NUMBER = re.compile(r"\d{1,18}\Z")
# Maximum length of a clip's name.
_MAX_LENGTH = 255
_NUMBER = re.compile(r"(\d{1,18})")
_SEPARATORS = "_-. "
# Maximum number of blank files whose content is inspected.
_MAX_EMPTY = 256
# Words for a frame, which are not names of clips.
_FRAME_WORDS = ("frame", "frames", "image", "images", "img")


class FrameClip(NamedTuple):
    """The frame files of one clip.

    Attributes:
        name: name of the clip, with its folders.
        folder: folder of the files.
        positions: indices of the files among all files, in the order of their frame numbers.
        numbers: the frame numbers.
    """

    name: str
    folder: str
    positions: tuple[int, ...]
    numbers: tuple[int, ...]

    def gaps(self) -> int:
        """How many frame numbers are missing between the first and the last.

        If all have the same distance, as with OpenPose's `--frame_step`, none is missing.
        """
        steps = [after - before for before, after in pairwise(self.numbers)]
        return sum(step - 1 for step in steps) if len(set(steps)) > 1 else 0


class _Frame(NamedTuple):
    """A file that may be a frame of the clip `stem` in `folder`."""

    position: int
    folder: str
    stem: str
    number: int
    is_sure: bool


def is_label_beside_frames(name: str) -> bool:
    """Whether a file has the label of a clip, as in AIHub's sign language datasets: ``…_REAL01_F_morpheme.json``."""
    base = name.replace("\\", "/").rpartition("/")[2].lower()
    return base == _LABEL or base.endswith(f"_{_LABEL}")


def find_frames(
    names: Sequence[str], container: str, is_frame: Callable[[int], bool | None]
) -> tuple[list[FrameClip], list[int]]:
    """Find the clips in frame files, and the indices of all other files.

    OpenPose writes the frame number before ``_keypoints.json``. In other names it is the last number that differs
    between files; such files are frames only if `is_frame` confirms it.

    A clip's name is its folder and the common part of its files' names; or only the folder, if the common part is
    empty, a word for a frame, the folder's own name, or the same in several folders.

    Args:
        names: names of all files of a folder or an archive, with ``/`` between folders.
        container: name of a clip whose files have neither a folder nor a common name.
        is_frame: whether the file at an index is a frame, by its content; None if the file is blank. For the files that
            may belong to a clip, it is called until the first that is not blank.

    Raises:
        PoseError: two frames of a clip have the same number.
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
                    f"the clip {name!r:.80} has two frames with the number {after.number}, "
                    f"{names[before.position]!r:.120} and {names[after.position]!r:.120}: remove one",
                    file=names[after.position],
                )
        positions = tuple(frame.position for frame in frames)
        found.append(FrameClip(name, folder, positions, tuple(frame.number for frame in frames)))
        taken.update(positions)
    return found, [position for position in range(len(names)) if position not in taken]


def _is_frame(frames: Sequence[_Frame], is_frame: Callable[[int], bool | None]) -> bool:
    """Whether files of one clip are frames, by the first that is not blank; frames without persons may be blank."""
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
    """The name of a frame file: the clip `stem` and the frame `number`."""

    position: int
    folder: str
    stem: str
    number: int


def find_numbers(names: Iterable[tuple[int, str]]) -> list[NumberedName]:
    """Find names that differ only in their numbers; the last number that differs is the frame number.

    Args:
        names: index and name of each file, with ``/`` between folders and without an extension.
    """
    found = []
    groups: dict[tuple[str, ...], list[tuple[int, str, list[str]]]] = defaultdict(list)
    for position, name in names:
        folder, _, base = name.rpartition("/")
        # Text at even indices, numbers at odd ones.
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
    """The frame index of each image, from the images' numbers.

    If most numbers are consecutive, and at most half are missing, missing numbers are frames without persons, for which
    estimators write no file. Otherwise the images are joined without gaps.

    Args:
        numbers: the ascending numbers of the images.
    """
    steps = Counter(after - before for before, after in pairwise(numbers))
    count = numbers[-1] - numbers[0] + 1
    if steps and steps.most_common(1)[0][0] == 1 and count <= 2 * len(numbers):
        return [number - numbers[0] for number in numbers]
    return range(len(numbers))

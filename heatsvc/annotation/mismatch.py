"""The message about a dataset in which no labeled video has a keypoint file, with names from both sides."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence

from heatsvc.annotation.labels.labels import Labels, describe_sources
from heatsvc.annotation.names import NameIndex, VideoName
from heatsvc.annotation.splits.split_file import SplitFile

_NAMED = 3
_VALUES = 10
# difflib compares one name with 43,880 others in a second.
_COMPARED = 50_000


def describe_mismatch(labels: Labels, files: NameIndex, split_of: Sequence[str | None], split: SplitFile | None) -> str:
    """Why a dataset has no videos: counts, three names from each side, the most similar pairs, and the filters.

    Args:
        labels: the videos.
        files: names of the keypoint files.
        split_of: the split of each video; None if it has none.
        split: the split files; None if there are none.
    """
    total = len(labels.known.names)
    if not labels.rows:
        return f"the filters exclude all {total:,} labeled videos: {_filters(labels)}"
    labeled = [name for name in files.names if labels.known.find(name)]
    used = [name for name in files.names if labels.index.find(name)]
    parts = []
    if not used:
        parts.append(
            f"no keypoint file has the name of a labeled video. Files: {len(files.names):,}, such as "
            f"{_names(files.names)}; videos in the labels: {len(labels.rows):,}, such as {_names(labels.index.names)}"
        )
        if labeled:
            parts.append(f"Files of videos that the filters exclude: {len(labeled):,}")
        else:
            parts += _nearest(files.names, labels.known.names, are_files=True)
            parts.append(f"Label files: {describe_sources(labels.sources)}")
    else:
        splits = {name.split for name in split.entries} if split else {one for one in split_of if one}
        parts.append(
            f"no labeled video that has a keypoint file is in a split: {len(used):,} labeled videos have a file, "
            f"such as {_names(used)}; the splits are {', '.join(sorted(splits)) or 'empty'!s:.200}"
        )
        if split is not None:
            in_split = [entry.video for entry in split.entries]
            parts.append(f"Names in {split.file}: {len(in_split):,}, such as {_names(in_split)}")
            if not any(labels.known.find(video) for video in in_split):
                parts += _nearest(in_split, labels.known.names)
    if labels.filtered:
        parts.append(f"Filters: {_filters(labels)}")
    return ". ".join(parts)


def _names(names: Iterable[VideoName]) -> str:
    return ", ".join(f"{name.text!r:.100}" for name in list(names)[:_NAMED])


def _nearest(ours: Sequence[VideoName], theirs: Sequence[VideoName], *, are_files: bool = False) -> list[str]:
    """The most similar names for the first three; for keypoint files also the option that makes the names equal."""
    step = -(-len(theirs) // _COMPARED)
    by_text = {name.parts[-1]: name for name in theirs[::step]}
    pairs = [
        (name, by_text[found])
        for name in ours[:_NAMED]
        for found in difflib.get_close_matches(name.parts[-1], by_text, n=1)
    ]
    if not pairs:
        return ["No names are similar"]
    text = "The most similar names are " + ", ".join(
        f"{one.text!r:.100} and {other.text!r:.100}" for one, other in pairs
    )
    endings = {one.parts[-1].removeprefix(other.parts[-1]) for one, other in pairs}
    if are_files and len(endings) == 1 and all(one.parts[-1].startswith(other.parts[-1]) for one, other in pairs):
        option = json.dumps({"file_suffix": endings.pop()}, ensure_ascii=False)
        text += f"; the option {option} makes them equal"
    return [text]


def _filters(labels: Labels) -> str:
    """What each filter excludes, and the values of its column."""
    return ", ".join(
        f"`{name}` excludes {count:,} (values of its column: {_values(labels.values[name])})"
        for name, count in labels.filtered.items()
    )


def _values(counts: Mapping[str, int]) -> str:
    common = sorted(counts, key=lambda value: (-counts[value], value))
    texts = [f"{value or 'empty'!s:.60} ({counts[value]:,})" for value in common[:_VALUES]]
    more = f" and {len(common) - _VALUES:,} more" if len(common) > _VALUES else ""
    return ", ".join(texts) + more

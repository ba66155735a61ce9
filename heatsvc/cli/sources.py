"""KeypointSource: a file, the frame files of a clip, or standard input, as named on the command line."""

from __future__ import annotations

import difflib
import glob
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heatsvc.cli.errors import CommandError, UsageError
from heatsvc.pose import PoseClip
from heatsvc.pose.archives.formats import is_archive_name, without_archive_extension, without_compression
from heatsvc.pose.archives.zip import is_hidden
from heatsvc.pose.readers import NamedBytes, ReadOptions, Upload, frame_reader, read, read_files
from heatsvc.pose.readers.folder import files_in_folder, is_keypoint_file
from heatsvc.pose.readers.upload import is_text_name

STANDARD_INPUT = "-"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]+|^\.+")


@dataclass(frozen=True)
class KeypointSource:
    """Files that are read together.

    Attributes:
        title: the path, for messages.
        folder: the folder of the files, relative to the one that was given; "" if they are in that one.
        name: the name of its only clip: ``clip7`` for ``FOLDER/day1/clip7.npy``, whose `folder` is ``day1``.
        paths: of the files; empty for standard input.
        together: whether several files may be one clip, and text files among them need not be keypoints.
    """

    title: str
    folder: str
    name: str
    paths: tuple[Path, ...]
    together: bool = False

    def read(self, options: ReadOptions, frame_dirs: Collection[str] | None = None) -> list[PoseClip]:
        """Read the clips.

        Args:
            options: of the readers.
            frame_dirs: names of the clips to return; None for all.

        Raises:
            OSError: a file cannot be opened.
            InputError: a file cannot be read as keypoints.
        """
        clips = self._read_all(options)
        return clips if frame_dirs is None else [clip for clip in clips if clip.frame_dir in frame_dirs]

    def _read_all(self, options: ReadOptions) -> list[PoseClip]:
        if not self.paths:
            return read(sys.stdin.buffer.read(), options=options)
        if self.together:
            files = [NamedBytes(path.name, path.read_bytes()) for path in self.paths]
            return read_files(files, options, self.paths[0].absolute().parent.name, leave_out_texts=True)
        (path,) = self.paths
        return read(path.read_bytes(), filename=path.name, options=options)

    def name_of(self, frame_dir: str, index: int, count: int) -> str:
        """The name of a clip's output, ``day1/clip7``: that of the source, or of the clip if there are several.

        Args:
            frame_dir: of the clip.
            index: of the clip in the result of `read`.
            count: number of clips in the result of `read`.
        """
        # A name that was read from a file never becomes a path.
        own = self.name if count == 1 else _UNSAFE.sub("_", frame_dir) or str(index)
        return f"{self.folder}/{own}" if self.folder else own


def options_refused(command: str, options: Iterable[str]) -> Callable[[Any, str | list[str]], None]:
    """A validator of cyclopts for files, which may be called ``-`` and so begin like an option.

    Args:
        command: that the files are for.
        options: all that it has, to suggest one of them.
    """
    known = list(options)

    def refuse(_: Any, given: str | list[str]) -> None:
        for word in [given] if isinstance(given, str) else given:
            if word.startswith("-") and word != STANDARD_INPUT and not Path(word).exists():
                name, _, _ = word.partition("=")
                close = difflib.get_close_matches(name, known, 1)
                guess = f". Did you mean {close[0]}?" if close else ""
                raise UsageError(f"unknown option: {word}{guess} (`heatsvc {command} --help` lists all)")

    return refuse


def find_sources(given: Sequence[str]) -> list[KeypointSource]:
    """Find the sources that arguments name: files, folders with all below them, patterns such as ``*.npy``, and ``-``.

    Raises:
        CommandError: a file does not exist or is a device, or a pattern or folder has no keypoint file.
    """
    sources: list[KeypointSource] = []
    for text in given:
        path = Path(text)
        if text == STANDARD_INPUT:
            sources.append(KeypointSource("standard input", "", "clip", ()))
        elif path.is_dir():
            sources += _folder_sources(path)
        elif path.is_char_device() or path.is_block_device():  # /dev/zero has no end
            raise CommandError(f"{text} is a device, not a file")
        elif path.exists():
            sources.append(_file_source(path))
        elif glob.has_magic(text):
            found = sorted(glob.glob(text, recursive=True))
            if not found:
                raise CommandError(f"no file is called {text}")
            sources += find_sources(found)
        else:
            raise CommandError(f"{text} does not exist")
    return sources


def _file_source(path: Path, folder: str = "") -> KeypointSource:
    name = without_compression(path.name)
    stem = without_archive_extension(name) if is_archive_name(name) else Path(name).stem
    return KeypointSource(str(path), folder, stem, (path,))


def _folder_sources(folder: Path) -> Iterator[KeypointSource]:
    """The sources of a folder and those below it. In each of them, frame files and text files are one source."""
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for name, _ in files_in_folder(folder, _is_wanted):
        parent, _, own = name.rpartition("/")
        folders[parent].append(own)
    if not folders:
        raise CommandError(f"there is no file of keypoints in the folder {folder}")
    for parent, names in sorted(folders.items()):
        texts = sorted(name for name in names if is_text_name(name))
        documents = sorted(name for name in names if name.endswith(".json"))
        together = texts + (documents if documents and _is_frame(folder / parent / documents[0]) else [])
        for name in sorted(set(names) - set(together)):
            yield _file_source(folder / parent / name, parent)
        if together:
            above, _, own = parent.rpartition("/")
            paths = tuple(folder / parent / name for name in sorted(together))
            yield KeypointSource(str(folder / parent), above, own or folder.absolute().name, paths, together=True)


def _is_wanted(name: str) -> bool:
    return is_keypoint_file(name) or (is_archive_name(name) and not is_hidden(name))


def _is_frame(path: Path) -> bool:
    return frame_reader(Upload(path.read_bytes(), path.name)) is not None

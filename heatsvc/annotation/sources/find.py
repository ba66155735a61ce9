"""Finds all keypoint files of a dataset, in folders, archives and annotation pickles."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.sources.archives import ArchiveLister
from heatsvc.annotation.sources.stored_file import StoredFile, join_frames
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.errors import InputError
from heatsvc.pose.archives.formats import HEAD, is_archive_name, without_archive_extension, without_compression
from heatsvc.pose.archives.frames import is_label_beside_frames
from heatsvc.pose.archives.unreadable import Unreadable, find_unreadable
from heatsvc.pose.archives.zip import is_hidden
from heatsvc.pose.errors import PoseError
from heatsvc.pose.findings import ImplausibleError, Interpretation, PlausibilityMode
from heatsvc.pose.readers import ReadOptions, Upload, find_reader, read
from heatsvc.pose.readers.folder import PICKLES, files_in_folder, is_keypoint_file
from heatsvc.pose.readers.upload import is_text_name

_MAX_NOTES = 50
_MAX_IN_MESSAGE = 3
_OUTSIDE = (
    "it is a link that leads out of the folder, and is not followed: copy the file, or use the common parent folder"
)


@dataclass(frozen=True, slots=True)
class KeypointFiles:
    """The keypoint files of a dataset.

    Attributes:
        files: keypoint files, sorted by name.
        labels: label files among them, each a video's ``morpheme.json``, sorted by name.
        notes: assumptions that were made, and files that were ignored, as sentences.
    """

    files: list[StoredFile]
    labels: list[StoredFile]
    notes: list[str]


def find_files(
    inputs: Inputs, options: AnnotationOptions, work: Path, bounds: Bounds, token: CancelToken
) -> KeypointFiles:
    """Find all keypoint files.

    Args:
        inputs: files, archives, a folder.
        options: img_shape and layout, for annotation pickles.
        work: a folder for unpacked archives; archives that are unpacked already are not unpacked again.
        bounds: limits of the number and size of files.
        token: checked between steps; cancels the work.

    Raises:
        AnnotationError: there is no keypoint file.
        PoseError, LimitError: an archive cannot be read or is too large, or a file has no keypoints.
    """
    finder = _Finder(work, bounds, token)
    if inputs.folder is not None:
        finder.add_folder(inputs.folder)
    singles = []
    for number, source in enumerate(inputs.keypoints):
        token.raise_if_cancelled()
        members = finder.members(source, work / f"unpacked-{number}.tar")
        if members is None:
            _check_readable(source)
            singles.append(StoredFile(source.name, str(source.path)))
        else:
            finder.add(members, without_archive_extension(source.name))
    finder.add(singles, "keypoints", were_sent=True)
    # Numbers are checked, and normalized ones scaled, when a clip of the pickle is read from its own file.
    interpretation = Interpretation(project=options.project, plausibility="warn")
    read_options = ReadOptions(options.img_shape, options.layout, None, interpretation, bounds, token)
    files: list[StoredFile] = []
    unpickled = 0
    for number, file in enumerate(sorted(finder.files, key=lambda file: file.name)):
        if not without_compression(file.name).lower().endswith(PICKLES):
            files.append(file)
            continue
        for clip in _clips_in_pickle(file, work / f"pickle-{number}", read_options, options.plausibility):
            files.append(clip)
            # All clips of a pickle may share one array, so that a small pickle could fill the disk.
            unpickled += clip.size or 0
            bounds.check("max_dataset_bytes", unpickled, "bytes of clips in pickles", file=file.name)
            bounds.check("max_dataset_files", len(files), "keypoint files", file=file.name)
    if not files:
        there = "".join(f"; {text}" for text in _printable([*finder.ignored(), *finder.notes][:_MAX_IN_MESSAGE]))
        raise AnnotationError(
            "there are no keypoint files: send .npy, .npz, .pose, .json, .skeleton or .csv files, or archives of "
            f"such{there}",
            field="keypoints",
        )
    notes = [*finder.ignored(only_possible=True), *finder.notes]
    if len(notes) > _MAX_NOTES:
        notes[_MAX_NOTES:] = [f"{len(notes) - _MAX_NOTES:,} more notes of these kinds"]
    return KeypointFiles(
        sorted(files, key=lambda file: file.name), sorted(finder.labels, key=lambda file: file.name), _printable(notes)
    )


def _printable(notes: list[str]) -> list[str]:
    """Make sentences encodable as UTF-8: a name on disk may contain invalid characters."""
    return [note.encode(errors="backslashreplace").decode() for note in notes]


class _Finder:
    """Collects keypoint files and label files, and counts other files."""

    def __init__(self, work: Path, bounds: Bounds, token: CancelToken) -> None:
        self.files: list[StoredFile] = []
        self.labels: list[StoredFile] = []
        self.notes: list[str] = []
        self._work, self._bounds, self._token = work, bounds, token
        self._ignored: Counter[tuple[str, Unreadable]] = Counter()

    def add(self, files: list[StoredFile], container: str, *, were_sent: bool = False) -> None:
        """Add files; the frame files of a clip count as one.

        Args:
            files: the files of a folder, an archive, or a form.
            container: name of a clip whose frame files have neither a common name nor a folder.
            were_sent: whether each file was sent as keypoints. Otherwise the content of texts and tables is inspected,
                since they may be labels or something else.
        """
        self.labels += [file for file in files if is_label_beside_frames(file.name)]
        files = [file for file in files if not is_label_beside_frames(file.name)]
        for file in join_frames(files, container, self._bounds, self._token, self.notes):
            if were_sent or file.frames or not is_text_name(file.name) or self._has_points(file):
                self.files.append(file)
        self._bounds.check("max_dataset_files", len(self.files), "keypoint files")

    def _has_points(self, file: StoredFile) -> bool:
        """Whether a text or table has keypoints, by its content; if not, it is counted as ignored."""
        self._token.raise_if_cancelled()
        try:
            upload = Upload(file.read(self._bounds), file.name, ReadOptions(bounds=self._bounds))
            found = find_reader(upload)
        except InputError:
            found = None
        if found is None and (kind := find_unreadable(b"", file.name)):
            self._ignored[os.path.splitext(file.name)[1].lower(), kind] += 1
        return found is not None

    def members(self, source: InputFile, unpacked: Path) -> list[StoredFile] | None:
        """The keypoint files of an archive; None if the file is not an archive."""
        lister = ArchiveLister(source, unpacked, self._is_wanted, self._bounds, self._token)
        files = lister.files()
        self.notes += lister.notes
        return files

    def add_folder(self, folder: Path) -> None:
        """Add the files of a folder and of the archives in it."""
        found: list[StoredFile] = []
        links_out: list[str] = []
        size = 0
        files = files_in_folder(folder, self._is_wanted_or_archive, self._token, links_out)
        for count, (name, entry) in enumerate(files, 1):
            size += entry.stat().st_size
            self._bounds.check("max_dataset_files", count, "files in a folder", file=name)
            self._bounds.check("max_dataset_bytes", size, "bytes in a folder", file=name)
            path = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            members = None
            if is_archive_name(name):
                # The name changes if the file changes.
                stamp = f"{name}\0{entry.stat().st_size}\0{entry.stat().st_mtime_ns}"
                digest = hashlib.sha256(stamp.encode(errors="surrogateescape")).hexdigest()[:32]
                members = self.members(InputFile(name, Path(path)), self._work / f"unpacked-{digest}.tar")
            if members is None:
                found.append(StoredFile(name, path))
            else:
                inside = without_archive_extension(name)
                found += [member._replace(name=f"{inside}/{member.name}") for member in members]
        for name in links_out:
            if is_keypoint_file(name):
                found.append(StoredFile(name, refusal=_OUTSIDE))
        if links_out:
            examples = f"{len(links_out):,}, such as {links_out[0]:.120}"
            self.notes.append(
                f"links that lead out of the folder are not followed ({examples}): "
                "copy the files, or use the common parent folder"
            )
        self.add(found, folder.name)

    def ignored(self, *, only_possible: bool = False) -> list[str]:
        """A sentence about each kind of ignored file; with `only_possible`, only kinds that may hold keypoints."""
        return [
            f"{count:,} {extension} was ignored: it is {kind.title}"
            if count == 1
            else f"{count:,} {extension} were ignored: each is {kind.title}"
            for (extension, kind), count in self._ignored.items()
            if kind.may_hold_keypoints or not only_possible
        ]

    def _is_wanted_or_archive(self, name: str) -> bool:
        return (is_archive_name(name) and not is_hidden(name)) or self._is_wanted(name)

    def _is_wanted(self, name: str) -> bool:
        wanted = is_keypoint_file(name)
        if not wanted and not is_hidden(name) and (kind := find_unreadable(b"", name)):
            self._ignored[os.path.splitext(name)[1].lower(), kind] += 1
        return wanted


def _check_readable(source: InputFile) -> None:
    """Raise PoseError if a file that was sent as keypoints is known to have none."""
    with source.path.open("rb") as file:
        if kind := find_unreadable(file.read(HEAD)):
            raise PoseError(f"{source.name!r:.120} is {kind.title}", field="keypoints", file=source.name)


def _clips_in_pickle(
    source: StoredFile, folder: Path, options: ReadOptions, plausibility: PlausibilityMode
) -> Iterator[StoredFile]:
    """Write each clip of an annotation pickle to `folder` as an `.npz`, named by its `frame_dir`.

    Raises:
        ImplausibleError: a value is impossible that the `.npz` would not have, such as a wrong total_frames.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(read(source.read(options.bounds), filename=source.name, options=options)):
        options.token.raise_if_cancelled()
        path = folder / f"{number:06d}.npz"
        shown = [finding for finding in clip.findings if finding.code != "axes"]
        if shown and plausibility == "error":
            raise ImplausibleError(shown[0], field="annotations", file=source.name, name=clip.frame_dir)
        arrays: dict[str, object] = {"img_shape": np.array(clip.img_shape)}
        if clip.third_number_is_score:
            arrays["keypoint"] = np.concatenate([clip.keypoint, clip.keypoint_score[..., None]], axis=-1)
        else:
            # The depth has been dropped by `project`: write another number in its place.
            width = 3 if options.interpretation.project else 2
            arrays["keypoint"] = np.pad(clip.keypoint, [(0, 0)] * 3 + [(0, width - 2)])
            arrays["keypoint_score"] = clip.keypoint_score
        if clip.layout is not None:
            arrays["layout"] = np.array(clip.layout.name)
        np.savez(path, **arrays)  # type: ignore[arg-type]  # arrays, and no keyword of savez among them
        yield StoredFile(clip.frame_dir or f"{source.name}/{number}", str(path), size=path.stat().st_size)

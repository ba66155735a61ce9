"""Reads archives of keypoint files: each file is read separately, and the frame files of a clip are joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import NamedTuple

from heatsvc.pose.archives.formats import (
    COMPRESSION_ERRORS,
    MAX_LEVEL,
    UNPACK,
    Compression,
    compression_of,
    describe_error,
    is_tar,
    is_zip,
    without_archive_extension,
    without_compression,
)
from heatsvc.pose.archives.frames import find_frames, is_label_beside_frames
from heatsvc.pose.archives.limits import UnpackLimits
from heatsvc.pose.archives.tar import list_tar
from heatsvc.pose.archives.unreadable import is_document
from heatsvc.pose.archives.zip import is_hidden, unpack
from heatsvc.pose.clip import PoseClip
from heatsvc.pose.errors import PoseError
from heatsvc.pose.findings import Finding
from heatsvc.pose.readers.npz import is_npz
from heatsvc.pose.readers.upload import FrameFile, ReadOptions, Upload, is_blank, is_text_name

_CHUNK = 1 << 16
# Less than for files on disk, since several requests are read at a time.
_MAX_WINDOW = 40 << 20


class NamedBytes(NamedTuple):
    """A file's name, with its folders, and its content."""

    name: str
    data: bytes


def is_archive(upload: Upload) -> bool:
    """Whether the content is a zip or tar archive, or a compressed file."""
    return _holds_files(upload) or compression_of(upload.data) is not None


def _holds_files(upload: Upload) -> bool:
    if is_zip(upload.data):
        return not is_document(upload.data) and not is_npz(upload)
    return is_tar(upload.data)


def read_archive(upload: Upload) -> list[PoseClip]:
    """Read the clips of an archive and of the archives in it, or of a compressed file.

    Raises:
        PoseError: damaged, a file in it that cannot be read, or an archive in an archive in an archive.
        LimitError: more members, bytes, or bytes for its size, than the bounds allow, over all levels.
    """
    limits = UnpackLimits(upload.options.bounds, len(upload.data), upload.file)
    encodings: set[str] = set()
    files = list(_unpacked(upload.data, _base(upload.filename), upload, limits, encodings))
    if not files:
        raise PoseError("the archive has no files", file=upload.file)
    files = [file for file in files if not is_label_beside_frames(file.name)] or files
    clips = read_files(files, upload.options, upload.filename, leave_out_texts=True)
    return [_with_guess(clip, encodings, upload) for clip in clips] if encodings else clips


def _with_guess(clip: PoseClip, encodings: set[str], upload: Upload) -> PoseClip:
    """Add a finding to the clip if the encoding of its name was guessed."""
    if clip.frame_dir.isascii():
        return clip
    detail = (
        f"{upload.filename or 'the archive'!s:.80} does not declare the encoding of its names: they were read as "
        f"{' and '.join(sorted(encodings))}; if that is wrong, pack it with names in UTF-8"
    )
    return replace(clip, findings=(*clip.findings, Finding("guessed_name", detail)))


def read_files(
    files: Sequence[NamedBytes],
    options: ReadOptions,
    container: str,
    *,
    field: str | None = None,
    leave_out_texts: bool = False,
) -> list[PoseClip]:
    """Read the clips of several files, in their order; frame files of one clip are joined.

    Args:
        files: the files of one folder tree.
        options: options for each file.
        container: name of the archive that contains them; "" if there is none.
        field: field for messages about their number.
        leave_out_texts: whether to ignore texts and tables without points, such as a README and labels, if there are
            other files.

    Raises:
        PoseError: a file that cannot be read, or two frames of one number.
        LimitError: more clips or bytes than the bounds allow.
    """
    from heatsvc.pose.readers import frame_reader, read_upload  # it has this reader in its table

    def is_frame(position: int) -> bool | None:
        upload = Upload(files[position].data, files[position].name, options)
        return None if is_blank(upload.data) else frame_reader(upload) is not None

    prefix = f"{container}/" if container else ""
    uploads: dict[int, Upload] = {}
    names = [file.name.replace("\\", "/") for file in files]
    clips, singles = find_frames(
        names,
        without_archive_extension(_base(container)) or "clip",
        is_frame,
    )
    folders = {}
    gaps: dict[int, Finding] = {}
    for clip in clips:
        frames = tuple(
            FrameFile(prefix + files[position].name, files[position].data, number)
            for position, number in zip(clip.positions, clip.numbers, strict=True)
        )
        first = clip.positions[0]
        data = next((frame.data for frame in frames if not is_blank(frame.data)), frames[0].data)
        joined = Upload(data, prefix + clip.name, options, frames)
        reader = frame_reader(joined)
        if reader is None:  # named as OpenPose's frames, and of another format
            singles += clip.positions
            continue
        uploads[first] = joined
        folders[first] = clip.name.rpartition("/")[0]
        if (missing := clip.gaps()) and not reader.fills_gaps:
            gaps[first] = Finding(
                "frame_gaps",
                f"{missing:,} frame numbers between {clip.numbers[0]:,} and {clip.numbers[-1]:,} have no file: the "
                "existing frames were joined without gaps; send files without persons for the missing ones",
            )
    if leave_out_texts:
        texts = {i for i in singles if is_text_name(names[i]) and not _holds_points(files[i], options)}
        singles = [i for i in singles if i not in texts] if uploads or len(texts) < len(singles) else singles
    for position in singles:
        uploads[position] = Upload(files[position].data, prefix + files[position].name, options)
        folders[position] = names[position].rpartition("/")[0]
    found: list[tuple[PoseClip, str]] = []
    size = 0
    for position, upload in sorted(uploads.items()):
        options.token.raise_if_cancelled()
        read = read_upload(upload)
        if position in gaps:
            read = [replace(clip, findings=(*clip.findings, gaps[position])) for clip in read]
        size += sum(clip.nbytes for clip in read)
        options.bounds.check("max_unpacked_bytes", size, "bytes of keypoints", field=field, file=upload.file)
        found += ((clip, folders[position]) for clip in read)
        options.bounds.check("max_clips", len(found), "clips", field=field, file=upload.file)
    if not container:
        return [clip for clip, _ in found]
    # Files with the same name in two folders are two clips.
    count = Counter(clip.frame_dir for clip, _ in found)
    return [
        replace(clip, frame_dir=f"{folder}/{clip.frame_dir}") if folder and count[clip.frame_dir] > 1 else clip
        for clip, folder in found
    ]


def _holds_points(file: NamedBytes, options: ReadOptions) -> bool:
    """Whether a text or a table has a format of keypoints; other texts are ignored."""
    from heatsvc.pose.readers import find_reader

    try:
        return find_reader(Upload(file.data, file.name, options)) is not None
    except PoseError:
        return True  # damaged: reading it reports the error


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _unpacked(
    data: bytes,
    name: str,
    upload: Upload,
    limits: UnpackLimits,
    encodings: set[str],
    folder: str = "",
    level: int = 0,
) -> Iterator[NamedBytes]:
    """The file, decompressed; or the files in it if it is an archive.

    Args:
        data, name: the file.
        upload: the outermost archive.
        limits: limits of its content.
        encodings: collects the guessed encodings of names that do not declare theirs.
        folder: folder of the file.
        level: number of archives that contain it.
    """
    if (compression := compression_of(data)) is not None:
        data, name = _decompressed(data, compression, upload, limits), without_compression(name)
        if compression_of(data) is not None:
            raise PoseError(f"{name!r:.80} is compressed twice: decompress it", file=upload.file)
    if not _holds_files(Upload(data, name, upload.options)):
        yield NamedBytes(folder + name, data)
        return
    if level > MAX_LEVEL:
        raise PoseError(f"{name!r:.80} is an archive in an archive in an archive: {UNPACK}", file=upload.file)
    inside = f"{folder}{without_archive_extension(name)}/" if level else ""
    for member in _members(data, upload, limits, encodings):
        yield from _unpacked(member.data, member.name, upload, limits, encodings, inside, level + 1)


def _members(data: bytes, upload: Upload, limits: UnpackLimits, encodings: set[str]) -> Iterator[NamedBytes]:
    """The files in a zip or tar archive."""
    options = upload.options
    if is_zip(data):
        members = unpack(
            data, bounds=options.bounds, file=upload.file, token=options.token, limits=limits, encodings=encodings
        )
        for name, content in members:
            yield NamedBytes(name.replace("\\", "/"), content)
        return
    listed = list_tar(BytesIO(data), _is_visible, limits, options.token, name=upload.file)
    if listed.encoding:
        encodings.add(listed.encoding)
    for name, offset, size in listed.files:
        limits.add_bytes(size)
        yield NamedBytes(name, data[offset : offset + size])


def _is_visible(name: str) -> bool:
    return not is_hidden(name)


def _decompressed(data: bytes, compression: Compression, upload: Upload, limits: UnpackLimits) -> bytes:
    chunks: list[bytes] = []
    stream = compression.stream(BytesIO(data), _MAX_WINDOW)
    while True:
        upload.options.token.raise_if_cancelled()
        try:
            chunk = stream.read(_CHUNK)
        except COMPRESSION_ERRORS as error:
            raise PoseError(describe_error(error), file=upload.file) from None
        if not chunk:
            return b"".join(chunks)
        limits.add_bytes(len(chunk))
        chunks.append(chunk)

"""Frames counted in the videos themselves."""

from __future__ import annotations

import io
import random
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.native.frames import VideoAt, count_frames
from heatsvc.annotation.trim import videos as counting
from heatsvc.annotation.trim.frame_counts import FrameCounts, read_frame_counts
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import CancelledError
from heatsvc.errors import LimitError
from tests.annotation.labels.files import labels_of, write
from tests.annotation.tokens import CountingToken
from tests.annotation.trim.videos import CODECS, write_video

Pack = Callable[[Path, Path], InputFile]


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    return labels_of(write(tmp_path, "labels.csv", "name,label,type\na,yes,w\nb,no,w\nd,no,s\n"), types="w")


def trimmed(
    labels: Labels, *files: InputFile, folder: Path | None = None, bounds: Bounds = DEFAULT_BOUNDS
) -> FrameCounts:
    place = folder if folder is not None else files[0].path.parent
    return read_frame_counts(files, folder, labels, place.parent / "work", bounds)


@pytest.mark.parametrize("form", CODECS)
@pytest.mark.parametrize("b_frames", [0, 2])
def test_any_container(tmp_path: Path, labels: Labels, form: str, b_frames: int) -> None:
    assert trimmed(labels, write_video(tmp_path / f"a{form}", 17, b_frames=b_frames)).frames == {0: 17}


def test_the_content_tells_the_container(tmp_path: Path, labels: Labels) -> None:
    assert trimmed(labels, write_video(tmp_path / "a.avi", 5, ".mp4")).frames == {0: 5}


def test_a_folder(tmp_path: Path, labels: Labels) -> None:
    folder = tmp_path / "removal"
    write_video(folder / "A.avi", 5)
    write_video(folder / "2018" / "b.MTS", 9)
    write_video(folder / "x.mp4", 2)
    (folder / "README.txt").write_text("read me")
    (folder / "d.avi").write_bytes(b"never read: a filter leaves it out")
    trim = trimmed(labels, folder=folder)
    assert trim.frames == {0: 5, 1: 9}
    assert [(fault.kind, fault.name, fault.file) for fault in trim.faults] == [("trim_unknown", "x", "x.mp4")]


def test_links_are_not_followed_out_of_a_folder(tmp_path: Path, labels: Labels) -> None:
    write_video(tmp_path / "secret" / "a.avi", 5)
    write_video(tmp_path / "removal" / "b.avi", 4)
    (tmp_path / "removal" / "a.avi").symlink_to(tmp_path / "secret" / "a.avi")
    (tmp_path / "removal" / "more").symlink_to(tmp_path / "secret")
    assert trimmed(labels, folder=tmp_path / "removal").frames == {1: 4}


def stored(source: Path, target: Path, method: int = zipfile.ZIP_STORED) -> InputFile:
    with zipfile.ZipFile(target, "w", method) as archive:
        for path in sorted(source.rglob("*")):
            archive.write(path, path.relative_to(source.parent))
    return InputFile(target.name, target)


def deflated(source: Path, target: Path) -> InputFile:
    return stored(source, target, zipfile.ZIP_DEFLATED)


def tarred(source: Path, target: Path, mode: str = "w") -> InputFile:
    with tarfile.open(target, mode) as archive:  # type: ignore[call-overload]
        archive.add(source, source.name)
    return InputFile(target.name, target)


def gzipped(source: Path, target: Path) -> InputFile:
    return tarred(source, target, "w:gz")


def zstandarded(source: Path, target: Path) -> InputFile:
    plain = tarred(source, target.with_suffix(".plain"))
    target.write_bytes(zstandard.compress(plain.path.read_bytes()))
    return InputFile(target.name, target)


@pytest.mark.parametrize("pack", [stored, deflated, tarred, gzipped, zstandarded])
def test_archives(tmp_path: Path, labels: Labels, pack: Pack) -> None:
    write_video(tmp_path / "removal" / "a.avi", 5)
    write_video(tmp_path / "removal" / "b.mp4", 9)
    (tmp_path / "removal" / "notes.txt").write_text("x")
    assert trimmed(labels, pack(tmp_path / "removal", tmp_path / "packed")).frames == {0: 5, 1: 9}


@pytest.mark.parametrize("pack", [stored, tarred])
def test_an_archive_without_videos(tmp_path: Path, labels: Labels, pack: Pack) -> None:
    (tmp_path / "removal").mkdir()
    (tmp_path / "removal" / "notes.txt").write_text("x")
    with pytest.raises(AnnotationError, match="the archive has no videos"):
        trimmed(labels, pack(tmp_path / "removal", tmp_path / "packed"))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"PK\x03\x04 and no more", "damaged"), (b"\x1f\x8b\x08 x", "damaged"), (b"\x28\xb5\x2f\xfd x", "damaged")],
)
def test_damaged_archives(tmp_path: Path, labels: Labels, content: bytes, said: str) -> None:
    with pytest.raises(AnnotationError, match=said) as caught:
        trimmed(labels, write(tmp_path, "a.zip", content))
    assert caught.value.file == "a.zip"


def test_a_video_and_a_table_that_differ(tmp_path: Path, labels: Labels) -> None:
    files = (write_video(tmp_path / "a.avi", 5), write(tmp_path, "n.csv", "a,6\n"))
    with pytest.raises(
        AnnotationError, match=r"the frame counts of 'a' differ: 6 frames in n\.csv, row 1, 5 in a\.avi"
    ):
        trimmed(labels, *files)


@pytest.mark.parametrize("form", [".avi", ".MOV"])
def test_a_video_that_is_cut_short(tmp_path: Path, labels: Labels, form: str) -> None:
    data = write_video(tmp_path / f"whole{form}", 60).path.read_bytes()
    with pytest.raises(AnnotationError) as caught:
        trimmed(labels, write(tmp_path, f"a{form}", data[: len(data) // 2]))
    assert caught.value.file == f"a{form}"


def test_a_file_that_only_begins_as_a_video(tmp_path: Path, labels: Labels) -> None:
    with pytest.raises(AnnotationError, match="damaged") as caught:
        trimmed(labels, write(tmp_path, "a.avi", b"RIFF\0\0\0\0AVI nothing"))
    assert caught.value.file == "a.avi"


def test_a_playlist_in_a_folder_is_no_video(tmp_path: Path, labels: Labels) -> None:
    (tmp_path / "removal").mkdir()
    (tmp_path / "removal" / "a.mp4").write_text("ffconcat version 1.0\nfile /etc/passwd\n")
    with pytest.raises(AnnotationError, match="not a video: send AVI, MP4, MOV"):
        trimmed(labels, folder=tmp_path / "removal")


def test_too_many_frames(tmp_path: Path, labels: Labels) -> None:
    with pytest.raises(LimitError, match="max_frames"):
        trimmed(labels, write_video(tmp_path / "a.avi", 30), bounds=Bounds(max_frames=20))


def test_many_videos_share_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"v{number:03}" for number in range(100)]
    labels = labels_of(write(tmp_path, "labels.csv", "name,label\n" + "".join(f"{name},yes\n" for name in names)))
    one = write_video(tmp_path / "one.avi", 3).path.read_bytes()
    (tmp_path / "removal").mkdir()
    for name in names:
        (tmp_path / "removal" / f"{name}.avi").write_bytes(one)
    started = []
    run_in_child = counting.run_in_child  # type: ignore[attr-defined]

    def counted(*args: object, **bounds: object) -> object:
        started.append(1)
        return run_in_child(*args, **bounds)

    monkeypatch.setattr(counting, "run_in_child", counted)
    assert trimmed(labels, folder=tmp_path / "removal").frames == dict.fromkeys(range(100), 3)
    assert len(started) <= 64


def test_counting_ends_when_it_is_cancelled(tmp_path: Path, labels: Labels) -> None:
    files = [write_video(tmp_path / "a.avi", 200)]
    with pytest.raises(CancelledError):
        read_frame_counts(files, None, labels, tmp_path / "work", DEFAULT_BOUNDS, CountingToken())


@pytest.mark.parametrize("form", CODECS)
def test_videos_changed_somewhere(tmp_path: Path, form: str) -> None:
    """Whatever a video holds, there is a count or a sentence."""
    data = write_video(tmp_path / f"a{form}", 12).path.read_bytes()
    chance = random.Random(0)
    videos = []
    for number in range(40):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 30)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        path = tmp_path / str(number)
        path.write_bytes(changed[: chance.randint(1, len(changed))] if number % 2 else changed)
        videos.append(VideoAt(str(path), 0, path.stat().st_size))
    assert all(
        isinstance(count, int | str)
        for count in counting.run_in_child(
            count_frames,
            videos_as_tuples(videos),
            1000,
            20.0,
            str(tmp_path),
            memory_bytes=counting.MEMORY_BYTES,
            seconds=100,
        )
    )


def videos_as_tuples(videos: list[VideoAt]) -> list[tuple[object, ...]]:
    return [tuple(video) for video in videos]


def test_a_hostile_zip_member(tmp_path: Path, labels: Labels) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.avi", b"RIFF\0\0\0\0AVI " + bytes(8 << 20))
    with pytest.raises(LimitError, match="max_archive_ratio"):
        trimmed(labels, write(tmp_path, "a.zip", out.getvalue()))


def test_a_video_that_brings_a_child_down_is_named(
    tmp_path: Path, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(function: object, videos: list[tuple[str, ...]], *args: object, **bounds: object) -> list[int]:
        if any("b.avi" in video[0] for video in videos):
            raise counting.ChildError("the child process ended early, with code -11")  # type: ignore[attr-defined]
        return [7 for _ in videos]

    monkeypatch.setattr(counting, "run_in_child", fragile)
    monkeypatch.setattr(counting, "usable_cores", lambda: 1)
    files = [write_video(tmp_path / "a.avi", 5), write_video(tmp_path / "b.avi", 5)]
    assert trimmed(labels, files[0]).frames == {0: 7}
    with pytest.raises(AnnotationError) as caught:
        trimmed(labels, *files)
    assert caught.value.detail == "the video cannot be read: the child process ended early, with code -11"
    assert caught.value.file == "b.avi"


@pytest.mark.parametrize("pack", [deflated, gzipped])
def test_what_is_unpacked_lies_in_the_work_folder_and_is_gone_at_the_end(
    tmp_path: Path, labels: Labels, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A child's temporary folder, too: there is none.
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    write_video(tmp_path / "removal" / "a.avi", 5)
    packed = pack(tmp_path / "removal", tmp_path / "packed")
    before = sorted(tmp_path.iterdir())
    assert read_frame_counts([packed], None, labels, tmp_path / "work").frames == {0: 5}
    assert sorted(tmp_path.iterdir()) == before

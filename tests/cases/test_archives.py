"""Archives as they are packed in the field, and attacks: the same in /heatmap, builds and the library."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zstandard

import heatsvc
from heatsvc.annotation.errors import AnnotationError, FaultsError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.sources.find import find_files
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cancel import NEVER_CANCELLED
from heatsvc.errors import InputError, LimitError
from heatsvc.pose.archives.names import decode_names
from heatsvc.pose.errors import PoseError
from heatsvc.pose.findings import PlausibilityWarning
from tests.api.client import PIPELINE, Client
from tests.cases.datasets import CASES, build_dataset
from tests.pose.readers.samples import annotation, npy, npz, pickled, tarred, zipped

ARCHIVES = CASES / "13_archives"
OPTIONS = {"img_shape": [1080, 1920], "pipeline": PIPELINE, "select": [0]}
SMALL = OPTIONS | {"pipeline": [{"type": "Resize", "scale": [16, 9], "keep_ratio": False}, *PIPELINE]}
CLIP = npy(np.full((2, 3, 3), 7, np.float32))


def encoded_zip(files: Mapping[bytes, bytes], extra: bytes = b"") -> bytes:
    """A zip archive whose names are these bytes, without the flag for UTF-8."""
    places = {f"{number:0{len(name)}d}".encode()[: len(name)]: name for number, name in enumerate(files, 1)}
    assert len(places) == len(files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, name in places.items():
            info = zipfile.ZipInfo(place.decode())
            info.extra = extra
            archive.writestr(info, files[name])
    data = buffer.getvalue()
    for place, name in places.items():
        data = data.replace(place, name)
    return data


def first_point(clip: heatsvc.PoseClip) -> list[float]:
    return [*clip.keypoint[0, 0, 0].tolist(), float(clip.keypoint_score[0, 0, 0])]


CASE_FILES = {
    "windows_cp949.zip": ("안녕", [298.7857, 230.89922, 0.6797549]),
    "zip_in_zip.zip": ("v1", [330.16861, 266.92169, 0.12076083]),
    "v1.npy.gz": ("v1", [67.095795, 32.10187, 0.63864374]),
    "k.tar.bz2": ("v1", [93.824608, 296.86316, 0.2543346]),
    "npz/v1.npz": ("v1", [511.6586, 42.927734, 0.010029973]),
}


@pytest.mark.parametrize("file", CASE_FILES)
def test_archives_of_the_field_are_read(client: Client, tmp_path: Path, file: str) -> None:
    name, point = CASE_FILES[file]
    [clip] = heatsvc.read(ARCHIVES / file, img_shape=(1080, 1920))
    assert (clip.frame_dir, clip.keypoint.shape, first_point(clip)) == (name, (1, 6, 133, 2), pytest.approx(point))
    data, sent = (ARCHIVES / file).read_bytes(), file.rpartition("/")[2]
    tensors = client.post_files({sent: data, "b.npy": npy([[[1.0, 2.0]]])}, OPTIONS).tensors()
    assert {one: len(imgs) for one, imgs in tensors.items()} == {name: 6, "b": 1}
    made = build_dataset(tmp_path, {name: "a"}, {sent: data})
    assert made.keypoint[name][0, 0, 0].tolist() == pytest.approx(point[:2])


COMPRESSED = {
    "v.npy.gz": gzip.compress(CLIP),
    "v.npy.bz2": bz2.compress(CLIP),
    "v.npy.xz": lzma.compress(CLIP),
    "v.npy.zst": zstandard.compress(CLIP),
    "a.tar": tarred({"v.npy": CLIP}),
    "a.tar.gz": gzip.compress(tarred({"v.npy": CLIP})),
    "a.tgz": gzip.compress(tarred({"v.npy": CLIP})),
    "a.tar.bz2": bz2.compress(tarred({"v.npy": CLIP})),
    "a.tar.xz": lzma.compress(tarred({"v.npy": CLIP})),
    "a.tar.zst": zstandard.compress(tarred({"v.npy": CLIP})),
    "two_streams.tar.bz2": bz2.compress(tarred({"v.npy": CLIP})[:700]) + bz2.compress(tarred({"v.npy": CLIP})[700:]),
    "padded.tar.xz": lzma.compress(tarred({"v.npy": CLIP})) + bytes(8),
    "gz_in.zip": zipped({"v.npy.gz": gzip.compress(CLIP)}),
    "tar_in.zip": zipped({"v.tar.gz": gzip.compress(tarred({"v.npy": CLIP}))}),
    "zip_in.tar": tarred({"part.zip": zipped({"v.npy": CLIP})}),
    "npz_in.zip": zipped({"v.npz": npz(arr_0=np.full((2, 3, 3), 7, np.float32))}),
    "gz_in_zip_in.zip": zipped({"part.zip": zipped({"v.npy.gz": gzip.compress(CLIP)})}),
}


@pytest.mark.parametrize("file", COMPRESSED)
def test_every_packing_is_read(client: Client, tmp_path: Path, file: str) -> None:
    [clip] = heatsvc.read(COMPRESSED[file], img_shape=(9, 9))
    assert clip.keypoint.tolist() == [[[[7, 7]] * 3] * 2]
    assert client.post_files({file: COMPRESSED[file]}, OPTIONS).array().shape[0] == 2
    made = build_dataset(tmp_path, {"v": "a"}, {file: COMPRESSED[file]})
    assert made.keypoint["v"].tolist() == [[[[7, 7]] * 3] * 2]
    folder = tmp_path / "as a folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / file).write_bytes(COMPRESSED[file])
    assert build_dataset(tmp_path / "2", {"v": "a"}, folder).keypoint["v"].tolist() == [[[[7, 7]] * 3] * 2]


def test_a_compressed_pickle_has_many_clips(tmp_path: Path) -> None:
    clips = [annotation("clip_a"), annotation("clip_b")]
    data = gzip.compress(pickled({"split": {}, "annotations": clips}))
    assert [clip.frame_dir for clip in heatsvc.read(data)] == ["clip_a", "clip_b"]
    made = build_dataset(tmp_path, {"clip_a": "a", "clip_b": "b"}, {"old.pkl.gz": data})
    assert sorted(made.keypoint) == ["clip_a", "clip_b"]


def test_hidden_files_are_no_archives(tmp_path: Path) -> None:
    folder = tmp_path / "kp"
    folder.mkdir()
    (folder / "part1.zip").write_bytes(zipped({"v.npy": CLIP, "__MACOSX/._v.npy": b"x", "._part.zip": b"x"}))
    (folder / "._part1.zip").write_bytes(b"\0\5\x16\7")
    made = build_dataset(tmp_path, {"v": "a"}, folder)
    assert (list(made.keypoint), made.report["faults"], made.report["notes"]) == (["v"], [], [])


def test_old_tar_archives_without_a_magic_are_read() -> None:
    data = bytearray(tarred({"v.npy": CLIP}))
    data[257:265] = bytes(8)
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    [clip] = heatsvc.read(bytes(data), img_shape=(9, 9))
    assert clip.frame_dir == "v"


def test_files_of_one_name_in_two_folders_are_two_clips(client: Client) -> None:
    data = zipped({"a/v.npy": CLIP, "b/v.npy": CLIP, "c.zip": zipped({"v.npy": CLIP, "w.npy": CLIP})})
    assert sorted(client.post_files({"all.zip": data}, OPTIONS).tensors()) == ["a/v", "b/v", "c/v", "w"]


NAMES = [
    # UTF-8 without its flag, as macOS packs.
    (["안녕.npy", "감사.npy"], "utf-8", "UTF-8"),
    (["안녕하세요.npy", "화재.npy"], "cp949", "CP949 (Korean)"),
    (["똠방각하.npy"], "cp949", "CP949 (Korean)"),
    (["こんにちは.npy", "手話.npy"], "cp932", "Shift-JIS (Japanese)"),
    (["手話/表.npy"], "cp932", "Shift-JIS (Japanese)"),
    (["你好.npy", "谢谢.npy", "手语词汇.npy"], "gbk", "GBK (Chinese)"),
    (["café.npy", "Müller.npy"], "cp437", "CP437, the default of the zip format"),
]


@pytest.mark.parametrize(("names", "encoding", "title"), NAMES)
def test_names_without_a_declared_encoding_are_guessed_and_reported(
    tmp_path: Path, names: list[str], encoding: str, title: str
) -> None:
    data = encoded_zip({name.encode(encoding): CLIP for name in names})
    stems = [name.rpartition("/")[2].removesuffix(".npy") for name in names]
    (tmp_path / "all.zip").write_bytes(data)
    assert [clip.frame_dir for clip in heatsvc.read(tmp_path / "all.zip", img_shape=(9, 9))] == stems
    made = build_dataset(tmp_path, dict.fromkeys(stems, "a"), {"all.zip": data})
    assert sorted(made.keypoint) == sorted(stems)
    assert made.report["notes"] == [
        f"all.zip does not declare the encoding of its names: they were read as {title}, such as {', '.join(names)}"
    ]


def test_guessed_names_are_warnings_of_heatmap_and_of_the_library(client: Client, tmp_path: Path) -> None:
    clip = npy(np.full((2, 3, 2), 7, np.float32))
    data = encoded_zip({"안녕.npy".encode("cp949"): clip, b"plain.npy": clip})
    assert client.post_files({"all.zip": data}, OPTIONS).headers["x-heatmap-warning"] == "guessed_name;clips=1"
    response = client.post_files({"all.zip": data}, SMALL, {"accept": "application/json"})
    (tmp_path / "all.zip").write_bytes(data)
    [warning] = response.json()["warnings"]
    assert "all.zip does not declare the encoding of its names: they were read as CP949 (Korean)" in warning["detail"]
    with pytest.warns(PlausibilityWarning, match="guessed_name: .* read as CP949"):
        heatsvc.read(tmp_path / "all.zip", img_shape=(9, 9))
    for declared in (zipped({"안녕.npy": clip}), encoded_zip({b"plain.npy": clip})):
        assert "x-heatmap-warning" not in client.post_files({"all.zip": declared}, OPTIONS).headers


def test_the_order_of_guesses() -> None:
    # The bytes of 你好 are two common syllables of Korean, too: Korean is assumed until a name shows otherwise.
    assert decode_names(["你好".encode("gbk")])[1] == "CP949 (Korean)"
    assert decode_names(["你好".encode("gbk"), "谢谢".encode("gbk")]) == (["你好", "谢谢"], "GBK (Chinese)")
    assert decode_names([b"plain.npy"]) == (["plain.npy"], "")


def test_a_declared_encoding_is_not_guessed(tmp_path: Path) -> None:
    raw = "안녕.npy".encode("cp949")
    name = "안녕.npy".encode()
    field = struct.pack("<HHBL", 0x7075, 5 + len(name), 1, zlib.crc32(raw)) + name
    for data in (zipped({"안녕.npy": CLIP}), encoded_zip({raw: CLIP}, field)):
        assert build_dataset(tmp_path, {"안녕": "a"}, {"all.zip": data}).report["notes"] == []


def test_tar_archives_with_names_of_windows_are_guessed_too(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, encoding="cp949") as archive:
        info = tarfile.TarInfo("안녕.npy")
        info.size = len(CLIP)
        archive.addfile(info, io.BytesIO(CLIP))
    [clip] = heatsvc.read(buffer.getvalue(), img_shape=(9, 9))
    assert clip.frame_dir == "안녕"
    made = build_dataset(tmp_path, {"안녕": "a"}, {"all.tar": buffer.getvalue()})
    assert "were read as CP949 (Korean), such as 안녕.npy" in made.report["notes"][0]


UNREADABLE = {
    "fake.7z": (
        (ARCHIVES / "fake.7z").read_bytes(),
        "a 7z archive, which is not supported: unpack it and pack the files as a zip",
    ),
    "a.rar": (
        b"Rar!\x1a\x07\x01\x00" + bytes(40),
        "a RAR archive, which is not supported: unpack it and pack the files as a zip",
    ),
    "v.mp4": (b"\0\0\0\x20ftypisom" + bytes(40), "a video, which has no keypoints: run a pose estimator first"),
    "v.avi": (b"RIFF\0\0\0\0AVI LIST" + bytes(40), "a video, which has no keypoints: run a pose estimator first"),
    "v.mkv": (b"\x1a\x45\xdf\xa3" + bytes(40), "a video, which has no keypoints: run a pose estimator first"),
    "v.MTS": ((b"\0\0\0\0\x47" + bytes(187)) * 2, "a video, which has no keypoints: run a pose estimator first"),
    "v.jpg": (b"\xff\xd8\xff\xe0" + bytes(40), "a picture, which has no keypoints: run a pose estimator first"),
    "v.png": (b"\x89PNG\r\n\x1a\n" + bytes(40), "a picture, which has no keypoints: run a pose estimator first"),
    "v.mat": (
        b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(90),
        "a MATLAB file, which is not supported: save the array",
    ),
    "l.ods": (
        zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}, zipfile.ZIP_STORED),
        "an OpenDocument file, which is not supported: save it as .xlsx or CSV, and send it as labels",
    ),
    "l.xlsx": (
        zipped({"[Content_Types].xml": b"<Types/>"}),
        "a workbook, which has no keypoints: if it has labels, send it as labels",
    ),
}


@pytest.mark.parametrize("file", UNREADABLE)
def test_what_cannot_be_read_is_named_with_the_next_step(client: Client, tmp_path: Path, file: str) -> None:
    data, said = UNREADABLE[file]
    assert said in client.post_files({file: data}, OPTIONS).problem(422)["detail"]
    with pytest.raises(InputError, match=said.replace(".", r"\.")):
        heatsvc.read(data)
    with pytest.raises(InputError, match=said.replace(".", r"\.")):
        build_dataset(tmp_path, {"v": "a"}, {file: data})


def test_only_files_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4", "c.rar"):
        (folder / name).write_bytes(b"x")
    with pytest.raises(AnnotationError) as error:
        build_dataset(tmp_path, {"a": "x"}, folder)
    assert "2 .mp4 were ignored: each is a video, which has no keypoints: run a pose estimator" in error.value.detail
    assert "1 .rar was ignored: it is a RAR archive, which is not supported: unpack it" in error.value.detail


def test_archives_that_are_left_out_are_reported(tmp_path: Path) -> None:
    data = zipped({"v.npy": CLIP, "more.7z": b"x", "v.mp4": b"x", "README.txt": b"x"})
    assert build_dataset(tmp_path, {"v": "a"}, {"all.zip": data}).report["notes"] == [
        "1 .7z was ignored: it is a 7z archive, which is not supported: unpack it and pack the files as a zip archive"
    ]


# --- links in a folder ---


def test_links_within_the_folder_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "links"
    (folder / "store").mkdir(parents=True)
    (folder / "kp").mkdir()
    (folder / "store" / "0001.npy").write_bytes(CLIP)
    (folder / "kp" / "v1.npy").symlink_to("../store/0001.npy")
    (folder / "kp" / "v2").symlink_to("../store", target_is_directory=True)
    made = build_dataset(tmp_path, {"v1": "a", "v2/0001": "b"}, folder)
    assert sorted(made.keypoint) == ["v1", "v2/0001"]


def test_a_link_and_its_target_are_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "links"
    (folder / "store").mkdir(parents=True)
    (folder / "store" / "v1.npy").write_bytes(CLIP)
    (folder / "v1.npy").symlink_to("store/v1.npy")
    assert list(build_dataset(tmp_path, {"v1": "a"}, folder).keypoint) == ["v1"]


def test_links_that_go_round_have_an_end(tmp_path: Path) -> None:
    folder = tmp_path / "links"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        for other in ("a", "b", ".."):
            (folder / name / f"to-{other.strip('.')}").symlink_to(f"../{other}", target_is_directory=True)
    (folder / "a" / "v.npy").write_bytes(CLIP)
    assert list(build_dataset(tmp_path, {"a/v": "a"}, folder).keypoint) == ["a/v"]


def test_links_out_of_the_folder_are_refused_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "links" / "kp"
    folder.mkdir(parents=True)
    (tmp_path / "links" / "v1.npy").write_bytes(CLIP)
    (folder / "v1.npy").symlink_to("../v1.npy")
    (folder / "v2.npy").write_bytes(CLIP)
    (folder / "etc").symlink_to("/etc", target_is_directory=True)
    with pytest.raises(FaultsError) as error:
        build_dataset(tmp_path, {"v1": "a", "v2": "b"}, folder)
    [group] = error.value.report["faults"]
    assert [item["name"] for item in group["items"]] == ["v1"]
    assert "a link that leads out of the folder, and is not followed: copy the file" in group["items"][0]["detail"]
    [note] = error.value.report["notes"]
    assert note.startswith("links that lead out of the folder are not followed (2, such as ")
    assert list(build_dataset(tmp_path / "2", {"v1": "a", "v2": "b"}, folder, faulty="drop").keypoint) == ["v2"]


# --- attacks ---


def find(work: Path, data: bytes, bounds=DEFAULT_BOUNDS) -> list[str]:
    """Names of the files that a build finds in an archive."""
    work.mkdir(exist_ok=True)
    (work / "sent").write_bytes(data)
    inputs = Inputs(keypoints=(InputFile("sent", work / "sent"),))
    return [file.name for file in find_files(inputs, AnnotationOptions(), work, bounds, NEVER_CANCELLED).files]


def special(kind: bytes, name: str = "v.npy", target: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_links_and_devices_in_tar_archives_are_not_followed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, kind in enumerate(kinds):
            archive.addfile(special(kind, f"v{number}.npy"))
        info = tarfile.TarInfo("v.npy")
        info.size = len(CLIP)
        archive.addfile(info, io.BytesIO(CLIP))
    [clip] = heatsvc.read(buffer.getvalue(), img_shape=(9, 9))
    assert clip.frame_dir == "v"
    made = build_dataset(tmp_path, {"v": "a"}, {"all.tar": buffer.getvalue()})
    assert made.report["notes"] == [
        "links in all.tar are not followed (2, such as v0.npy): pack the files themselves (tar -h)"
    ]


def nested(depth: int) -> bytes:
    data = CLIP
    for level in range(depth):
        data = zipped({f"{level}.zip" if level else "v.npy": data})
    return data


def test_archives_are_read_two_deep_and_no_deeper(client: Client, tmp_path: Path) -> None:
    assert find(tmp_path / "two", nested(2)) == ["1/v.npy"]
    said = "is an archive in an archive in an archive: unpack it and pack the files as a zip archive"
    for depth in (3, 40):
        assert said in client.post_files({"a.zip": nested(depth)}, OPTIONS).problem(422)["detail"]
        with pytest.raises(PoseError, match=said):
            find(tmp_path / str(depth), nested(depth))
    twice = gzip.compress(gzip.compress(CLIP))
    assert "is compressed twice" in client.post_files({"v.npy.gz.gz": twice}, OPTIONS).problem(422)["detail"]


ZEROS = bytes(24 << 20)
BOMBS = {
    "zip": zipped({"v.npy": ZEROS}),
    "gz": gzip.compress(ZEROS),
    "bz2": bz2.compress(ZEROS),
    "xz": lzma.compress(ZEROS),
    "zst": zstandard.compress(ZEROS),
    "tar.gz": gzip.compress(tarred({"v.npy": ZEROS})),
    "zip in zip": zipped({"a.zip": zipped({"v.npy": ZEROS})}),
    "zip in tar": tarred({"a.zip": zipped({"v.npy": ZEROS})}),
    "gz in zip": zipped({"v.npy.gz": gzip.compress(ZEROS)}),
    "many inner": zipped({f"{n}.zip": zipped({"v.npy": ZEROS[: 1 << 20]}) for n in range(40)}),
}


@pytest.mark.parametrize("what", BOMBS)
def test_bombs_are_held_to_the_ratio_over_all_levels(client: Client, what: str) -> None:
    problem = client.post_files({"a": BOMBS[what]}, OPTIONS).problem(422)
    assert problem["setting"] == "HEATSVC_MAX_ARCHIVE_RATIO"


@pytest.mark.parametrize("what", ["zip in zip", "zip in tar", "many inner"])
def test_inner_bombs_are_held_to_the_bytes_on_disk(tmp_path: Path, what: str) -> None:
    with pytest.raises(LimitError, match="max_dataset_bytes"):
        find(tmp_path / "work", BOMBS[what], replace(DEFAULT_BOUNDS, max_dataset_bytes=10_000))
    assert not list((tmp_path / "work").glob("*.part"))


def test_inner_archives_that_unpack_to_much_are_refused_while_they_do(tmp_path: Path) -> None:
    zeros = zipped({"a.zip": zipped({"v.npy": bytes(80 << 20)}, zipfile.ZIP_STORED)})
    with pytest.raises(LimitError, match="max_archive_ratio"):
        find(tmp_path / "work", zeros)


def test_members_are_counted_over_all_levels(tmp_path: Path) -> None:
    data = zipped({f"{n}.zip": zipped({f"{m}.npy": b"x" for m in range(10)}) for n in range(10)})
    assert len(find(tmp_path / "work", data)) == 100
    with pytest.raises(LimitError, match="max_dataset_files"):
        find(tmp_path / "work", data, replace(DEFAULT_BOUNDS, max_dataset_files=100))
    with pytest.raises(LimitError, match="max_archive_members"):
        heatsvc.read(data, img_shape=(9, 9), bounds=replace(DEFAULT_BOUNDS, max_archive_members=100))


@pytest.mark.parametrize("name", ["../v.npy", "/etc/v.npy", "C:/v.npy", "a/../../v.npy", "..\\v.npy"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_are_refused_at_every_level(client: Client, tmp_path: Path, name: str, pack) -> None:
    for data in (pack({name: CLIP}), zipped({"inner.zip": zipped({name: CLIP})}), pack({f"{name[:-4]}.zip": CLIP})):
        assert "leads out of it" in client.post_files({"a.zip": data}, OPTIONS).problem(422)["detail"]
        with pytest.raises(PoseError, match="leads out of it"):
            find(tmp_path / "work", data)


def test_a_name_that_leads_out_only_once_it_is_decoded_is_refused(client: Client) -> None:
    data = encoded_zip({"表\\..\\..\\v.npy".encode("cp932"): CLIP})
    assert "leads out of it" in client.post_files({"a.zip": data}, OPTIONS).problem(422)["detail"]


def test_names_that_differ_only_by_their_encoding_are_refused(client: Client, tmp_path: Path) -> None:
    data = bytearray(encoded_zip({"안녕.npy".encode("cp949"): CLIP, b"placehold.npy": CLIP}))
    utf8 = "안녕.npy".encode() + b"\0\0\0"
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.rindex(magic)
        data[at + flags : at + flags + 2] = struct.pack("<H", 1 << 11)
    data = data.replace(b"placehold.npy", utf8)
    problem = client.post_files({"a.zip": bytes(data)}, OPTIONS).problem(422)
    assert "clips 0 and 1 are both called '안녕'" in problem["detail"]
    with pytest.raises(PoseError, match="two files in the archive are called"):
        find(tmp_path / "work", bytes(data))


def test_a_window_that_takes_gigabytes_is_refused(client: Client) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    data = lzma.compress(CLIP, filters=filters)
    detail = client.post_files({"v.npy.xz": data}, OPTIONS).problem(422)["detail"]
    assert "needs more memory than is allowed: compress it with `xz -6`" in detail


@pytest.mark.parametrize("file", COMPRESSED)
def test_no_cut_and_no_flipped_byte_raises_anything_but_input_errors(tmp_path: Path, file: str) -> None:
    data = COMPRESSED[file]
    bent = [data[:length] for length in range(1, len(data), max(1, len(data) // 40))]
    bent += [data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :] for at in range(0, min(len(data), 600), 7)]
    for number, one in enumerate(bent):
        with suppress(InputError):
            heatsvc.read(one, img_shape=(9, 9))
        with suppress(InputError):
            find(tmp_path / str(number), one)

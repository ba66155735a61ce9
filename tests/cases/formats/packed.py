"""Archives and compressed files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile

import numpy as np
import zstandard

from tests.cases.formats.kind import HD, Kind, Point, load, member, motion, npy, point_of, tarred, zipped
from tests.cases.formats.pickles import annotation


def _array(seed: int) -> bytes:
    return npy(motion(4, 133, seed=seed).astype(np.float32))


def _nose(data: bytes) -> Point:
    return point_of(load(data)[3, 0])


def _windows_zip() -> bytes:
    """Names in CP949 without the flag for UTF-8, as Windows packs them."""
    name = "안녕.npy".encode("cp949")
    stand_in = "x" * (len(name) - 4) + ".npy"
    return zipped({stand_in: _array(5)}).replace(stand_in.encode(), name)


def _only_member(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        [info] = archive.infolist()
        return archive.read(info)


def _kind(tool: str, file: str, filename: str, make, plain, clip: str = "v1", clips: int = 1) -> Kind:  # type: ignore[no-untyped-def]
    return Kind(
        tool=tool,
        file=file,
        score="as of the file",
        filename=filename,
        make=make,
        plain=plain,
        clip=clip,
        shape=(1, 4, 133),
        layout="coco_wholebody",
        point="nose",
        where=(0, 3),
        options=HD,
        clips=clips,
    )


KINDS = (
    _kind(
        "zip",
        "`.zip` of files of any of these kinds, in folders",
        "all.zip",
        lambda: zipped({"a/v1.npy": _array(1), "b/v2.npy": _array(2)}),
        lambda data: _nose(member(data, "b/v2.npy")),
        clip="v2",
        clips=2,
    ),
    _kind(
        "zip",
        "`.zip` in a `.zip`, one level deep",
        "all.zip",
        lambda: zipped({"part1.zip": zipped({"v1.npy": _array(3)})}),
        lambda data: _nose(member(member(data, "part1.zip"), "v1.npy")),
    ),
    _kind(
        "Windows Explorer",
        "`.zip` of names in CP949, which it does not declare",
        "all.zip",
        _windows_zip,
        lambda data: _nose(_only_member(data)),
        clip="안녕",
    ),
    _kind(
        "tar",
        "`.tar.bz2`, and `.gz`, `.xz`, `.zst`",
        "all.tar.bz2",
        lambda: bz2.compress(tarred({"v1.npy": _array(4)})),
        lambda data: _nose(bz2.decompress(data)[512 : 512 + len(_array(4))]),
    ),
    _kind(
        "gzip",
        "`.npy.gz`, one compressed file",
        "v1.npy.gz",
        lambda: gzip.compress(_array(6)),
        lambda data: _nose(gzip.decompress(data)),
    ),
    _kind(
        "xz",
        "`.npy.xz`, one compressed file",
        "v1.npy.xz",
        lambda: lzma.compress(_array(7)),
        lambda data: _nose(lzma.decompress(data)),
    ),
    _kind(
        "zstd",
        "`.npy.zst`, one compressed file",
        "v1.npy.zst",
        lambda: zstandard.compress(_array(8)),
        lambda data: _nose(zstandard.decompress(data)),
    ),
    Kind(
        tool="PYSKL",
        file="`.pkl.gz`, a compressed pickle",
        score="`keypoint_score`",
        filename="own.pkl.gz",
        make=lambda: gzip.compress(pickle.dumps([annotation("v1", 3)])),
        plain=lambda data: _clip_point(gzip.decompress(data)),
        clip="v1",
        shape=(2, 5, 17),
        layout="coco17",
        point="left_eye",
        where=(1, 1),
        img_shape=(1080, 1920),
    ),
)


def _clip_point(data: bytes) -> Point:
    [clip] = pickle.loads(data)
    x, y = clip["keypoint"][1, 1, 1]
    return float(x), float(y), float(clip["keypoint_score"][1, 1, 1])

"""HDF5 files of DeepLabCut and SLEAP; and those that would open other files, or unpickle what they like."""

import io
import random
from pathlib import Path

import h5py
import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import InputError, LimitError
from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import DATA, HD
from tests.pose.readers.test_deeplabcut import MISSING, POINTS, TRACKERS, expected


def written(write) -> bytes:
    """An HDF5 file in memory."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getvalue()


def analysis(tracks, **more) -> bytes:
    """SLEAP's analysis file of tracks [M, 2, V, T] and other datasets."""

    def write(file: h5py.File) -> None:
        names = [f"point {i}".encode() for i in range(tracks.shape[2])]
        for name, data in {"tracks": tracks, "node_names": np.array(names), **more}.items():
            if data is not None:
                file.create_dataset(name, data=data)

    return written(write)


TRACKS = np.arange(2 * 2 * 3 * 4, dtype=float).reshape(2, 2, 3, 4) + 1


@pytest.mark.parametrize(
    ("file", "persons"),
    [("two_table.h5", 2), ("one_fixed.h5", 1), ("sleap.analysis.h5", 2), ("sleap_standard.analysis.h5", 2)],
)
def test_positions_scores_and_names(file, persons):
    [clip] = read((TRACKERS / file).read_bytes(), filename=file, options=HD)
    keypoint, score = expected(persons, MISSING if persons == 2 else ())
    np.testing.assert_array_equal(clip.keypoint, keypoint)
    np.testing.assert_array_equal(clip.keypoint_score, score)
    assert clip.layout.points == POINTS
    assert clip.frame_dir == file.removesuffix(".h5")


def test_the_edges_of_sleap_are_limbs():
    [clip] = read((TRACKERS / "sleap.analysis.h5").read_bytes(), options=HD)
    assert clip.layout.limbs == ((0, 1), (0, 2))


def test_older_analysis_files_without_scores_and_edges():
    tracks = TRACKS.copy()
    tracks[1, :, 2, 3] = np.nan
    [clip] = read(analysis(tracks), options=HD)
    assert clip.keypoint[1, 2, 1].tolist() == [tracks[1, 0, 1, 2], tracks[1, 1, 1, 2]]
    assert clip.keypoint_score[1].tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0]]
    assert clip.layout.points == ("point_0", "point_1", "point_2")


def test_without_h5py_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("heatsvc.pose.readers.hdf5.find_spec", lambda name: None)
    with pytest.raises(PoseError, match=r"reading HDF5 files needs h5py: pip install 'heatsvc\[hdf5\]'"):
        read(analysis(TRACKS), options=HD)


def test_a_sleap_project_is_refused_with_what_to_do():
    def write(file: h5py.File) -> None:
        for name in ("frames", "instances", "metadata"):
            file.create_group(name)

    with pytest.raises(PoseError, match=r"a SLEAP project \(\.slp\) is not supported: export its predictions"):
        read(written(write), options=HD)


def test_another_hdf5_file_is_refused():
    with pytest.raises(PoseError, match="neither a table of DeepLabCut nor tracks of SLEAP: save the array"):
        read(written(lambda file: file.create_dataset("poses", data=TRACKS)), options=HD)


# --- hostile files ---


def link_out(file: h5py.File, other: Path) -> None:
    file["tracks"] = h5py.ExternalLink(str(other), "tracks")


def virtual(file: h5py.File, other: Path) -> None:
    layout = h5py.VirtualLayout(TRACKS.shape, float)
    layout[:] = h5py.VirtualSource(str(other), "tracks", TRACKS.shape)
    file.create_virtual_dataset("tracks", layout)


def external(file: h5py.File, other: Path) -> None:
    file.create_dataset("tracks", TRACKS.shape, float, external=[(str(other), 0, TRACKS.nbytes)])


@pytest.mark.parametrize(
    ("lead_out", "said"),
    [
        (link_out, "'tracks' is a link in the HDF5 file, which is not followed"),
        (virtual, "the numbers of 'tracks' are in another file: copy them into this one"),
        (external, "the numbers of 'tracks' are in another file: copy them into this one"),
    ],
)
def test_no_other_file_is_opened(tmp_path, lead_out, said):
    other = tmp_path / "other.h5"
    other.write_bytes(analysis(TRACKS))

    def write(file: h5py.File) -> None:
        lead_out(file, other)
        file.create_dataset("node_names", data=np.array([b"a", b"b", b"c"]))

    data = written(write)
    # h5py itself reads the other file.
    (tmp_path / "sent.h5").write_bytes(data)
    with h5py.File(tmp_path / "sent.h5") as file:
        assert file["tracks"][()].tobytes() == (
            other.read_bytes()[: TRACKS.nbytes] if external is lead_out else TRACKS.tobytes()
        )
    with pytest.raises(PoseError, match=said):
        read(data, options=HD)


def test_a_table_whose_columns_are_a_harmful_pickle_is_refused(tmp_path):
    """pandas unpickles this attribute, whatever it is."""
    mark = tmp_path / "created"
    harmful = f"cos\nmkdir\n(V{mark}\ntR.".encode()

    def write(file: h5py.File) -> None:
        rows = np.zeros(2, [("index", "<i8"), ("values_block_0", "<f8", (3,))])
        table = file.create_dataset("df_with_missing/table", data=rows)
        table.attrs["values_block_0_kind"] = np.bytes_(harmful)

    with pytest.raises(PoseError, match=r"os\.mkdir"):
        read(written(write), options=HD)
    assert not mark.exists()


def test_pickled_values_are_refused(tmp_path):
    def write(file: h5py.File) -> None:
        values = file.create_dataset("df_with_missing/block0_values", (1,), h5py.vlen_dtype(np.uint8))
        values[0] = np.frombuffer(b"cos\nsystem\n.", np.uint8)

    with pytest.raises(PoseError, match="must be numbers of 2 axes"):
        read(written(write), options=HD)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        # Nothing of them is stored: they are 4 KB on disk.
        (
            lambda f: f.create_dataset("tracks", (1, 2, 3, 10**9), float, chunks=(1, 2, 3, 1000)),
            "bytes of numbers are too",
        ),
        (lambda f: f.create_dataset("tracks", (1, 2, 3, 10_001), "f4"), "10,001 frames are too many"),
        (lambda f: f.create_dataset("tracks", (65, 2, 3, 5), "f4"), "65 persons are too many"),
        (
            lambda f: f.create_dataset("tracks", (1, 2, 3, 4), "f4", maxshape=(None,) * 4, chunks=(1, 2, 3, 10**8)),
            "bytes of numbers are too many",
        ),
    ],
)
def test_sizes_are_checked_before_anything_is_read(write, said):
    def both(file: h5py.File) -> None:
        write(file)
        file.create_dataset("node_names", data=np.array([b"a", b"b", b"c"]))

    data = written(both)
    assert len(data) < 1 << 20
    with pytest.raises(LimitError, match=said):
        read(data, options=HD)


def test_a_compressed_bomb_is_held_to_the_bounds():
    data = data_with_names(np.zeros((1, 2, 3, 10_000)))
    assert len(data) < 20_000
    with pytest.raises(LimitError, match="480,000 bytes of numbers are too many"):
        read(data, options=ReadOptions((480, 640), bounds=Bounds(max_unpacked_bytes=400_000)))


def data_with_names(tracks) -> bytes:
    def write(file: h5py.File) -> None:
        file.create_dataset("tracks", data=tracks, compression="gzip")
        file.create_dataset("node_names", data=np.array([b"a", b"b", b"c"]))

    return written(write)


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (lambda: analysis(TRACKS[:0]), NoKeypointsError, "no persons, frames or points"),
        (
            lambda: analysis(TRACKS[:, :1]),
            PoseError,
            r"tracks has \[tracks, frames, nodes, x and y\] \[2, 4, 3, 1\]",
        ),
        (
            lambda: analysis(TRACKS, node_names=np.array([b"a"])),
            PoseError,
            r"\[2, 4, 3, 2\], but node_names has 1 names",
        ),
        (lambda: analysis(TRACKS, node_names=np.arange(3)), PoseError, "'node_names' must be a list of names"),
        (lambda: analysis(TRACKS, point_scores=TRACKS[0, :, :2]), PoseError, "point_scores is .*: it must be"),
        (lambda: analysis(TRACKS, edge_inds=np.array([[0, 7]])), InputError, "a limb of points 0 and 7"),
        (lambda: analysis(TRACKS, edge_inds=np.array([[0, 1, 2]])), PoseError, "edge_inds must be pairs of nodes"),
    ],
)
def test_what_does_not_fit_is_refused(data, error, said):
    with pytest.raises(error, match=said):
        read(data(), options=HD)


@pytest.mark.parametrize("file", ["two_table.h5", "sleap.analysis.h5"])
def test_whatever_the_bytes_only_input_errors_are_raised(file):
    data = (DATA / "trackers" / file).read_bytes()
    rng = random.Random(file)
    bent = [data[: len(data) * i // 4] for i in range(1, 4)]
    for _ in range(9):
        flipped = bytearray(data)
        for _ in range(8):
            flipped[rng.randrange(8, len(data) if rng.random() < 0.5 else 4000)] = rng.choice((0, 1, 0x7F, 0xFF))
        bent.append(bytes(flipped))
    read_or_refused = 0
    for each in bent:
        try:
            read_or_refused += len(read(each, options=HD))
        except InputError as error:
            read_or_refused += bool(error.detail)
    assert read_or_refused == len(bent)

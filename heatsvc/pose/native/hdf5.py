"""HDF5 files of DeepLabCut and SLEAP. Runs in a child process: libhdf5 trusts the sizes and addresses in a file.

Only the items named here are opened, and only after their link and storage were checked: links to other files, virtual
datasets and external storage would read files of this machine. Sizes are checked before numbers are read. pandas stores
the names of its columns as a pickle, which heatsvc's safe unpickler reads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from heatsvc.bounds import Bounds
from heatsvc.pose.errors import NoKeypointsError, PoseError
from heatsvc.pose.native import TABLE, TRACKS
from heatsvc.pose.unpickle import unpickle

# For other filters, HDF5 would search the machine for plugins.
_FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)
_MAX_GROUPS, _MAX_BLOCKS, _MAX_LEVELS, _MAX_NAME_BYTES, _MAX_ATTRIBUTE_BYTES = 16, 16, 8, 400, 1 << 22
# DeepLabCut's name for its table.
_KEY = "df_with_missing"
# As SLEAP's analysis files have them, unless an attribute `dims` says otherwise.
_TRACK_AXES, _SCORE_AXES = ("track", "xy", "node", "frame"), ("track", "node", "frame")


@dataclass(frozen=True, slots=True)
class HDF5Reader:
    """Reads one file; see `heatsvc.pose.native.read_hdf5`."""

    bounds: Bounds
    file: str | None

    def read(self, data: bytes) -> tuple[Any, ...]:
        """The numbers of the file, as plain values."""
        with h5py.File(BytesIO(data), "r") as opened:
            return self._read(opened)

    def _read(self, root: h5py.Group) -> tuple[Any, ...]:
        keys = self._keys(root)
        if {"tracks", "node_names"} <= set(keys):
            return self._tracks(root)
        if {"frames", "instances", "metadata"} <= set(keys):
            raise self._error(
                "a SLEAP project (.slp) is not supported: export its predictions as an analysis file "
                "(sleap-convert --format analysis, or sleap_io.save_analysis_h5)"
            )
        for key in sorted(keys, key=lambda key: key != _KEY):
            group = root[key] if isinstance(root.get(key, getlink=True), h5py.HardLink) else None
            if isinstance(group, h5py.Group):
                found = set(self._keys(group))
                if "table" in found:
                    return self._result(*self._frame_table(group))
                if "block0_values" in found:
                    return self._result(*self._fixed_frame(group))
        raise self._error(
            "the HDF5 file has neither a table of DeepLabCut nor tracks of SLEAP: save the array [T, V, 3] of x, y "
            "and score as .npy (numpy.save)"
        )

    def _error(self, text: str) -> PoseError:
        return PoseError(text, file=self.file)

    def _keys(self, group: h5py.Group) -> list[str]:
        """Names in a group; iterating does not follow links."""
        keys = []
        for key in group:
            keys.append(key)
            if len(keys) > _MAX_GROUPS * _MAX_BLOCKS:
                break
        return keys

    def _dataset(self, group: h5py.Group, name: str) -> h5py.Dataset:
        """A dataset whose numbers are in this file, and whose size is within the bounds."""
        link = group.get(name, getlink=True)
        if link is None:
            raise self._error(f"the HDF5 file has no {name!r:.60}")
        if not isinstance(link, h5py.HardLink):
            raise self._error(f"{name!r:.60} is a link in the HDF5 file, which is not followed: copy its target")
        dataset = group[name]
        if not isinstance(dataset, h5py.Dataset):
            raise self._error(f"{name!r:.60} in the HDF5 file is not a dataset")
        storage = dataset.id.get_create_plist()
        if storage.get_layout() == h5py.h5d.VIRTUAL or storage.get_external_count():
            raise self._error(f"the numbers of {name!r:.60} are in another file: copy them into this one")
        for i in range(storage.get_nfilters()):
            if storage.get_filter(i)[0] not in _FILTERS:
                raise self._error(
                    f"{name!r:.60} is compressed with an unsupported filter: write it with gzip, or uncompressed"
                )
        if dataset.shape is None:
            raise self._error(f"{name!r:.60} is empty")
        for shape in (dataset.shape, dataset.chunks or ()):
            self._check_bytes(math.prod(shape) * dataset.dtype.itemsize)
        return dataset

    def _check_bytes(self, size: int) -> None:
        self.bounds.check("max_unpacked_bytes", size, "bytes of numbers", file=self.file)

    def _numbers(self, dataset: h5py.Dataset, axes: int) -> npt.NDArray[Any]:
        if dataset.dtype.kind not in "fiu" or dataset.dtype.itemsize > 8 or len(dataset.shape) != axes:
            raise self._error(
                f"{dataset.name!r:.60} must be numbers of {axes} axes, not {list(dataset.shape)} of "
                f"{dataset.dtype!s:.40}"
            )
        return np.asarray(dataset[()])

    def _texts(self, group: h5py.Group, name: str) -> list[str]:
        """A dataset [N] of fixed or variable length."""
        dataset = self._dataset(group, name)
        is_text = dataset.dtype.kind == "S" or h5py.check_string_dtype(dataset.dtype) is not None
        if not is_text or len(dataset.shape) != 1:
            raise self._error(f"{name!r:.60} must be a list of names")
        self.bounds.check("max_keypoints", dataset.shape[0], "names", file=self.file)
        return [self._text(value) for value in dataset[()].tolist()]

    def _text(self, value: object) -> str:
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str) or len(value) > _MAX_NAME_BYTES:
            raise self._error(f"a name in the HDF5 file is not text, or longer than {_MAX_NAME_BYTES} letters")
        return value

    def _attribute(self, item: h5py.HLObject, name: str) -> object:
        """An attribute's number or text; None if there is none."""
        if name not in item.attrs:
            return None
        found = item.attrs.get_id(name)
        if found.shape != () or found.dtype.itemsize > _MAX_ATTRIBUTE_BYTES:
            raise self._error(f"the attribute {name!r:.60} must be a single value")
        value = item.attrs[name]
        return value.item() if isinstance(value, np.generic) else value

    # --- pandas ---

    def _frame_table(self, group: h5py.Group) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """Columns and values of pandas' format `table`: rows of an index and blocks of values."""
        table = self._dataset(group, "table")
        columns: list[list[str]] = []
        blocks: list[npt.NDArray[np.float32]] = []
        if table.dtype.names is None or len(table.shape) != 1:
            raise self._error("the table in the HDF5 file has no columns")
        self.bounds.check("max_frames", table.shape[0], "frames", file=self.file)
        for name in table.dtype.names:
            kind = table.dtype[name]
            if not name.startswith("values_block_") or kind.base.kind not in "fiu" or len(kind.shape) != 1:
                continue
            if len(blocks) >= _MAX_BLOCKS:
                raise self._error(f"the table has more than {_MAX_BLOCKS} blocks of values")
            block = np.asarray(table.fields(name)[()])
            found = self._pickled_columns(table, f"{name}_kind")
            if len(found) != block.shape[1]:
                raise self._error(f"{name!r:.40} has {block.shape[1]} columns, but {len(found)} names")
            columns += found
            blocks.append(_float32(block))
        return columns, np.concatenate(blocks, axis=1) if blocks else np.zeros((0, 0), np.float32)

    def _pickled_columns(self, table: h5py.Dataset, attribute: str) -> list[list[str]]:
        pickled = self._attribute(table, attribute)
        if isinstance(pickled, str):
            pickled = pickled.encode()
        if not isinstance(pickled, bytes):
            raise self._error(f"the table in the HDF5 file has no names of columns ({attribute:.40})")
        content = unpickle(pickled, bounds=self.bounds, file=self.file)
        if not isinstance(content, list):
            raise self._error(f"{attribute:.40} must be a list of columns")
        return [[self._text(level) for level in self._levels(column)] for column in content]

    def _levels(self, column: object) -> Iterator[object]:
        if not isinstance(column, tuple) or len(column) > _MAX_LEVELS:
            raise self._error(
                "the columns of the table must be named by scorer, bodyparts and coords, as in DeepLabCut"
            )
        yield from column

    def _fixed_frame(self, group: h5py.Group) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """Columns and values of pandas' format `fixed`: blocks [T, C], the names of their columns level by level."""
        keys = set(self._keys(group))
        columns: list[list[str]] = []
        blocks = []
        for block in range(_MAX_BLOCKS):
            if f"block{block}_values" not in keys:
                break
            dataset = self._dataset(group, f"block{block}_values")
            values = self._numbers(dataset, 2)
            # pandas' own array is [C, T].
            values = values if self._attribute(dataset, "transposed") else values.T
            self.bounds.check("max_frames", values.shape[0], "frames", file=self.file)
            levels = []
            for level in range(_MAX_LEVELS):
                prefix = f"block{block}_items"
                if f"{prefix}_level{level}" not in keys:
                    break
                names = self._texts(group, f"{prefix}_level{level}")
                codes = self._numbers(self._dataset(group, f"{prefix}_label{level}"), 1)
                if len(codes) != values.shape[1] or not all(0 <= code < len(names) for code in codes.tolist()):
                    raise self._error(f"the names of the columns of block {block} are damaged in the HDF5 file")
                levels.append([names[code] for code in codes.tolist()])
            columns += ([level[i] for level in levels] for i in range(values.shape[1]))
            blocks.append(_float32(values))
        return columns, np.concatenate(blocks, axis=1)

    def _result(self, columns: list[list[str]], values: npt.NDArray[np.float32]) -> tuple[Any, ...]:
        return TABLE, columns, len(values), values.tobytes()

    # --- SLEAP ---

    def _tracks(self, root: h5py.Group) -> tuple[Any, ...]:
        """SLEAP's analysis file: https://docs.sleap.ai/latest/formats/analysis/ ."""
        names = self._texts(root, "node_names")
        tracks = self._dataset(root, "tracks")
        persons, frames = self._sizes(root, tracks, len(names))
        xy = self._in_order(root, tracks, _TRACK_AXES, ("track", "frame", "node", "xy"))
        if xy.shape != (persons, frames, len(names), 2):
            raise self._error(
                f"tracks has [tracks, frames, nodes, x and y] {list(xy.shape)}, but node_names has {len(names)} names"
            )
        score = np.where(np.isfinite(xy).all(axis=-1), np.float32(1), np.float32(0))
        if root.get("point_scores", getlink=True) is not None:
            scores = self._dataset(root, "point_scores")
            given = self._in_order(root, scores, _SCORE_AXES, ("track", "frame", "node"))
            if given.shape != score.shape:
                raise self._error(f"point_scores is {list(given.shape)}: it must be {list(score.shape)}")
            score = given
        limbs: list[list[int]] = []
        if root.get("edge_inds", getlink=True) is not None:
            edges = self._dataset(root, "edge_inds")
            self.bounds.check("max_keypoints", edges.shape[0] if edges.shape else 0, "limbs", file=self.file)
            if edges.size:
                if edges.shape[1:] != (2,):
                    raise self._error(f"edge_inds must be pairs of nodes, not {list(edges.shape)}")
                limbs = self._numbers(edges, 2).astype(np.int64).tolist()
        return TRACKS, names, limbs, [persons, frames, len(names)], xy.tobytes(), score.tobytes()

    def _sizes(self, root: h5py.Group, tracks: h5py.Dataset, names: int) -> tuple[int, int]:
        axes = self._axes(root, tracks, _TRACK_AXES)
        if len(tracks.shape) != len(axes):
            raise self._error(f"tracks must have 4 axes ({', '.join(axes)}), not {list(tracks.shape)}")
        persons, frames = (tracks.shape[axes.index(axis)] for axis in ("track", "frame"))
        if not persons or not frames or not names:
            raise NoKeypointsError("the HDF5 file has no persons, frames or points", file=self.file)
        self.bounds.check("max_persons", persons, "persons", file=self.file)
        self.bounds.check("max_frames", frames, "frames", file=self.file)
        return persons, frames

    def _axes(self, root: h5py.Group, dataset: h5py.Dataset, axes: tuple[str, ...]) -> tuple[str, ...]:
        """The dataset's axes, as it declares them or by default."""
        dims = self._attribute(dataset, "dims")
        if dims is None:
            # An older option of SLEAP's export.
            return axes if self._attribute(root, "transpose") in (None, True, 1) else axes[::-1]
        named = json.loads(dims) if isinstance(dims, str | bytes) else None
        if not isinstance(named, list) or sorted(map(str, named)) != sorted(axes):
            raise self._error(f"the axes of {dataset.name!r:.60} must be {', '.join(axes)}, not {dims!r:.80}")
        return tuple(named)

    def _in_order(
        self, root: h5py.Group, dataset: h5py.Dataset, default: tuple[str, ...], wanted: tuple[str, ...]
    ) -> npt.NDArray[np.float32]:
        axes = self._axes(root, dataset, default)
        numbers = self._numbers(dataset, len(axes))
        return np.ascontiguousarray(_float32(numbers).transpose([axes.index(axis) for axis in wanted]))


def _float32(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values, np.float32)

"""Whatever a label file holds, reading it gives labels or an error that names it, and never another exception."""

from __future__ import annotations

import json
import time
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels import workbook
from heatsvc.child import run_in_child
from heatsvc.errors import LimitError
from tests.annotation.labels.files import CSV_2017, LABEL_JSON, WORKBOOK_2017, labels_of, write
from tests.examples import examples

SEEDS = [CSV_2017.path.read_bytes(), LABEL_JSON.path.read_bytes(), b"a,1\nb,2\n", b"label,label_index\nyes,0\n"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["label", "label_index", "signer"]), inner, max_size=3)
    ),
    max_leaves=12,
)


def read(folder: Path, data: bytes) -> None:
    # A file of labels that are read is as good as one that is refused.
    with suppress(AnnotationError, LimitError):
        labels_of(write(folder, "a", data))


@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    read(tmp_path, data)


@examples(200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.sampled_from(SEEDS), at=st.integers(0, 2000), cut=st.integers(0, 20), put=st.binary(max_size=20))
def test_files_changed_somewhere(tmp_path: Path, seed: bytes, at: int, cut: int, put: bytes) -> None:
    at %= len(seed)
    read(tmp_path, seed[:at] + put + seed[at + cut :])


@examples(200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
def test_any_json(tmp_path: Path, document: Any) -> None:
    read(tmp_path, json.dumps(document).encode())


@examples(200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.lists(
            st.sampled_from(["", "name", "label", "label_index", "a", "b/a", "1", "-1", "10.0", "합계"]), max_size=4
        ),
        max_size=6,
    )
)
def test_any_table(tmp_path: Path, rows: list[list[str]]) -> None:
    read(tmp_path, "\n".join(map(",".join, rows)).encode())


@examples(100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_workbooks_changed_somewhere(tmp_path: Path, monkeypatch_child: None, data: st.DataObject) -> None:
    parts = _parts(WORKBOOK_2017.path.read_bytes())
    name = data.draw(st.sampled_from(sorted(parts)))
    part = parts[name]
    at, cut = data.draw(st.integers(0, len(part) - 1)), data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=20) | st.sampled_from([b'r="XFD9"', b"<c/>", b"</row>", b"<v>1e999</v>"]))
    read(tmp_path, _packed({**parts, name: part[:at] + put + part[at + cut :]}))


@pytest.fixture
def monkeypatch_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: a hundred children take long. What only a child survives has tests of its own."""

    def here(function: Any, *args: Any, **bounds: Any) -> Any:
        return function(*args)

    assert workbook.run_in_child is run_in_child  # type: ignore[attr-defined]
    monkeypatch.setattr(workbook, "run_in_child", here)


def _parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(parts: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def test_a_table_of_one_video_alone(tmp_path: Path) -> None:
    rows = "".join(f"a,x,{number}\n" for number in range(100_000))
    started = time.process_time()
    (row,) = labels_of(write(tmp_path, "a.csv", f"name,label,take\n{rows}")).rows
    assert len(row.texts("take")) == 100_000
    assert time.process_time() - started < 10


def test_names_that_lie_too_deep(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="has 41 folders: 32 at most"):
        labels_of(write(tmp_path, "a.csv", f"name,label\n{'a/' * 40}b,x\n"))

"""POST /annotation: the form, and the formats of the response."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from heatsvc.annotation.artifacts import MEDIA_TYPES
from tests.api.annotation.conftest import Bench
from tests.api.annotation.forms import dataset, form, part
from tests.api.client import JSON, Response
from tests.live.server import until
from tests.pose.readers.samples import tarred, zipped

PICKLE = "application/x-pickle"
ZIP = "application/zip"


def received(response: Response) -> dict[str, object]:
    """What the worker of these tests received."""
    assert response.status == 200, response.wire[:500]
    return json.loads(response.wire.partition(b"\n")[0])  # type: ignore[no-any-return]


def test_the_pickle_is_the_default_response(bench: Bench):
    response = bench.send(dataset())
    assert response.status == 200
    assert response.headers["content-type"] == PICKLE
    assert response.headers["content-disposition"] == 'attachment; filename="annotations.pkl"'
    assert int(response.headers["content-length"]) == len(response.wire) > 1_000_000


def test_the_response_links_to_its_build(bench: Bench):
    response = bench.send(dataset())
    build = response.headers["link"].removeprefix("<").removesuffix('>; rel="describedby"')
    assert bench.client.get(build).json()["state"] == "done"
    assert response.headers["content-location"] == f"{build}/files/annotations.pkl"
    assert bench.client.get(response.headers["content-location"]).wire == response.wire


def test_all_parts_keep_the_client_s_file_names(bench: Bench):
    sent = form(
        part("keypoints", b"one", "KETI_SL_0000000001.avi.npy"),
        part("keypoints", b"two", "폴더/../../둘.npy"),
        part("labels", b"a,0", "l1.csv"),
        part("labels", b"b,1", 'l"2.csv'.replace('"', "%22")),
        part("split", b"{}", "split.json"),
        part("trim", b"{}", "trim.json"),
        part("trim", b"{}"),
        part("options", b'{"dtype": "float32", "types": ["\xeb\x8b\xa8\xec\x96\xb4"]}'),
    )
    assert received(bench.send(sent)) == {
        "keypoints": {"KETI_SL_0000000001.avi.npy": "one", "폴더/../../둘.npy": "two"},
        "labels": {"l1.csv": "a,0", 'l"2.csv': "b,1"},
        "split": ["split.json"],
        "trim": ["trim", "trim.json"],
        "folder": None,
        "options": {"dtype": "float32", "types": ["단어"]},
        "check": False,
    }


def test_labels_may_be_in_an_archive_of_keypoints_or_beside_them(bench: Bench):
    """AIHub's morpheme.json files; whether they are there the build finds."""
    archive = zipped({"v_morpheme.json": b"{}", "v_000000000000_keypoints.json": b"{}"})
    for sent in (archive, gzip.compress(archive), tarred({"v_morpheme.json": b"{}"})):
        assert list(received(bench.send(form(part("keypoints", sent, "all"))))["keypoints"]) == ["all"]
    single = received(bench.send(form(part("keypoints", b"{}", "v_morpheme.json"))))
    assert (list(single["keypoints"]), single["labels"]) == (["v_morpheme.json"], {})


def test_file_contents_are_kept_byte_for_byte(bench: Bench):
    """Also where they look like the form's own lines."""
    odd = b"\r\n--\r\n------form7MA4YWxkTrZu0g\r\n\r\n-" + bytes(range(256)) * 9000 + b"\r\n"
    assert received(bench.send(dataset(keypoints={"odd": odd})))["keypoints"] == {"odd": odd.decode("latin-1")}


def test_form_fields_without_a_file_are_ignored(bench: Bench):
    sent = form(
        part("keypoints", b"x1", "a.npy"),
        part("labels", b"a,0", "l.csv"),
        part("split", b"", ""),
        part("trim", b"", ""),
    )
    response = received(bench.send(sent))
    assert (response["split"], response["trim"]) == ([], [])


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", PICKLE),
        ("application/*", PICKLE),
        (PICKLE, PICKLE),
        ("application/octet-stream", PICKLE),
        (ZIP, ZIP),
        (JSON, JSON),
        (f"{PICKLE};q=0.1, {JSON};q=0.5", JSON),
        (f"{PICKLE};q=0, */*;q=0.1, {ZIP}", ZIP),
    ],
)
def test_accept_chooses_the_response_s_media_type(bench: Bench, accept: str, media_type: str):
    response = bench.send(dataset(), accept=accept)
    assert (response.status, response.headers["content-type"]) == (200, media_type)
    assert "Accept" in response.headers["vary"]


def test_the_bundle_contains_every_artifact(bench: Bench):
    response = bench.send(dataset(), accept=ZIP)
    with zipfile.ZipFile(io.BytesIO(response.wire)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [name for name in MEDIA_TYPES if not name.startswith("report")] + [
            "report.json",
            "report.html",
        ]
        assert archive.read("label_map.csv") == b"label_map.csv"
        assert json.loads(archive.comment) == {"software": "a fake"}  # as in report.json
    again = bench.client.get(response.headers["content-location"])
    assert (again.wire, again.headers["etag"]) == (response.wire, response.headers["etag"])


def test_every_link_of_the_document_exists(bench: Bench):
    document = bench.send(dataset(), accept=JSON).json()
    assert document["state"] == "done"
    assert [artifact["media_type"] for artifact in document["artifacts"]][:1] == [PICKLE]
    for href in (*(artifact["href"] for artifact in document["artifacts"]), *document["links"].values()):
        assert bench.client.request("GET", href).status == 200, href


def test_the_same_input_is_built_once(bench: Bench):
    files = {"a.npy": b"same a", "b.npy": b"same b"}
    before = len(bench.worker.built)
    first = bench.send(dataset(keypoints=files), accept=JSON).json()
    other_way_round = dataset(keypoints=dict(reversed(files.items())))
    assert bench.send(other_way_round, accept=JSON).json() == first
    assert bench.send(dataset(options={"dtype": "float16"}, keypoints=files), accept=JSON).json()["id"] == first["id"]
    assert len(bench.worker.built) == before + 1


@pytest.mark.parametrize(
    "other",
    [
        dataset(keypoints={"a.npy": b"other bytes"}),
        dataset(keypoints={"b.npy": b"like no other"}),
        dataset("other.csv", keypoints={"a.npy": b"like no other"}),
        dataset(options={"dtype": "float32"}, keypoints={"a.npy": b"like no other"}),
        dataset("labels.csv", None, part("split", b"{}", "s.json"), keypoints={"a.npy": b"like no other"}),
    ],
)
def test_a_request_that_differs_in_anything_is_another_build(bench: Bench, other: object):
    first = bench.send(dataset(keypoints={"a.npy": b"like no other"}), accept=JSON).json()
    second = bench.send(other, accept=JSON).json()  # type: ignore[arg-type]
    assert second["id"] != first["id"]


def test_the_order_of_splits_in_a_rule_counts(bench: Bench):
    """The pickle's splits stand in that order."""
    ids = {
        bench.send(dataset(options={"split": {"signer": rule}}, keypoints={"a": b"rule"}), accept=JSON).json()["id"]
        for rule in ({"train": ">1", "test": "<=1"}, {"test": "<=1", "train": ">1"})
    }
    assert len(ids) == 2


def test_nothing_of_an_upload_stays_once_it_is_built(bench: Bench):
    document = bench.send(dataset(), accept=JSON).json()
    assert bench.left() == []
    until(lambda: not (bench.data_dir / "builds" / document["id"] / "uploads").exists())


def test_an_input_error_is_a_problem(bench: Bench):
    problem = bench.send(dataset("broken")).problem(422)
    assert problem["detail"] == "the label in row 3 is empty: give one"
    assert (problem["field"], problem["file"]) == ("labels", "broken")
    assert bench.client.get(problem["build"]).json()["state"] == "failed"


def test_faults_are_counted_by_kind_and_the_report_is_linked(bench: Bench):
    problem = bench.send(dataset("faulty")).problem(422)
    assert problem["faults"]["no_file"]["count"] == 7
    assert [fault["name"] for fault in problem["faults"]["no_file"]["first"]] == [f"video{i}" for i in range(5)]
    assert bench.client.get(problem["report"]).json()["faults"][0]["count"] == 7


def test_an_internal_error_is_a_500_without_details(bench: Bench):
    problem = bench.send(dataset("bug")).problem(500)
    assert "secret" not in json.dumps(problem)


def test_an_api_key_is_required(set_up: Callable[..., Bench]):
    bench = set_up(api_keys="open-sesame")
    bench.send(dataset()).problem(401)
    for path in ("/annotation", "/annotation/" + "0" * 32):
        bench.client.get(path).problem(401)
    assert bench.left() == []
    assert bench.send(dataset(), authorization="Bearer open-sesame").status == 200


class TestCheck:
    """POST /annotation/check builds nothing."""

    def test_the_report_is_the_response(self, bench: Bench):
        response = bench.send(dataset(), "/annotation/check")
        assert (response.status, response.headers["content-type"]) == (200, JSON)
        assert response.json() == {"faults": [], "clips": 3, "provenance": {"software": "a fake"}}
        assert bench.worker.built[-1]["check"] is True

    def test_the_page_is_sent_for_accept_html(self, bench: Bench):
        response = bench.send(dataset(), "/annotation/check", accept="text/html,application/xhtml+xml,*/*;q=0.8")
        assert (response.status, response.wire) == (200, b"<!doctype html><p>report")
        assert "script-src" not in response.headers["content-security-policy"]
        assert response.headers["content-disposition"].startswith("inline")

    def test_faults_are_reported_with_200(self, bench: Bench):
        response = bench.send(dataset("faulty"), "/annotation/check")
        assert response.status == 200
        assert response.json()["faults"][0]["count"] == 7

    def test_unreadable_labels_are_a_problem(self, bench: Bench):
        bench.send(dataset("broken"), "/annotation/check").problem(422)

    def test_it_is_another_build_than_that_of_the_pickle(self, bench: Bench):
        sent = dataset()
        bench.send(sent, "/annotation/check")
        assert bench.send(sent).headers["content-type"] == PICKLE


class TestDatasets:
    """The option dataset: a folder that the operator has mounted."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for name in ("KETI/Keypoints-MMPOSE", "KETI/Keypoints-removal", "other"):
            (tmp_path / "datasets" / name).mkdir(parents=True)
        (tmp_path / "datasets/KETI/Keypoints-MMPOSE/a.npy").write_bytes(b"1")
        (tmp_path / "outside").mkdir()
        (tmp_path / "datasets/out").symlink_to(tmp_path / "outside")
        return tmp_path / "datasets"

    def create(self, bench: Bench, name: str) -> Response:
        return bench.send(dataset(options={"dataset": name}, keypoints={}), accept=JSON)

    def test_a_build_reads_its_folder(self, set_up: Callable[..., Bench], root: Path):
        bench = set_up(datasets_dir=root)
        bench.worker.datasets = root
        assert self.create(bench, "KETI/Keypoints-MMPOSE").json()["state"] == "done"
        assert bench.worker.built[-1]["folder"] == "Keypoints-MMPOSE"

    def test_a_changed_file_makes_another_build(self, set_up: Callable[..., Bench], root: Path):
        bench = set_up(datasets_dir=root)
        bench.worker.datasets = root
        first, again = (self.create(bench, "KETI/Keypoints-MMPOSE").json()["id"] for _ in range(2))
        (root / "KETI/Keypoints-MMPOSE/a.npy").write_bytes(b"22")
        assert self.create(bench, "KETI/Keypoints-MMPOSE").json()["id"] != first == again

    @pytest.mark.parametrize("name", ["../outside", "/etc", "out", "KETI/../../outside", "a\0b", "KETI/none"])
    def test_no_name_leads_outside(self, set_up: Callable[..., Bench], root: Path, name: str):
        bench = set_up(datasets_dir=root)
        assert self.create(bench, name).problem(422)["field"] == "dataset"
        assert bench.left() == []

    def test_the_message_suggests_names(self, set_up: Callable[..., Bench], root: Path):
        bench = set_up(datasets_dir=root)
        detail = self.create(bench, "KETI/Keypoint").problem(422)["detail"]
        assert "KETI/Keypoints-MMPOSE, KETI/Keypoints-removal" in detail
        assert "KETI, other" in self.create(bench, "none").problem(422)["detail"]

    def test_without_a_mount_the_message_names_the_setting_and_nothing_is_built(self, set_up: Callable[..., Bench]):
        bench = set_up()
        assert "HEATSVC_DATASETS_DIR" in self.create(bench, "KETI").problem(422)["detail"]
        assert bench.client.get("/annotation").json() == {"builds": []}

    def test_what_failed_for_a_worker_without_the_mount_is_built_again(self, set_up: Callable[..., Bench], root: Path):
        bench = set_up(datasets_dir=root)
        problem = self.create(bench, "other").problem(422)
        assert problem["field"] == "dataset"
        assert "HEATSVC_DATASETS_DIR of the build worker differs from the service's" in problem["detail"]
        bench.worker.datasets = root
        built = self.create(bench, "other").json()
        assert built["state"] == "done"
        assert problem["build"].endswith(built["id"])

    def test_keypoint_files_and_a_dataset_are_refused(self, set_up: Callable[..., Bench], root: Path):
        bench = set_up(datasets_dir=root)
        bench.send(dataset(options={"dataset": "other"})).problem(422)


def test_a_long_name_is_cut_and_not_refused(bench: Bench):
    files = received(bench.send(dataset(keypoints={"이" * 2_000: b"1"})))["keypoints"]
    assert files == {"이" * 1_000: "1"}

"""The page's dataset part: builds in Chromium with no network but the service."""

from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.live.server import Live
from tests.serving import ROOT

pytestmark = [pytest.mark.slow]

KETI = ROOT / "tests" / "data" / "keti-mini"
BUILD_MILLISECONDS = 60_000


@pytest.fixture
def page(live: Live) -> Iterator[Page]:
    """The dataset part, loaded; a request to another host and an error in the console fail the test."""
    wrong: list[str] = []

    def only_the_service(route: Route) -> None:
        if route.request.url.startswith(live.address):
            route.continue_()
        else:
            wrong.append(route.request.url)
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.set_default_timeout(BUILD_MILLISECONDS)
            expect.set_options(timeout=BUILD_MILLISECONDS)
            page.route("**/*", only_the_service)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on(
                "console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None
            )
            page.goto(f"{live.address}/#/dataset")
            page.wait_for_selector("dataset-builder .field")
            yield page
        finally:
            browser.close()
    assert wrong == []


def choose(page: Page, part: str, *paths: Path) -> None:
    page.set_input_files(f"dataset-drop[part={part}] input[multiple]", list(map(str, paths)))


def choose_keti(page: Page) -> None:
    page.set_input_files("dataset-drop[part=keypoints] input[webkitdirectory]", str(KETI / "Keypoints-MMPOSE"))
    choose(page, "labels", *sorted((KETI / "Annotation").glob("*.xlsx")))
    choose(page, "split", KETI / "Annotation" / "split.json")


def give_img_shape(page: Page) -> None:
    field = page.locator('[data-field="options.img_shape"]')
    field.fill("1080 × 1920")
    field.press("Tab")


@pytest.mark.needs("chromium")
def test_a_build_from_its_files_to_its_pickle(page: Page) -> None:
    choose_keti(page)
    keypoints = page.locator("dataset-drop[part=keypoints]")
    expect(keypoints).to_contain_text("39 videos KETI_SL_0000000001")
    expect(keypoints).to_contain_text("133 points (coco_wholebody)")
    expect(page.locator("dataset-drop[part=labels]")).to_contain_text("KETI-2018-SL-Annotation-v1.xlsx · 26 rows")
    expect(page.locator("dataset-drop[part=split]")).to_contain_text("train 24 · test 12")
    expect(page.locator("dataset-report")).to_contain_text("35 of 41 labeled videos have keypoints and a split")

    give_img_shape(page)
    page.select_option('[data-field="options.faulty"]', "drop")
    page.select_option('[data-field="options.split_policy"]', "drop")
    expect(keypoints).to_contain_text("1080 × 1920")
    page.get_by_role("button", name="Build the dataset").click()
    report = page.locator("dataset-report")
    expect(report).to_contain_text("34 clips of 10 classes · 27 points sign27")
    expect(page.locator(".dataset-status")).to_contain_text("Built from 35 files")
    with page.expect_download() as download:
        report.get_by_role("link", name="annotations.pkl").click()
    annotations = pickle.loads(download.value.path().read_bytes())["annotations"]
    assert len(annotations) == 34
    with page.expect_download() as download:
        report.get_by_role("link", name="bundle.zip").click()
    assert download.value.path().read_bytes().startswith(b"PK")

    # The address has the build: a colleague sees the same report, without the files.
    page.wait_for_url("**/#/dataset?build=*")
    page.reload()
    expect(page.locator("dataset-report")).to_contain_text("34 clips of 10 classes")


@pytest.mark.needs("chromium")
def test_a_build_that_fails_shows_its_problem_at_the_option(page: Page) -> None:
    choose_keti(page)
    page.get_by_role("button", name="Build the dataset").click()
    expect(page.locator(".dataset-status .problem")).to_contain_text("set the option img_shape")
    expect(page.locator('dataset-builder [aria-invalid="true"]')).to_have_attribute("data-field", "options.img_shape")
    expect(page.locator(".dataset-status")).to_contain_text("The build failed")


@pytest.mark.needs("chromium")
def test_faults_link_to_the_rows_of_the_labels(page: Page, tmp_path: Path) -> None:
    choose(page, "keypoints", *sorted((KETI / "Keypoints-MMPOSE").glob("*")))
    choose(page, "labels", KETI / "Annotation" / "KETI-2017-SL-Annotation-v2_1.csv")
    expect(page.locator("dataset-drop[part=labels]")).to_contain_text("Encoding assumed to be cp949")
    give_img_shape(page)
    page.get_by_role("button", name="Check only").click()
    expect(page.locator(".dataset-status")).to_contain_text("Checked 14 files")
    missing = page.locator("details.fault").filter(has_text="no_file")
    missing.locator("summary").click()
    missing.get_by_role("button", name="KETI_SL_0000000009").click()
    expect(missing.locator("code.is-meant")).to_contain_text("KETI_SL_0000000009.avi,병원")


@pytest.mark.needs("chromium")
def test_a_contradiction_shows_both_rows(page: Page, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("name,label\na,hello\nb,yes\na,goodbye\n")
    choose(page, "labels", labels)
    problem = page.locator("dataset-drop[part=labels] .problem")
    problem.get_by_role("button", name="labels.csv, row 4").click()
    expect(problem.locator("code.is-meant")).to_contain_text("4 a,goodbye")


@pytest.mark.needs("chromium")
def test_a_dropped_file_is_taken(page: Page) -> None:
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["name,label\\na,x\\nb,y\\n"], "labels.csv"));
            const drop = document.querySelector("dataset-drop[part=labels]");
            drop.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }"""
    )
    expect(page.locator("dataset-drop[part=labels]")).to_contain_text("2 rows · 2 classes · utf-8")


RUNNING = {
    "id": "0" * 32,
    "state": "running",
    "progress": {
        "stage": "keypoints",
        "files_read": 500,
        "files": 2000,
        "clips_written": 400,
        "seconds": 2.0,
        "seconds_left": 6.0,
        "files_per_second": 250.4,
        "report": {
            "splits": [{"name": "train", "clips": 300, "frames": 9000}, {"name": "test", "clips": 100, "frames": 3000}],
            "faults": [
                {
                    "kind": "no_file",
                    "meaning": "labelled, but no file of keypoints",
                    "count": 7,
                    "items": [{"name": "nobody", "file": None, "detail": "there is no file of this name", "done": ""}],
                }
            ],
        },
    },
    "artifacts": [],
    "links": {},
}


@pytest.mark.needs("chromium")
def test_a_build_shows_its_progress_until_it_is_cancelled(page: Page) -> None:
    deleted: list[str] = []

    def respond(route: Route) -> None:
        if route.request.method == "DELETE":
            deleted.append(route.request.url)
            route.fulfill(status=204)
        else:
            route.fulfill(status=202 if route.request.method == "POST" else 200, json=RUNNING)

    page.route(re.compile("/annotation(/0{32})?$"), respond)
    choose_keti(page)
    page.get_by_role("button", name="Build the dataset").click()
    status = page.locator(".dataset-status")
    expect(status).to_contain_text("Reading keypoints · 500 of 2,000 files · 250 files/s · 6 s left")
    expect(status.get_by_role("progressbar")).to_have_js_property("value", 0.25)
    report = page.locator("dataset-report")
    expect(report).to_contain_text("400 clips so far")
    expect(report.get_by_role("row", name="train")).to_contain_text("300")
    report.locator("summary", has_text="no_file").click()
    report.get_by_role("button", name="nobody").click()
    expect(report).to_contain_text("No text file that was dropped names it")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Build the dataset")).to_be_enabled()
    assert [url.rpartition("/")[2] for url in deleted] == ["0" * 32]


@pytest.mark.needs("chromium")
def test_an_upload_that_is_cancelled_leaves_the_form(page: Page) -> None:
    page.route(re.compile("/annotation$"), lambda route: None)  # it never ends
    choose_keti(page)
    page.get_by_role("button", name="Build the dataset").click()
    expect(page.locator(".dataset-status")).to_contain_text("Sending")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Build the dataset")).to_be_enabled()
    expect(page.locator("dataset-drop[part=keypoints]")).to_contain_text("39 files")


@pytest.mark.needs("chromium")
def test_korean(page: Page) -> None:
    page.evaluate("import('./static/strings.js').then((strings) => strings.setLanguage('ko'))")
    choose_keti(page)
    expect(page.locator("dataset-report")).to_contain_text("35 / 41개 라벨 영상에 키포인트와 분할이 있습니다")
    expect(page.get_by_role("button", name="데이터셋 생성")).to_be_enabled()

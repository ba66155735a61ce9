"""The page in Chromium: what is dropped is drawn, and what is seen is what a client gets."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

import heatsvc
from heatsvc.pipeline import describe_pipelines
from tests.pose.readers.samples import npy, zipped
from tests.serving import ROOT, has, served
from tests.web.browsing import chromium, drop, opened, wait_for_shape

POSES = ROOT / "tests" / "data" / "poses"
KETI = ROOT / "tests" / "data" / "keti-mini" / "Keypoints-MMPOSE" / "KETI_SL_0000000001.avi.npy"
AIHUB = ROOT / "tests" / "data" / "cases" / "01_nia_people_object"
PICKLE = ROOT / "openapi" / "examples" / "annotation.pkl"
SAMPLE = "[95, 27, 64, 64]"

_LIT = (
    "panel => { const c = document.querySelectorAll('clip-stage .panel canvas')[panel]; return c.getContext('2d')"
    ".getImageData(0, 0, c.width, c.height).data.some((value, i) => i % 4 < 3 && value > 100); }"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(tmp_path_factory.mktemp("page")) as port:
        yield port


@pytest.fixture(scope="module")
def port_with_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(tmp_path_factory.mktemp("page"), HEATSVC_API_KEYS="secret") as port:
        yield port


def is_drawn(page: Page) -> bool:
    """Whether heatmap and skeleton have light pixels."""
    return all(page.evaluate(_LIT, panel) for panel in (0, 1))


def point_at(page: Page, panel: int, x: int, y: int, side: int = 64) -> str:
    """Move the pointer over a pixel of the map; the text of the label."""
    box = page.locator("clip-stage .panel canvas").nth(panel).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + (x + 0.5) * box["width"] / side, box["y"] + (y + 0.5) * box["height"] / side)
    return page.locator(".under-pointer").inner_text().replace("\n", " ")


def downloaded(page: Page, kind: str) -> bytes:
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=kind, exact=True).click()
    return Path(download.value.path()).read_bytes()


if has("chromium"):
    pytestmark = pytest.mark.slow

    def test_the_sample_shows(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            assert is_drawn(page)
            expect(page.locator(".hint")).to_contain_text("Drop your own keypoint file")
            expect(page.locator("clip-status")).to_contain_text(
                re.compile(r"float16\s*\d+ kB of 21 MB \(\d+×\)\s*zstd")
            )
            expect(page.locator("clip-status .timing")).to_have_attribute(
                "data-tip", re.compile(r"read [\d.]+ ms\nsteps ")
            )

    def test_the_sample_plays(browser: Browser, port: int) -> None:
        with opened(browser, port, reduced_motion="no-preference") as page:
            wait_for_shape(page, SAMPLE)
            page.wait_for_function("() => Number(document.querySelector('clip-transport input').value) > 3")

    def test_the_value_under_the_pointer_is_the_array_s(browser: Browser, port: int) -> None:
        imgs = heatsvc.draw(POSES / "ase_A.pose", select="sign27", dtype="float16")[9]
        channel, y, x = (int(index) for index in np.unravel_index(imgs.argmax(), imgs.shape))
        name = heatsvc.pose.LAYOUTS["sign27"].points[channel]
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {"ase_A.pose": (POSES / "ase_A.pose").read_bytes()})
            wait_for_shape(page, "[21, 75, 64, 64]")
            page.locator("[data-field=select]").select_option("sign27")
            wait_for_shape(page, "[21, 27, 64, 64]")
            page.locator("clip-transport input").fill("9")
            expected = f"{name} {imgs[channel, y, x]:.3f} x {x} y {y} frame 9"
            assert point_at(page, 0, x, y) == expected
            assert point_at(page, 1, x, y) == expected
            dark = [int(index) for index in np.argwhere(imgs.max(axis=0) == 0)[-1]]
            assert point_at(page, 0, dark[1], dark[0]).startswith("no joint 0.000")

    def test_every_pixel_is_the_array_s_color(browser: Browser, port: int) -> None:
        imgs = heatsvc.draw(POSES / "ase_A.pose", select="sign27", dtype="float16")[4].max(axis=0).astype(np.float32)
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {"ase_A.pose": (POSES / "ase_A.pose").read_bytes()})
            wait_for_shape(page, "[21, 75, 64, 64]")
            page.locator("[data-field=select]").select_option("sign27")
            wait_for_shape(page, "[21, 27, 64, 64]")
            page.locator("clip-transport input").fill("4")
            shown, colors = page.evaluate(
                """async () => {
                  const { INFERNO } = await import("/static/color.js");
                  const canvas = document.querySelector("clip-stage .panel canvas");
                  const pixels = canvas.getContext("2d").getImageData(0, 0, 64, 64).data;
                  return [Array.from(pixels), Array.from(INFERNO)];
                }"""
            )
        expected = np.array(colors).reshape(256, 3)[np.floor(255 * imgs + 0.5).astype(int)]
        assert np.array_equal(np.array(shown).reshape(64, 64, 4)[..., :3], expected)

    def test_a_keti_array_asks_for_its_frame_size_and_is_drawn(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {KETI.name: KETI.read_bytes()})
            expect(page.locator(".problem")).to_contain_text("img_shape is missing")
            expect(page.locator("clip-status .facts")).to_have_text("The picture is the last one that could be drawn")
            expect(page.locator("[data-field=img_shape]")).to_have_attribute("aria-invalid", "true")
            page.get_by_label("Frame size").fill("1080 1920")
            page.keyboard.press("Tab")
            wait_for_shape(page, "[73, 133, 64, 64]")
            assert is_drawn(page)
            expect(page.locator(".problem")).to_have_count(0)

    def test_what_is_being_typed_is_kept_while_a_picture_arrives(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            page.get_by_label("Frame size").focus()
            page.keyboard.type("1080,19")
            page.evaluate("async () => (await import('/static/model.js')).model.notify('volume')")
            page.keyboard.type("20")
            page.keyboard.press("Tab")
            page.wait_for_function("() => location.hash.includes('img_shape=1080,1920')")
            expect(page.get_by_label("Frame size")).to_have_value("1080,1920")

    def test_an_aihub_folder_is_drawn_as_one_clip(browser: Browser, port: int) -> None:
        frames = {
            path.relative_to(AIHUB).as_posix(): path.read_bytes() for path in sorted(AIHUB.rglob("*_keypoints.json"))
        }
        with opened(browser, port, "#/clip?img_shape=1080,1920") as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {"folder.zip": zipped(frames)})
            wait_for_shape(page, "[3, 137, 64, 64]")
            assert is_drawn(page)
            drop(page, {KETI.name: KETI.read_bytes()})
            wait_for_shape(page, "[73, 133, 64, 64]")
            drop(page, {name.rpartition("/")[2]: data for name, data in frames.items()})
            wait_for_shape(page, "[3, 137, 64, 64]")

    def test_a_clip_of_a_pickle_is_searched_and_drawn(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {PICKLE.name: PICKLE.read_bytes()})
            wait_for_shape(page, "[21, 27, 64, 64]")
            page.click("page-header .menu")
            page.get_by_role("searchbox").fill("z")
            expect(page.locator("#clips li")).to_have_count(1)
            page.locator("#clips li button").click()
            wait_for_shape(page, "[24, 27, 64, 64]")
            assert is_drawn(page)
            page.wait_for_function("() => location.hash.includes('clip=ase_Z')")

    def test_the_old_picture_stays_while_a_new_one_is_loaded(browser: Browser, port: int) -> None:
        held: list[Route] = []
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            page.route("**/heatmap", lambda route: held.append(route))
            with page.expect_request("**/heatmap"):
                # It is said at once, before anything is sent.
                said = page.evaluate(
                    """async () => {
                      (await import("/static/state.js")).state.set({ select: "coco17" });
                      return document.querySelector("clip-status").textContent;
                    }"""
                )
            assert "loading" in said
            assert is_drawn(page)
            held[0].continue_()
            wait_for_shape(page, "[95, 17, 64, 64]")

    def test_a_bad_file_shows_its_problem(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {"holiday.mp4": b"\0\0\0\x18ftypmp42" + bytes(50)})
            expect(page.locator(".problem")).to_contain_text("holiday.mp4")
            assert is_drawn(page)  # the old picture stays

    def test_numbers_that_cannot_be_meant_mark_the_option_that_mends_them(browser: Browser, port: int) -> None:
        keypoint = np.load(POSES / "ase_FIRE_wholebody133.npy") / [1920, 1080, 1]
        with opened(browser, port, "#/clip?img_shape=1080,1920") as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {"unit.npy": npy(keypoint)})
            expect(page.locator(".problem")).to_contain_text("coordinates: normalized")
            expect(page.locator("clip-status summary")).to_contain_text("Coordinates of 0 to 1, not pixels")
            expect(page.locator(".field.doubtful")).to_contain_text("Coordinates")
            page.locator("[data-field=coordinates]").select_option("normalized")
            wait_for_shape(page, "[95, 133, 64, 64]")
            expect(page.locator(".problem")).to_have_count(0)

    def test_a_fault_of_a_step_marks_its_field(browser: Browser, port: int) -> None:
        steps = '[{"type":"Resize","scale":[-1,64]},{"type":"GeneratePoseTarget","sigma":-1}]'
        with opened(browser, port, f"#/clip?pipeline={steps}") as page:
            expect(page.locator(".problem")).to_contain_text("pipeline[1].sigma")
            field = page.locator('[data-field="pipeline[1].sigma"]')
            expect(field).to_have_attribute("aria-invalid", "true")
            field.fill("0.8")
            field.press("Tab")
            expect(page.locator(".problem")).to_have_count(0)

    def test_steps_are_forms_whose_changes_can_be_reset(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            page.click(".section.steps > summary")
            page.get_by_label("Draw").select_option("both")
            wait_for_shape(page, "[95, 53, 64, 64]")
            page.click("step-list summary:has-text('CenterCrop')")
            page.locator('[data-field="pipeline[3].crop_size"]').fill("48")
            page.keyboard.press("Tab")
            wait_for_shape(page, "[95, 53, 48, 48]")
            page.locator("[data-field=pipeline]").select_option("posec3d-val")
            wait_for_shape(page, "[1, 27, 48, 64, 64]")
            expect(page.locator("clip-transport .place")).to_contain_text("of the file")

    def test_every_step_of_the_service_can_be_added(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            page.click(".section.steps > summary")
            offered = page.locator("step-list .add option").all_inner_texts()
            assert offered[1:] == [step["type"] for step in describe_pipelines()["steps"]]

    def test_the_keyboard_alone(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowLeft")
            expect(page.locator("clip-transport .place")).to_have_text("1 / 94")
            page.keyboard.press("]")
            expect(page.locator(".under-pointer")).to_contain_text("nose")
            page.keyboard.press("]")
            page.keyboard.press("[")
            page.keyboard.press("[")
            expect(page.locator(".under-pointer")).to_contain_text("right_hand_20")
            page.keyboard.press("Escape")
            expect(page.locator(".under-pointer")).to_be_hidden()
            page.keyboard.press("?")
            expect(page.locator("dialog")).to_be_visible()
            page.keyboard.press("Escape")
            expect(page.locator("dialog")).to_be_hidden()
            page.keyboard.press(" ")
            expect(page.get_by_role("button", name="Pause")).to_be_visible()
            page.wait_for_function("() => Number(document.querySelector('clip-transport input').value) > 4")

    def test_the_lowest_score_of_a_joint_is_named(browser: Browser, port: int) -> None:
        clip = heatsvc.read(POSES / "ase_A.pose")[0]
        score = clip.keypoint_score[0, :, clip.layout.index["right_wrist"]]
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {"ase_A.pose": (POSES / "ase_A.pose").read_bytes()})
            wait_for_shape(page, "[21, 75, 64, 64]")
            lowest = page.locator('[data-key="lowest right_wrist"]')
            expect(lowest).to_have_text(f"{score.min():.2f} @ {score.argmin()}")
            lowest.click()
            expect(page.locator("clip-transport .place")).to_have_text(f"{score.argmin()} / 20")

    def test_channels_are_chosen_by_body_part(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            page.get_by_role("button", name="left hand", exact=True).click()
            expect(page.locator(".section.channels > summary .quiet")).to_have_text("10 / 27")
            page.get_by_label("Show left_hand_0", exact=True).uncheck()
            expect(page.locator(".section.channels > summary .quiet")).to_have_text("9 / 27")
            page.wait_for_function("() => location.hash.includes('on=left_hand_4,')")
            page.reload()
            wait_for_shape(page, SAMPLE)
            expect(page.locator(".section.channels > summary .quiet")).to_have_text("9 / 27")

    def test_what_is_downloaded_is_what_the_library_draws(browser: Browser, port: int, tmp_path: Path) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            drop(page, {"ase_A.pose": (POSES / "ase_A.pose").read_bytes()})
            wait_for_shape(page, "[21, 75, 64, 64]")
            (tmp_path / "a.npy").write_bytes(downloaded(page, "npy"))
        expected = heatsvc.draw(POSES / "ase_A.pose", select="mediapipe_holistic_75", dtype="float16")
        assert np.array_equal(np.load(tmp_path / "a.npy"), expected)

    def test_a_picture_has_the_colors_of_the_page(browser: Browser, port: int) -> None:
        with opened(browser, port, "#/clip?select=sign27&frame=60&color=part") as page:
            wait_for_shape(page, SAMPLE)
            page.get_by_role("button", name="Download").click()
            page.get_by_text("Options of pictures").click()
            page.locator('[data-field="picture.scale"]').fill("1")
            page.keyboard.press("Tab")
            with page.expect_download() as download:
                page.get_by_role("button", name="png", exact=True).click()
            picture = np.asarray(Image.open(download.value.path()).convert("RGB"))
            shown = page.evaluate(
                "() => Array.from(document.querySelector('clip-stage canvas').getContext('2d')"
                ".getImageData(0, 0, 64, 64).data)"
            )
        # The picture is made of values of 8 bits, the page's of values of 16.
        assert np.abs(np.array(shown).reshape(64, 64, 4)[..., :3] - picture.astype(int)).max() <= 1
        assert picture.max() > 200

    def test_an_error_of_a_download_is_shown_under_the_picture(browser: Browser, port: int) -> None:
        with opened(browser, port, "#/clip?select=sign27&frame=60") as page:
            wait_for_shape(page, SAMPLE)
            page.get_by_role("button", name="Download").click()
            page.get_by_text("Options of pictures").click()
            page.locator('[data-field="picture.scale"]').fill("1000")
            page.keyboard.press("Tab")
            page.get_by_role("button", name="png", exact=True).click()
            expect(page.locator("clip-status .problem")).to_contain_text("picture.scale")
            expect(page.locator('[data-field="picture.scale"]')).to_have_attribute("aria-invalid", "true")
            expect(page.locator("clip-stage.stale")).to_have_count(0)
            page.locator('[data-field="picture.scale"]').fill("2")
            page.keyboard.press("Tab")
            with page.expect_download():
                page.get_by_role("button", name="png", exact=True).click()
            expect(page.locator("clip-status .problem")).to_have_count(0)

    def test_what_cannot_be_copied_is_a_problem(browser: Browser, port: int) -> None:
        with opened(browser, port) as page:
            wait_for_shape(page, SAMPLE)
            page.evaluate(
                "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no'));"
                " document.execCommand = () => false; }"
            )
            page.get_by_role("button", name="Copy as").click()
            page.get_by_role("button", name="Copy", exact=True).click()
            expect(page.locator("clip-status .problem")).to_contain_text("select the text and copy it by hand")

    def test_what_is_copied_is_shown_before(browser: Browser, port: int) -> None:
        with opened(browser, port, permissions=["clipboard-read", "clipboard-write"]) as page:
            wait_for_shape(page, SAMPLE)
            page.get_by_role("button", name="Copy as").click()
            page.get_by_label("Python", exact=True).check()
            shown = page.get_by_label("What is copied").input_value()
            assert 'heatsvc.read("FIRE.npz")' in shown
            page.get_by_role("button", name="Copy", exact=True).click()
            expect(page.locator("view-menus output")).to_have_text("copied")
            assert page.evaluate("navigator.clipboard.readText()") == shown

    def test_copying_works_without_a_clipboard_over_plain_http(browser: Browser, port: int) -> None:
        with opened(browser, port, permissions=["clipboard-read"]) as page:
            wait_for_shape(page, SAMPLE)
            page.evaluate("() => void (navigator.clipboard.writeText = () => Promise.reject(new Error('not secure')))")
            page.get_by_role("button", name="Copy as").click()
            page.get_by_label("PYSKL config", exact=True).check()
            page.get_by_role("button", name="Copy", exact=True).click()
            expect(page.locator("view-menus output")).to_have_text("copied")
            assert page.evaluate("navigator.clipboard.readText()").startswith(
                "pipeline = [\n    dict(type='PoseDecode')"
            )

    def test_an_api_key_is_asked_for_and_kept_in_the_tab(browser: Browser, port_with_key: int) -> None:
        with opened(browser, port_with_key) as page:
            page.get_by_label("This service asks for an API key").fill("wrong")
            page.keyboard.press("Enter")
            expect(page.get_by_label("This service asks for an API key")).to_be_visible()
            page.get_by_label("This service asks for an API key").fill("secret")
            page.keyboard.press("Enter")
            wait_for_shape(page, SAMPLE)
            assert page.evaluate("[sessionStorage.length, localStorage.getItem('heatsvc.key')]") == [1, None]
            page.reload()
            wait_for_shape(page, SAMPLE)

    def test_korean(browser: Browser, port: int) -> None:
        with opened(browser, port, locale="ko-KR") as page:
            wait_for_shape(page, SAMPLE)
            expect(page.get_by_role("link", name="데이터셋")).to_be_visible()
            assert page.evaluate("document.documentElement.lang") == "ko"
            page.get_by_role("button", name="English").click()
            expect(page.get_by_role("link", name="Dataset")).to_be_visible()

    @pytest.mark.parametrize("width", [360, 1280])
    def test_nothing_moves_while_the_page_loads(browser: Browser, port: int, width: int) -> None:
        """The sum of layout shifts is below 0.1, which counts as good."""
        shifts = """() => new Promise(resolve => {
          const add = list => resolve(list.getEntries().reduce((sum, entry) => sum + entry.value, 0));
          new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(0), 1000);  // there was none
        })"""
        with opened(browser, port, viewport={"width": width, "height": 800}) as page:
            wait_for_shape(page, SAMPLE)
            assert page.evaluate(shifts) < 0.1

    @pytest.mark.parametrize("width", [360, 1280, 3840])
    def test_nothing_is_wider_than_the_window(browser: Browser, port: int, width: int) -> None:
        with opened(browser, port, viewport={"width": width, "height": 800 if width < 3840 else 2160}) as page:
            wait_for_shape(page, SAMPLE)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            factor = page.evaluate("document.querySelector('clip-stage canvas').getBoundingClientRect().width / 64")
            assert factor == int(factor) >= 2


if has("chromium", "npm"):

    @pytest.fixture(scope="module")
    def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
        folder = tmp_path_factory.mktemp("axe")
        subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), "axe-core@4.14.1"], check=True)
        return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()

    @pytest.mark.parametrize("fragment", ["#/clip", "#/clip?color=part&channel=nose&pipeline=posec3d-val"])
    @pytest.mark.parametrize("scheme", ["dark", "light"])
    @pytest.mark.parametrize("width", [360, 1280])
    def test_axe_finds_nothing(browser: Browser, port: int, axe: str, fragment: str, scheme: str, width: int) -> None:
        viewport = {"width": width, "height": 1000}
        with opened(browser, port, fragment, color_scheme=scheme, viewport=viewport) as page:
            page.wait_for_function("() => document.querySelector('clip-status b')")
            if width > 360:
                page.wait_for_function("() => document.querySelector('step-list details')")
                page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
                page.get_by_role("button", name="Copy as").click()
            page.evaluate(axe)
            found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run(document)).violations")
            assert not found, [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]

    @pytest.mark.parametrize("scheme", ["dark", "light"])
    @pytest.mark.parametrize("width", [360, 1280])
    def test_axe_finds_nothing_in_the_dataset_part(
        browser: Browser, port: int, axe: str, scheme: str, width: int
    ) -> None:
        viewport = {"width": width, "height": 1000}
        with opened(browser, port, "#/dataset", color_scheme=scheme, viewport=viewport) as page:
            expect(page.locator("dataset-builder [data-field='options.faulty']")).to_be_visible()
            page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            page.evaluate(axe)
            found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run(document)).violations")
            assert not found, [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


def test_a_link_to_a_channel_that_the_clip_does_not_have(browser: Browser, port: int) -> None:
    with opened(browser, port, "#/clip?channel=__proto__&speed=Infinity&pipeline=[null]&img_shape=1080,1920") as page:
        drop(page, {"clip.npy": (ROOT / "openapi" / "examples" / "clip.npy").read_bytes()})
        expect(page.locator(".channels li")).to_have_count(133)

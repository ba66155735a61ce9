"""Labels and splits in the forms that public datasets and tools have them; all names and numbers are made up."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatsvc.annotation.build import build
from heatsvc.annotation.errors import AnnotationError, FaultsError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions

VIDEOS = ("v1", "v2", "v10", "v11")
ALL = {"random": {"all": 1}}


def keypoints(folder: Path, names: tuple[str, ...] = VIDEOS) -> Path:
    """A folder of keypoint files of one frame of 27 points."""
    for name in names:
        path = folder / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.full((1, 27, 3), 5.0, np.float32))
    return folder


def files(folder: Path, contents: dict[str, str | bytes]) -> tuple[InputFile, ...]:
    folder.mkdir(exist_ok=True)
    found = []
    for name, content in contents.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        found.append(InputFile(name, folder / name))
    return tuple(found)


class Dataset:
    """A dataset that was built: the index of each video, the label of each index, the videos of each split."""

    def __init__(self, folder: Path, report: dict[str, Any]):
        content = pickle.loads((folder / "annotations.pkl").read_bytes())
        self.indices = {clip["frame_dir"]: clip["label"] for clip in content["annotations"]}
        self.splits = {name: sorted(videos) for name, videos in content["split"].items()}
        self.classes = {index: label for label, index in json.loads((folder / "label_map.json").read_text()).items()}
        self.report = report


def made(
    tmp_path: Path,
    label_files: dict[str, str | bytes],
    split_files: dict[str, str | bytes] | None = None,
    names: tuple[str, ...] = VIDEOS,
    **options: Any,
) -> Dataset:
    inputs = Inputs(
        folder=keypoints(tmp_path / "keypoints", names),
        labels=files(tmp_path / "labels", label_files),
        split=files(tmp_path / "split", split_files or {}),
    )
    given = {"img_shape": (64, 64), "select": None, "missing": "drop", "layout": "sign27", **options}
    if split_files is None and "split" not in options:
        given["split"] = ALL
    return Dataset(tmp_path / "out", build(inputs, AnnotationOptions(**given), tmp_path / "out").report)


def advice_of(dataset: Dataset) -> list[str]:
    from heatsvc.annotation.report.advice import advice

    return [item.text for item in advice(dataset.report)]


INTEGERS = {"v1": 0, "v2": 2, "v10": 10, "v11": 11}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("int_header.csv", "name,label\nv1,0\nv2,2\nv10,10\nv11,11\n"),
        ("other_header.csv", "video;gloss\nv1;0\nv2;2\nv10;10\nv11;11\n"),
        ("int_no_header.csv", "v1,0\nv2,2\nv10,10\nv11,11\n"),
        ("int_video_class.json", '{"v1":0,"v2":2,"v10":10,"v11":11}'),
        ("texts.json", '{"v1":"0","v2":"2","v10":"10","v11":"11"}'),
        ("records.json", json.dumps([{"name": name, "label": index} for name, index in INTEGERS.items()])),
        ("mmaction_list.txt", "v1.mp4 0\nv2.mp4 2\nv10.mp4 10\nv11.mp4 11\n"),
        ("rawframes_list.txt", "v1 48 0\nv2 51 2\nv10 40 10\nv11 39 11\n"),
        ("tabs.tsv", "v1\t0\nv2\t2\nv10\t10\nv11\t11\n"),
        ("powershell.csv", "name,label\nv1,0\nv2,2\nv10,10\nv11,11\n".encode("utf-16")),
        ("powershell.json", '{"v1":0,"v2":2,"v10":10,"v11":11}'.encode("utf-16")),
    ],
)
def test_whole_numbers_are_the_indices_that_they_are(tmp_path, name, content):
    dataset = made(tmp_path, {name: content})
    assert dataset.indices == INTEGERS
    assert dataset.classes == {0: "0", 2: "2", 10: "10", 11: "11"}


@pytest.mark.parametrize(
    "content", ["name,label\nv1,0\nv2,2\nv10,10\nv11,11\n", '{"v1":"0","v2":"2","v10":10,"v11":11}']
)
def test_whole_numbers_that_are_said_to_be_names_are_sorted_as_names(tmp_path, content):
    dataset = made(tmp_path, {"labels": content}, labels="names")
    assert dataset.indices == {"v1": 0, "v2": 3, "v10": 1, "v11": 2}
    assert dataset.classes == {0: "0", 1: "10", 2: "11", 3: "2"}


def test_numbers_among_words_are_names_as_in_keti(tmp_path):
    dataset = made(tmp_path, {"a.csv": "파일명,한국어\nv1,10\nv2,화재\n".encode()}, names=("v1", "v2"))
    assert dataset.classes == {0: "10", 1: "화재"}


def test_a_number_that_is_no_index_says_how_to_make_it_a_name(tmp_path):
    with pytest.raises(AnnotationError) as caught:
        made(tmp_path, {"a.csv": "name,label\nv1,20170001\nv2,-1\n"})
    assert caught.value.detail == (
        "a.csv, row 2: the class index must be a whole number from 0 to 1,000,000, not '20170001'; if these numbers "
        'are class names, set the option {"labels": "names"}'
    )


def test_several_indices_for_a_video_are_refused(tmp_path):
    with pytest.raises(
        AnnotationError, match=r"list.txt, row 1: the video has several class indices: it must have one"
    ):
        made(tmp_path, {"list.txt": "v1.mp4 0 3\nv2.mp4 2\n"})


ROWS = "v1.mp4 0\nv2.mp4 2\nv10.mp4 1\n"


@pytest.mark.parametrize(
    ("name", "content", "classes"),
    [
        ("label_map.txt", "drink water\neat meal\nbrush teeth\n", {0: "drink water", 1: "eat meal", 2: "brush teeth"}),
        ("MSASL_classes.json", '["hello", "nice", "teacher"]', {0: "hello", 1: "nice", 2: "teacher"}),
        ("wlasl_class_list.txt", "0\tbook\n1\tdrink\n2\tcomputer\n", {0: "book", 1: "drink", 2: "computer"}),
        ("spaces.txt", "0 book\n1 all right\n2 computer\n", {0: "book", 1: "all right", 2: "computer"}),
        ("kinetics.csv", "id,name\n0,book\n1,drink\n2,computer\n", {0: "book", 1: "drink", 2: "computer"}),
        ("classes_no_header.csv", "book,0\ndrink,2\nwho,1\n", {0: "book", 1: "who", 2: "drink"}),
        ("map.json", '{"book": 0, "drink": 2, "who": 1}', {0: "book", 1: "who", 2: "drink"}),
        ("SignList_ClassId_TR_EN.csv", "ClassId,TR,EN\n0,abla,sister\n1,acele,hurry\n2,aç,hungry\n",
         {0: "abla", 1: "acele", 2: "aç"}),
        ("lsa64.txt", "0|Opaque|R\n1|Red|R\n2|Green|B\n", {0: "Opaque", 1: "Red", 2: "Green"}),
    ],
)  # fmt: skip
def test_a_list_of_classes_is_told_apart_from_videos(tmp_path, name, content, classes):
    dataset = made(tmp_path, {"list.txt": ROWS, name: content}, names=("v1", "v2", "v10"))
    assert dataset.indices == {"v1": 0, "v2": 2, "v10": 1}
    assert dataset.classes == classes
    labels = ", ".join(dict.fromkeys(line for line in classes.values()))
    (note,) = [text for text in advice_of(dataset) if text.startswith(name)]
    assert note.startswith(f"{name}: read as a list of 3 classes: ")
    assert sorted(note.rpartition(": ")[2].split(", ")) == sorted(labels.split(", "))


def test_the_column_of_a_list_of_classes_can_be_named(tmp_path):
    classes = "ClassId,TR,EN\n0,abla,sister\n1,acele,hurry\n"
    dataset = made(tmp_path, {"a.csv": "v1,0\nv2,1\n", "c.csv": classes}, names=("v1", "v2"), columns={"label": "EN"})
    assert dataset.classes == {0: "sister", 1: "hurry"}


def test_videos_are_videos_if_a_keypoint_file_has_the_name_of_one(tmp_path):
    labels = {"train.csv": "v1,0\nv2,1\n", "val.csv": "v10,1\nv11,0\n"}
    assert made(tmp_path, labels).indices == {"v1": 0, "v2": 1, "v10": 1, "v11": 0}


def test_numbers_as_classes_are_names_of_classes(tmp_path):
    dataset = made(tmp_path, {"a.csv": "v1,0\nv2,1\n", "c.txt": "0\t10\n1\t1000\n2\t화재\n"}, names=("v1", "v2"))
    assert dataset.classes == {0: "10", 1: "1000", 2: "화재"}


WLASL = [
    {
        "gloss": "book",
        "instances": [
            {"video_id": "v1", "split": "train", "signer_id": 1, "bbox": [0, 0, 1, 1], "frame_end": -1},
            {"video_id": "v10", "split": "test", "signer_id": 2, "bbox": [0, 0, 1, 1]},
        ],
    },
    {"gloss": "a", "instances": [{"video_id": "v2", "split": "train"}, {"video_id": "v11", "split": "test"}]},
]  # fmt: skip


def test_wlasl(tmp_path):
    """The index is the gloss's position, as in wlasl_class_list.txt and nslt_100.json."""
    dataset = made(tmp_path, {"WLASL_v0.3.json": json.dumps(WLASL)}, split_files={})
    assert dataset.indices == {"v1": 0, "v10": 0, "v2": 1, "v11": 1}
    assert dataset.classes == {0: "book", 1: "a"}
    assert dataset.splits == {"train": ["v1", "v2"], "test": ["v10", "v11"]}
    assert "the splits are from the column 'split' of the labels" in advice_of(dataset)


def test_nslt_with_the_list_of_classes(tmp_path):
    nslt = {"v1": {"subset": "train", "action": [0, 1, 55]}, "v2": {"subset": "val", "action": [2, 1, 55]}}
    labels = {"nslt_100.json": json.dumps(nslt), "wlasl_class_list.txt": "0\tbook\n1\tdrink\n2\tcomputer\n"}
    dataset = made(tmp_path, labels, split_files={}, names=("v1", "v2"))
    assert dataset.indices == {"v1": 0, "v2": 2}
    assert dataset.classes == {0: "book", 1: "drink", 2: "computer"}
    assert dataset.splits == {"train": ["v1"], "val": ["v2"]}


def test_msasl(tmp_path):
    """Whole numbers under label are the index; the text beside them is the label."""
    records = [
        {"org_text": "EAT (1)", "clean_text": "eat", "signer_id": 7, "signer": 3, "start": 0, "end": 83, "file": "v1",
         "label": 2, "fps": 30.0, "box": [0.1, 0.2, 0.9, 1.0], "text": "eat", "url": "https://example.org/1"},
        {"org_text": "nice", "clean_text": "nice", "signer_id": 8, "signer": 4, "start": 0, "end": 83, "file": "v2",
         "label": 0, "fps": 30.0, "box": [0.1, 0.2, 0.9, 1.0], "text": "nice", "url": "https://example.org/2"},
    ]  # fmt: skip
    dataset = made(tmp_path, {"MSASL_train.json": json.dumps(records)}, names=("v1", "v2"))
    assert dataset.indices == {"v1": 2, "v2": 0}
    assert dataset.classes == {0: "nice", 2: "eat"}


@pytest.mark.parametrize(
    "content",
    [
        "name|video|start|end|speaker|orth|translation\n"
        "v1|v1/1/*.png|-1|-1|S1|A B|a, b und c\nv2|v2/1/*.png|-1|-1|S2|B|b\n"
        "v10|x|-1|-1|S1|A B|a; b\nv11|x|-1|-1|S2|B|b\n",
        "id|folder|signer|annotation\nv1|v1/1/*.png|S1|A B\nv2|v2/1/*.png|S2|B\nv10|x|S1|A B\nv11|x|S2|B\n",
    ],
    ids=["2014 T", "2014"],
)
def test_phoenix(tmp_path, content):
    split = {"signer": {"train": "S1", "test": "S2"}}
    dataset = made(tmp_path, {"PHOENIX.train.corpus.csv": content}, split=split)
    assert dataset.indices == {"v1": 0, "v2": 1, "v10": 0, "v11": 1}
    assert dataset.classes == {0: "A B", 1: "B"}
    assert dataset.splits == {"train": ["v1", "v10"], "test": ["v11", "v2"]}


def test_records(tmp_path):
    dataset = made(tmp_path, {"records.json": '[{"name": "v1", "label": "a"}, {"name": "v2", "label": "b"}]'})
    assert (dataset.indices, dataset.classes) == ({"v1": 0, "v2": 1}, {0: "a", 1: "b"})


def test_include(tmp_path):
    table = "FilePath,Word,Split\nAdjectives/1. loud/MVI_1.MOV,loud,train\nAdjectives/2. quiet/MVI_2.MOV,quiet,test\n"
    dataset = made(tmp_path, {"include.csv": table}, split_files={}, names=("Adjectives/1. loud/MVI_1", "MVI_2"))
    assert list(dataset.indices.values()) == [0, 1]
    assert dataset.splits == {"train": ["Adjectives/1. loud/MVI_1"], "test": ["Adjectives/2. quiet/MVI_2"]}


def morpheme(name: str, *words: str) -> str:
    data = [{"start": 1.1, "end": 1.8, "attributes": [{"name": word}]} for word in words]
    return json.dumps({"metaData": {"name": f"{name}.mp4", "duration": 2.6}, "data": data}, ensure_ascii=False)


NIASL = {
    "NIA_SL_WORD0001_REAL01_F": ("여기",),
    "NIA_SL_WORD0002_REAL02_L": ("고민",),
    "NIA_SL_SEN0001_REAL02_F": ("여기", "고민"),
}


def test_aihub_morphemes_with_a_split_by_signer(tmp_path):
    labels = {f"{name}_morpheme.json": morpheme(name, *words) for name, words in NIASL.items()}
    split = {"signer": {"train": "REAL01", "test": "REAL02"}}
    dataset = made(tmp_path, labels, names=tuple(NIASL), split=split)
    assert dataset.classes == {0: "고민", 1: "여기", 2: "여기 고민"}
    assert dataset.indices == dict(zip(NIASL, (1, 0, 2), strict=True))
    assert dataset.splits == {
        "train": ["NIA_SL_WORD0001_REAL01_F"],
        "test": ["NIA_SL_SEN0001_REAL02_F", "NIA_SL_WORD0002_REAL02_L"],
    }


def test_aihub_morphemes_in_an_archive_filtered_by_what_their_names_say(tmp_path):
    with zipfile.ZipFile(tmp_path / "morpheme.zip", "w") as archive:
        for name, words in NIASL.items():
            archive.writestr(f"morpheme/01/{name}_morpheme.json", morpheme(name, *words))
    labels = {"morpheme.zip": (tmp_path / "morpheme.zip").read_bytes()}
    dataset = made(tmp_path, labels, names=tuple(NIASL), types="WORD")
    assert dataset.classes == {0: "고민", 1: "여기"}
    assert dataset.report["filtered"] == {"types": 1}


def test_a_morpheme_that_is_a_number_is_a_name_among_others(tmp_path):
    labels = {"a.json": morpheme("v1", "10"), "b.json": morpheme("v2", "여기")}
    assert made(tmp_path, labels, names=("v1", "v2")).classes == {0: "10", 1: "여기"}


def test_a_morpheme_without_a_name(tmp_path):
    with pytest.raises(AnnotationError, match=r"data\[\].attributes\[\].name is missing"):
        made(tmp_path, {"a.json": morpheme("v1")})


KOREAN = "name,label\nv1,안녕\nv2,감사\nv10,안녕\nv11,감사\n"
CHINESE = "name,label\nv1,你好\nv2,谢谢\nv10,你好\nv11,谢谢\n"
JAPANESE = "name,label\nv1,挨拶\nv2,感謝\nv10,挨拶\nv11,感謝\n"
FRENCH = "name,label\nv1,café\nv2,été\nv10,café\nv11,été\n"


def test_an_encoding_that_is_assumed_is_reported_with_three_labels(tmp_path):
    dataset = made(tmp_path, {"a.csv": (KOREAN + "v12,이름\nv13,병원\n").encode("cp949")})
    assert dataset.classes == {0: "감사", 1: "병원", 2: "안녕", 3: "이름"}
    assert "a.csv: the encoding is assumed to be cp949: 안녕, 감사, 이름" in advice_of(dataset)
    (source,) = dataset.report["labels"]
    assert (source["encoding"], source["assumed"], source["labels"]) == ("cp949", True, ["안녕", "감사", "이름"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_encoding_that_the_bytes_tell_is_not_assumed(tmp_path, encoding):
    dataset = made(tmp_path, {"a.csv": KOREAN.encode(encoding)})
    assert dataset.classes == {0: "감사", 1: "안녕"}
    assert not any("assumed" in text for text in advice_of(dataset))


@pytest.mark.parametrize(
    ("text", "written", "given", "classes"),
    [
        (CHINESE, "gbk", "gbk", {0: "你好", 1: "谢谢"}),
        (FRENCH, "latin-1", "latin-1", {0: "café", 1: "été"}),
        (FRENCH, "cp1252", "windows-1252", {0: "café", 1: "été"}),
        (KOREAN, "cp949", "cp949", {0: "감사", 1: "안녕"}),
        (KOREAN, "utf-8", "gbk", {0: "감사", 1: "안녕"}),
        (KOREAN, "utf-16-le", "utf-16-le", {0: "감사", 1: "안녕"}),
        (JAPANESE, "shift_jis", "shift_jis", {0: "感謝", 1: "挨拶"}),
    ],
)
def test_the_option_encoding_says_otherwise(tmp_path, text, written, given, classes):
    dataset = made(tmp_path, {"a.csv": text.encode(written)}, encoding=given)
    assert dataset.classes == classes
    assert not any("assumed" in text for text in advice_of(dataset))


def test_gbk_is_reported_as_it_was_read(tmp_path):
    dataset = made(tmp_path, {"a.csv": CHINESE.encode("gbk")})
    assert "a.csv: the encoding is assumed to be cp949: 콱봤, 剋剋" in advice_of(dataset)


def test_text_that_cannot_be_cp949_asks_for_its_encoding(tmp_path):
    with pytest.raises(AnnotationError) as caught:
        made(tmp_path, {"a.csv": FRENCH.encode("latin-1")})
    assert caught.value.detail.endswith('or set its encoding in the options, such as {"encoding": "gb18030"}')


def test_an_encoding_that_nobody_knows_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="unknown encoding 'klingon': use one of cp949, euc_kr"):
        AnnotationOptions(encoding="klingon")


LABELS = {"labels.csv": "v1,0\nv2,2\nv10,0\nv11,2\n"}


@pytest.mark.parametrize(
    "split_files",
    [
        {"split.json": '{"version":"3.0.0","train":["v1","v2"],"test":["v10","v11"]}'},
        {"split.txt": "name|split\nv1|train\nv2|train\nv10|test\nv11|test\n"},
        {"test.txt": "v10\nv11\n", "train.txt": "v1\nv2\n"},
        {"test_list.txt": "v10.mp4 0\nv11.mp4 2\n", "train_list.txt": "v1.mp4 0\nv2.mp4 2\n"},
        {"test_labels.csv": "v10,0\nv11,2\n", "train_labels.csv": "v1,0\nv2,2\n"},
        {"X.test.corpus.csv": "name|orth\nv10|A\nv11|B\n", "X.train.corpus.csv": "name|orth\nv1|A\nv2|B\n"},
        {"test.json": '["v10", "v11"]', "train.json": '["v1", "v2"]'},
        {
            "nslt_100.json": '{"v1": {"subset": "train", "action": [0, 1, 5]},'
            '"v2": {"subset": "train", "action": [2, 1, 5]},'
            '"v10": {"subset": "test", "action": [0, 1, 9]}, "v11": {"subset": "test", "action": [2, 1, 9]}}'
        },
        {"WLASL.json": json.dumps([{"gloss": "x", "instances": [
            {"video_id": name, "split": "train" if name in ("v1", "v2") else "test"} for name in VIDEOS]}])},
    ],
    ids=lambda files: " ".join(files),
)  # fmt: skip
def test_splits_in_files(tmp_path, split_files):
    dataset = made(tmp_path, LABELS, split_files=split_files)
    assert dataset.splits == {"train": ["v1", "v2"], "test": ["v10", "v11"]}
    assert list(dataset.splits) == ["train", "test"]


def test_a_file_of_one_split_alone(tmp_path):
    dataset = made(tmp_path, LABELS, split_files={"split_train_only.txt": "v1\nv2\n"}, split_policy="drop")
    assert dataset.splits == {"train": ["v1", "v2"]}


def test_a_list_whose_split_nobody_knows_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match=r"put the split into the file's name, as in train.txt"):
        made(tmp_path, LABELS, split_files={"names.txt": "v1\nv2\n"})


@pytest.mark.parametrize("options", [{}, {"split": {"column": "fold"}}])
def test_the_split_column_of_a_label_table(tmp_path, options):
    header = "fold" if options else "subset"
    table = f"name,label,{header}\nv1,a,train\nv2,b,train\nv10,a,test\nv11,b,test\n"
    dataset = made(tmp_path, {"labels.csv": table}, **({"split_files": {}} | options))
    assert dataset.splits == {"train": ["v1", "v2"], "test": ["v10", "v11"]}
    assert any("from the column 'subset'" in text for text in advice_of(dataset)) == (not options)


def refused(tmp_path: Path, labels: dict[str, str | bytes], **given: Any) -> FaultsError:
    with pytest.raises(FaultsError) as caught:
        made(tmp_path, labels, **given)
    return caught.value


def test_when_nothing_matches_three_names_of_each_side_and_the_nearest_are_shown(tmp_path):
    labels = {"train_labels.csv": "".join(f"signer0_sample{number},{number}\n" for number in range(1, 9))}
    names = tuple(f"signer0_sample{number}_color" for number in range(1, 5))
    error = refused(tmp_path, labels, names=names)
    assert error.detail == (
        "no keypoint file has the name of a labeled video. Files: 4, such as 'signer0_sample1_color', "
        "'signer0_sample2_color', 'signer0_sample3_color'; videos in the labels: 8, such as 'signer0_sample1', "
        "'signer0_sample2', 'signer0_sample3'. The most similar names are 'signer0_sample1_color' and "
        "'signer0_sample1', "
        "'signer0_sample2_color' and 'signer0_sample2', 'signer0_sample3_color' and 'signer0_sample3'; the option "
        '{"file_suffix": "_color"} makes them equal. Label files: train_labels.csv was read as CSV of name,index '
        "without a header ('1', '2', '3')"
    )
    assert error.report["mismatch"] == error.detail
    assert [artifact.name for artifact in error.artifacts] == ["report.json", "report.html"]
    dataset = made(tmp_path / "again", labels, names=names, file_suffix="_color")
    assert dataset.indices == {f"signer0_sample{number}": number for number in range(1, 5)}


def test_a_label_map_alone_that_matches_no_file(tmp_path):
    error = refused(tmp_path, {"map.json": '{"화재": 0, "논": 1}'})
    assert "Files: 4, such as 'v1', 'v10', 'v11'; videos in the labels: 2, such as '논', '화재'" in error.detail
    assert "No names are similar" in error.detail
    assert "map.json was read as JSON {label: index}, a label map, or {name: index}" in error.detail


def test_when_filters_leave_nothing_their_counts_and_the_values_are_shown(tmp_path):
    table = "name,label,signer,type\nv1,a,1,word\nv2,b,1,word\nv10,a,2,sentence\nv11,b,3,\n"
    error = refused(tmp_path, {"a.csv": table}, signers=">5", types=["word", "sentence"])
    assert error.detail == (
        "the filters exclude all 4 labeled videos: `types` excludes 1 (values of its column: word (2), empty (1), "
        "sentence (1)), `signers` excludes 3 (values of its column: 1 (2), 2 (1), 3 (1))"
    )


def test_when_filters_leave_only_videos_without_files(tmp_path):
    table = "name,label,signer\nv1,a,1\nv2,b,1\nw1,a,2\n"
    error = refused(tmp_path, {"a.csv": table}, names=("v1", "v2"), signers=2)
    assert error.detail == (
        "no keypoint file has the name of a labeled video. Files: 2, such as 'v1', 'v2'; videos in the "
        "labels: 1, such as 'w1'. Files of videos that the filters exclude: 2. Filters: `signers` excludes 2 (values "
        "of its column: 1 (2), 2 (1))"
    )


def test_when_the_split_names_other_videos(tmp_path):
    files = {"split.json": '{"train": ["clip1", "clip2"], "test": ["v1_color"]}'}
    error = refused(tmp_path, LABELS, split_files=files, split_policy="drop")
    assert error.detail == (
        "no labeled video that has a keypoint file is in a split: 4 labeled videos have a file, such as 'v1', 'v10', "
        "'v11'; the splits are test, train. Names in split.json: 3, such as 'clip1', 'clip2', 'v1_color'. No "
        "names are similar"
    )


def wordlist(count: int) -> list[str]:
    return [f"word{number:03d}" for number in range(count)]


@pytest.mark.parametrize("form", ["KETI", "WLASL", "AUTSL"])
def test_large_tables_in_the_real_forms(tmp_path, form):
    """As many videos as the public sets have; keypoint files of a few, each at its known index."""
    rng = np.random.default_rng(0)
    options: dict[str, Any] = {}
    split_files: dict[str, str | bytes] | None = None
    if form == "KETI":
        words, signers = wordlist(524), rng.integers(1, 31, 43_880)
        names = [f"KETI_SL_{number + 1:010d}" for number in range(43_880)]
        rows = (
            f"{number + 1},{signers[number]},2017,정면,{'단어' if number % 4 else '문장'},{name}.avi,"
            f"{words[number % 524]},\n"
            for number, name in enumerate(names)
        )
        header = "번호,언어 제공자 ID,취득연도,방향,타입(단어/문장),파일명,한국어,\n"
        labels: dict[str, str | bytes] = {"KETI.csv": (header + "".join(rows)).encode("cp949")}
        options = {"types": "단어", "split": {"signer": {"train": ">10", "test": "<=10"}}}
        chosen = {name: number for number, name in enumerate(names) if number % 4 and number % 5_000 == 1}
        kept = [f"word{number:03d}" for number in range(524) if number % 4]
        expected = {name: kept.index(words[number % 524]) for name, number in chosen.items()}
    elif form == "WLASL":
        ids = [f"{number:05d}" for number in rng.permutation(100_000)[:21_083]]
        parts = np.array_split(np.array(ids), 2_000)
        glosses = [
            {"gloss": f"gloss {2_000 - index}", "instances": [
                {"bbox": [1, 2, 3, 4], "fps": 25, "frame_end": -1, "frame_start": 1, "instance_id": position,
                 "signer_id": position % 119, "source": "made up", "split": ("train", "val", "test")[position % 3],
                 "url": "https://example.org/v.mp4", "variation_id": 0, "video_id": str(video)}
                for position, video in enumerate(videos)
            ]}
            for index, videos in enumerate(parts)
        ]  # fmt: skip
        labels, split_files = {"WLASL_v0.3.json": json.dumps(glosses)}, {}
        expected = {str(parts[index][0]): index for index in (0, 7, 1_999)}
    else:
        train = [
            (f"signer{signer}_sample{sample}", (signer * 7 + sample) % 226)
            for signer in range(43)
            for sample in range(1, 845)
        ]
        classes = "".join(f"{index},kelime{index},word{index}\n" for index in range(226))
        labels = {
            "train_labels.csv": "".join(f"{name},{index}\n" for name, index in train[:28_142]),
            "ground_truth.csv": "".join(f"{name},{index}\n" for name, index in train[28_142:]),
            "SignList_ClassId_TR_EN.csv": "ClassId,TR,EN\n" + classes,
        }
        split_files = {
            "train.csv": labels["train_labels.csv"],
            "test.csv": labels["ground_truth.csv"],
        }
        expected = dict(train[:: len(train) // 6])
        options = {"file_suffix": "_color"}
    files = tuple(f"{name}{options.get('file_suffix', '')}" for name in expected)
    dataset = made(tmp_path, labels, split_files=split_files, names=files, **options)
    assert dataset.indices == expected
    assert sum(len(videos) for videos in dataset.splits.values()) == len(expected)
    if form == "AUTSL":
        assert (dataset.classes[225], dataset.report["summary"]["labelled"]) == ("kelime225", 36_292)
    if form == "KETI":
        assert (len(dataset.classes), dataset.report["summary"]["labelled"]) == (393, 32_910)
        assert dataset.report["filtered"] == {"types": 10_970}
    if form == "WLASL":
        assert (dataset.classes[1_999], dataset.report["summary"]["labelled"]) == ("gloss 1", 21_083)
        assert list(dataset.splits) == ["train", "val", "test"]

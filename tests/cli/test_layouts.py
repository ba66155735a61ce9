"""`heatsvc layouts`."""

from __future__ import annotations

import json

import pytest

from heatsvc.cli.main import main
from heatsvc.pose import LAYOUTS
from tests.cli.command import line_of


def test_all_are_listed(capsys: pytest.CaptureFixture[str]):
    assert main(["layouts"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert names == ["layout", *LAYOUTS]


def test_the_points_of_one(capsys: pytest.CaptureFixture[str]):
    assert main(["layouts", "sign27"]) == 0
    head, first, second, *_ = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["index", "point", "joined", "with", "mirrored"]
    assert first == ["0", "nose", "1,", "2"]
    assert second == ["1", "left_shoulder", "0,", "3", "2"]


def test_as_json(capsysbinary: pytest.CaptureFixture[bytes]):
    assert main(["layouts", "--json"]) == 0
    assert [each["name"] for each in json.loads(capsysbinary.readouterr().out)] == list(LAYOUTS)
    assert main(["layouts", "sign27", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["points"][:2] == ["nose", "left_shoulder"]


def test_an_unknown_one(capsys: pytest.CaptureFixture[str]):
    assert main(["layouts", "sign72"]) == 2
    assert line_of(capsys.readouterr().err).startswith(
        "heatsvc layouts: there is no layout 'sign72': did you mean sign27? Known names: coco17, "
    )

"""The command `heatsvc`, and the other ways to start the service."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

import heatsvc
from heatsvc.app import create_app
from heatsvc.cli.main import COMMANDS, Command, main
from heatsvc.settings import Settings
from tests.cli.command import line_of, run
from tests.serving import LOG, ROOT, SERVE, has, served


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a `.env`, in which the examples are found as in the clone's root."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "openapi").symlink_to(ROOT / "openapi")
    return tmp_path


def announced(cwd: Path) -> str:
    """What `heatsvc serve` has said when it is ready."""
    until = time.monotonic() + 10
    while "-o heatmaps.npy" not in (text := (cwd / LOG).read_text()):
        assert time.monotonic() < until, text
        time.sleep(0.02)
    return text


def test_module_can_be_run(elsewhere: Path):
    done = run("--help", cwd=elsewhere)
    assert done.returncode == 0
    shown = done.stdout.decode()
    for command in COMMANDS:
        first = command.help.partition("\n")[0]
        assert re.search(rf"│ {command.name} +{re.escape(first)}", shown), command.name


def test_help_imports_no_command(elsewhere: Path):
    """Its own modules, and those of cyclopts and rich: so it is there in a fraction of a second."""
    code = "import sys\nfrom heatsvc.cli.main import main\nmain(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=elsewhere)
    loaded = {module.partition(".")[0] for module in done.stderr.split()}
    assert not loaded & {"numpy", "pydantic", "fastapi", "uvicorn", "torch", "orjson"}


def test_version(capsys: pytest.CaptureFixture[str]):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"heatsvc {heatsvc.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_help_has_an_example(command: Command, capsys: pytest.CaptureFixture[str]):
    assert main([command.name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"Usage: heatsvc {command.name}" in shown
    assert command.examples
    for line in "\n".join(command.examples).splitlines():
        assert line.strip() in shown


EXAMPLES = [
    pytest.param(example, id=command.name)
    for command in COMMANDS
    if command.name not in ("serve", "worker")  # which do not end
    for example in command.examples
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_work(example: str, elsewhere: Path):
    (elsewhere / "tests").symlink_to(ROOT / "tests")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    # The port of another service may be in use.
    environment |= {"HEATSVC_PORT": "0"} if "doctor" in example else {}
    done = subprocess.run(
        ["bash", "-euc", example], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_command_it_lists_them(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 2
    assert "Usage: heatsvc COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["drow"], "heatsvc: there is no command 'drow': did you mean draw? (`heatsvc --help` lists all)"),
        (
            ["--versoin"],
            "heatsvc: there is no command '--versoin': did you mean --version? (`heatsvc --help` lists all)",
        ),
        (
            ["serve", "--port", "http"],
            'heatsvc serve: invalid value for --port: unable to convert "http" into int',
        ),
        (
            ["serve", "--prot", "80"],
            "heatsvc serve: unknown option: --prot. Did you mean --port? (`heatsvc serve --help` lists all)",
        ),
        (["serve", "here"], "heatsvc serve: 'here' belongs to no option (`heatsvc serve --help` lists all)"),
        (["settings", "--jsn"], "heatsvc settings: unknown option: --jsn. Did you mean --json?"),
        (["worker", "--alive=perhaps"], "heatsvc worker: invalid value for --alive"),
    ],
)
def test_wrong_usage_is_a_line(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert (line_of(said.err).startswith(why), said.out) == (True, ""), said


def test_completion_is_installed_for_a_shell(elsewhere: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["--install-completion", "--shell", "fish", "--output", "heatsvc.fish"]) == 0
    assert capsys.readouterr().out == f"{elsewhere / 'heatsvc.fish'} is written: start the shell again to use it\n"
    script = (elsewhere / "heatsvc.fish").read_text()
    for word in ("draw", "annotate", "img-shape", "select", "pipeline", "float16"):
        assert word in script


def test_completion_is_named_in_the_startup_file_of_the_shell(elsewhere: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(elsewhere))
    assert main(["--install-completion", "--shell", "bash"]) == 0
    [line] = [line for line in (elsewhere / ".bashrc").read_text().splitlines() if not line.startswith("#")]
    script = elsewhere / ".local" / "share" / "bash-completion" / "completions" / "heatsvc"
    assert str(script) in line
    completed = subprocess.run(
        [
            "bash",
            "-c",
            f"source {script}; COMP_WORDS=(heatsvc draw --mode ''); COMP_CWORD=3; _heatsvc; echo ${{COMPREPLY[*]}}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed.stdout == "max joint channel\n"


def test_entry_point():
    (entry,) = entry_points(group="console_scripts", name="heatsvc")
    assert entry.load() is main


def test_settings_of_environment_and_env_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (elsewhere / ".env").write_text("HEATSVC_PORT=9001\nHEATSVC_MAX_CLIPS=7\nOTHER=1\n")
    monkeypatch.setenv("HEATSVC_PORT", "9002")
    monkeypatch.setenv("HEATSVC_CORS_ORIGINS", "https://a.example, https://b.example")
    assert main(["settings"]) == 0
    lines = capsys.readouterr().out.splitlines()
    printed = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert printed["HEATSVC_PORT"] == "9002"
    assert printed["HEATSVC_MAX_CLIPS"] == "7"
    assert printed["HEATSVC_CORS_ORIGINS"] == "https://a.example,https://b.example"
    assert printed["HEATSVC_HOST"] == "127.0.0.1"
    assert "(default 8000)" in lines[lines.index("HEATSVC_PORT=9002") - 1]


@pytest.mark.parametrize("folder", ["data", "a folder", "it's #1", "back\\slash", "/srv/\u30ad\u30fc"])
def test_printed_settings_read_back_the_same(
    folder: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    given = {"WORKERS": "3", "ACCESS_LOG": "no", "IDLE_SECONDS": "2.5", "DATA_DIR": folder, "CORS_ORIGINS": "a, b"}
    for name, value in given.items():
        monkeypatch.setenv(f"HEATSVC_{name}", value)
    expected = Settings()
    assert main(["settings"]) == 0
    for name in given:
        monkeypatch.delenv(f"HEATSVC_{name}")
    assert Settings() != expected
    (elsewhere / ".env").write_text(capsys.readouterr().out)
    assert Settings() == expected


def test_settings_as_json(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]):
    monkeypatch.setenv("HEATSVC_API_KEYS", "open-sesame")
    monkeypatch.setenv("HEATSVC_PORT", "9002")
    assert main(["settings", "--json"]) == 0
    printed = json.loads(capsysbinary.readouterr().out)
    assert (printed["HEATSVC_PORT"], printed["HEATSVC_ACCESS_LOG"], printed["HEATSVC_API_KEYS"]) == (9002, True, None)


def test_settings_do_not_print_keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("HEATSVC_API_KEYS", "open-sesame,shut-sesame")
    assert main(["settings"]) == 0
    out = capsys.readouterr().out
    assert "# HEATSVC_API_KEYS=... is set; its value is not printed" in out
    assert "sesame" not in out


def test_an_unknown_variable_is_warned_of(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (elsewhere / ".env").write_text("HEATSVC_PUBLISH=80\nHEATSVC_WORKER=2\n")
    monkeypatch.setenv("HEATSVC_PROT", "9002")
    monkeypatch.setenv("HEATSVC_XYZ", "1")
    assert main(["settings"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "heatsvc: HEATSVC_PROT is not a setting: did you mean HEATSVC_PORT?",
        "heatsvc: HEATSVC_WORKER is not a setting: did you mean HEATSVC_WORKERS?",
        "heatsvc: HEATSVC_XYZ is not a setting",
    ]


def test_a_closed_pipe_ends_a_command_without_a_traceback():
    process = subprocess.Popen(
        [sys.executable, "-m", "heatsvc", "settings"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


@pytest.mark.parametrize(
    ("closed", "arguments", "status", "why"),
    [
        (0, ["draw", "-", "-o", "a.npy"], 1, "heatsvc draw: standard input: the file is empty"),
        (1, ["presets"], 1, "heatsvc presets: Bad file descriptor"),
        (2, ["nonsense"], 2, ""),
    ],
)
def test_a_closed_standard_stream_is_no_traceback(
    closed: int, arguments: list[str], status: int, why: str, elsewhere: Path
):
    done = subprocess.run(
        [sys.executable, "-m", "heatsvc", *arguments],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.close(closed),
    )
    assert done.returncode == status
    assert done.stderr.startswith(why)
    assert len(done.stderr.splitlines()) == bool(why)


def test_a_terminal_of_no_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("COLUMNS", "0")
    assert main(["presets", "--help"]) == 0
    assert "List the pipelines that have a name" in capsys.readouterr().out


def test_ctrl_c_ends_a_command_without_a_traceback(monkeypatch: pytest.MonkeyPatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("heatsvc.settings.load_settings", interrupted)
    assert main(["settings"]) == 130


@pytest.mark.parametrize("command", ["settings", "serve"])
def test_setting_that_cannot_be_is_reported_by_its_name(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HEATSVC_MAX_CLIPS", "many")
    with pytest.raises(SystemExit, match="2"):
        main([command])
    assert capsys.readouterr().err.startswith("heatsvc: HEATSVC_MAX_CLIPS cannot be 'many': ")


def test_key_that_cannot_be_is_not_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("HEATSVC_API_KEYS", "open-sesame")
    monkeypatch.setenv("HEATSVC_PORT", "70000")
    with pytest.raises(SystemExit, match="2"):
        main(["settings"])
    err = capsys.readouterr().err
    assert "HEATSVC_PORT" in err
    assert "sesame" not in err


def test_openapi_document_is_the_committed_one(monkeypatch: pytest.MonkeyPatch, capfdbinary):
    """`make openapi` writes it; what is set for this machine does not show in it."""
    monkeypatch.setenv("HEATSVC_MAX_CLIPS", "7")
    assert main(["openapi"]) == 0
    printed = capfdbinary.readouterr().out
    assert json.loads(printed) == json.loads((ROOT / "openapi" / "openapi.json").read_text())
    assert printed == (ROOT / "openapi" / "openapi.json").read_bytes()


def test_factory_reads_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEATSVC_MAX_CLIPS", "7")
    app = create_app()
    assert isinstance(app, FastAPI)
    assert app.state.service.settings.max_clips == 7


def test_uvicorn_runs_the_factory(elsewhere: Path):
    with served(
        elsewhere, sys.executable, "-m", "uvicorn", "--factory", "heatsvc.app:create_app", "--port", "{port}"
    ) as port:
        assert port


def test_serve_listens_on_host_and_port(elsewhere: Path):
    """`--port` goes before the environment, the environment before `.env`."""
    (elsewhere / ".env").write_text("HEATSVC_HOST=192.0.2.1\nHEATSVC_PORT=1\n")
    with served(elsewhere, *SERVE, HEATSVC_HOST="127.0.0.1", HEATSVC_PORT="2") as port:
        address = f"http://127.0.0.1:{port}"
        assert f": open {address}/ in a browser ({address}/docs is" in announced(elsewhere)


def test_an_unusable_data_folder_is_reported_in_one_line(elsewhere: Path):
    (elsewhere / "file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "heatsvc", "serve", "--port", "0"],
        env={**os.environ, "HEATSVC_DATA_DIR": "file/data"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(
        r"heatsvc serve: file/data: the data directory .* cannot be used: Not a directory\n", done.stderr
    )


def test_serve_below_a_root_path(elsewhere: Path):
    """As behind a proxy that removes the prefix and says where a request came from."""
    with served(elsewhere, *SERVE, "--root-path", "/prefix", HEATSVC_FORWARDED_ALLOW_IPS="127.0.0.1") as port:
        headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        address = f"http://127.0.0.1:{port}"
        page = httpx.get(address, headers=headers)
        assert (page.status_code, 'href="static/app.css"' in page.text) == (200, True)  # below any prefix
        assert httpx.get(f"{address}/docs-assets/swagger-ui.css", headers=headers).status_code == 200
        assert httpx.get(f"{address}/openapi.json").json()["servers"][0] == {"url": "/prefix"}
        assert '"client":"192.0.2.7"' in (elsewhere / LOG).read_text()


if has("curl"):

    def test_printed_curl_line_works(elsewhere: Path):
        with served(elsewhere) as port:
            (line,) = [line for line in announced(elsewhere).splitlines() if line.startswith("  curl ")]
            subprocess.run(["bash", "-c", line], cwd=elsewhere, check=True, capture_output=True)
            assert f"http://127.0.0.1:{port}/heatmap" in shlex.split(line)
        assert np.load(elsewhere / "heatmaps.npy").shape == (95, 27, 64, 64)

"""What the service is deployed with: the image, the compose file, Prometheus. No Docker is needed to check them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import heatsvc
from heatsvc.settings import Settings
from tests.serving import ROOT, free_port, has, served

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = YAML(typ="safe").load(ROOT / "docker-compose.yml")
GPU_COMPOSE = YAML(typ="safe").load(ROOT / "docker-compose.gpu.yml")
PROMETHEUS = YAML(typ="safe").load(ROOT / "deploy" / "prometheus.yml")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())


def jobs(workflow: Path) -> dict[str, Any]:
    """A workflow's jobs by name."""
    return dict(YAML(typ="safe").load(workflow)["jobs"])


def instructions(name: str) -> list[str]:
    """The arguments of the Dockerfile's instructions of that name, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", "".join(line for line in DOCKERFILE.splitlines(True) if line[:1] != "#"))
    return [line.removeprefix(f"{name} ") for line in joined.splitlines() if line.startswith(f"{name} ")]


def environment() -> dict[str, str]:
    """What the image sets."""
    return dict(pair.split("=", 1) for pair in " ".join(instructions("ENV")).split())


if has("make"):

    def test_make_run_takes_host_and_port_from_its_own_command_line_alone():
        """Compilers of conda export a HOST."""

        def serves(*arguments: str) -> list[str]:
            command = ("make", "--dry-run", "run", *arguments)
            own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
            exported = {**own, "HOST": "x86_64-conda-linux-gnu", "PORT": "1"}  # the tests' own make passes its flags on
            done = subprocess.run(command, cwd=ROOT, env=exported, capture_output=True, text=True, check=True)
            return done.stdout.splitlines()[-1].split()

        assert serves() == [".venv/bin/heatsvc", "serve"]
        assert serves("HOST=::", "PORT=9001") == [".venv/bin/heatsvc", "serve", "--host", "::", "--port", "9001"]


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.gpu.yml"])
def test_compose_files_are_valid(name: str):
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(ROOT / name))
    subprocess.run(check, check=True)


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.citation-file-format", "CITATION.cff"),
        ("vendor.dependabot", ".github/dependabot.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("vendor.github-workflows", ".github/workflows/*.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/*.yml"),
    ],
)
def test_files_for_github_are_valid(schema: str, pattern: str):
    paths = [str(path) for path in ROOT.glob(pattern)]
    assert paths
    subprocess.run((sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *paths), check=True)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path):
    """But for the one whose maintainers ask for a branch."""
    used = [step["uses"] for job in jobs(path).values() for step in job["steps"] if "uses" in step]
    others = [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each)]
    assert set(others) <= {"pypa/gh-action-pypi-publish@release/v1"}


def test_only_jobs_of_a_release_may_write():
    rights = {}
    for path in WORKFLOWS:
        assert YAML(typ="safe").load(path)["permissions"] == {"contents": "read"}
        for name, job in jobs(path).items():
            writes = {right for right, level in job.get("permissions", {}).items() if level == "write"}
            if writes:
                rights[f"{path.stem}: {name}"] = writes
    assert rights == {
        "release: attest": {"id-token", "attestations"},
        "release: publish": {"id-token"},
        "release: image": {"packages", "id-token", "attestations"},
        "release: release": {"contents"},
    }


def test_what_is_published_waits_for_a_tag():
    """The first job of these has the condition, and the others need it."""
    release = jobs(ROOT / ".github/workflows/release.yml")
    assert release["attest"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert (release["publish"]["needs"], release["image"]["needs"]) == ("attest", "attest")
    assert release["release"]["needs"] == "publish"


def test_the_citation_is_of_this_version():
    assert YAML(typ="safe").load(ROOT / "CITATION.cff")["version"] == heatsvc.__version__


def test_gpu_compose_reserves_a_gpu_and_pins_torch():
    web, worker = GPU_COMPOSE["services"]["heatsvc"], GPU_COMPOSE["services"]["worker"]
    (device,) = web["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert web["environment"]["HEATSVC_DEVICE"] == "${HEATSVC_DEVICE:-cuda}"
    assert web["build"] == worker["build"]
    assert web["build"]["args"]["EXTRA"] == "torch"
    assert re.search(r"^torch==[\d.]+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert web["image"].startswith(COMPOSE["services"]["heatsvc"]["image"])


def test_compose_serves_with_volume_limits_and_healthcheck():
    for name in ("heatsvc", "worker"):
        service = COMPOSE["services"][name]
        assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()
        assert {"interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys()
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "profiles" not in service
        for volume in service["volumes"]:
            assert re.split(r":(?=/)", volume)[0].rpartition(":-")[2].rstrip("}") in COMPOSE["volumes"]


def test_compose_builds_apart_from_the_web_service():
    web, worker = COMPOSE["services"]["heatsvc"], COMPOSE["services"]["worker"]
    assert web["environment"]["HEATSVC_BUILD_WORKERS"] == "0"
    assert worker["command"] == ["heatsvc", "worker"]
    for shared in ("image", "build", "volumes"):
        assert web[shared] == worker[shared]
    for shared in ("HEATSVC_DATA_DIR", "HEATSVC_DATASETS_DIR"):
        assert web["environment"][shared] == worker["environment"][shared]
    mounted = {volume.split(":/")[1] for volume in web["volumes"]}
    assert mounted == {"var/lib/heatsvc", "datasets:ro"}
    assert web["environment"]["HEATSVC_DATA_DIR"] == environment()["HEATSVC_DATA_DIR"] == "/var/lib/heatsvc"


def test_the_worker_needs_no_network_and_is_restarted():
    worker = COMPOSE["services"]["worker"]
    assert worker["network_mode"] == "none"
    assert worker["restart"] == "unless-stopped"


def test_only_web_services_publish_ports_and_to_this_machine_only():
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert published.keys() == {"heatsvc", "prometheus"}
    for name, (port,) in published.items():
        assert ":-127.0.0.1:" in port, name


def test_monitoring_is_a_profile_with_prometheus():
    prometheus = COMPOSE["services"]["prometheus"]
    assert prometheus["profiles"] == ["monitoring"]
    (config, _) = prometheus["volumes"]
    source, target, mode = config.split(":")
    assert (ROOT / source).is_file()
    assert (target, mode) == ("/etc/prometheus/prometheus.yml", "ro")


def test_prometheus_asks_the_service():
    (job,) = PROMETHEUS["scrape_configs"]
    (static,) = job["static_configs"]
    (target,) = static["targets"]
    host, port = target.split(":")
    assert COMPOSE["services"][host]["environment"]["HEATSVC_PORT"] == port
    assert job["metrics_path"] == "/metrics"


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_images_have_a_version(name: str):
    tag = COMPOSE["services"][name]["image"].rpartition(":")[2]
    assert re.match(r"v?\d+\.\d+", tag)
    if name in ("heatsvc", "worker"):
        assert tag == heatsvc.__version__


def test_base_image_can_be_given_and_has_a_version():
    assert instructions("FROM") == ["${BASE_IMAGE} AS build", "${BASE_IMAGE}"]
    argument, _ = instructions("ARG")
    assert re.fullmatch(r"BASE_IMAGE=python:3\.1[1-9]-slim-\w+", argument)
    assert argument.partition("=")[2] in COMPOSE["services"]["heatsvc"]["build"]["args"]["BASE_IMAGE"]


def test_image_runs_as_a_user_without_rights():
    (user,) = instructions("USER")
    uid, gid = map(int, user.split(":"))
    assert min(uid, gid) >= 10_000


def test_image_starts_without_a_shell():
    assert [json.loads(command) for command in instructions("CMD")] == [["heatsvc", "serve"]]


def test_image_installs_the_pinned_versions():
    assert any("-c constraints.txt" in command for command in instructions("RUN"))


def test_image_gets_what_it_copies_and_nothing_else():
    lines = [line for line in instructions("COPY") if not line.startswith("--from=")]
    copied = {source for line in lines for source in line.split()[:-1]}
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


def test_variables_of_image_and_compose_are_settings():
    known = {f"HEATSVC_{name.upper()}" for name in Settings.model_fields}
    named = {name for name in environment() if name.startswith("HEATSVC_")} - {"HEATSVC_REQUIRE_NATIVE"}
    for name in ("heatsvc", "worker"):
        assert named | COMPOSE["services"][name]["environment"].keys() <= known


def test_image_has_compiled_kernels_and_no_compiler():
    build, _, final = DOCKERFILE.partition("\nFROM ${BASE_IMAGE}\n")
    assert "g++" in build
    assert "g++" not in final
    assert environment()["HEATSVC_REQUIRE_NATIVE"] == "1"
    assert environment()["HEATSVC_KERNELS"] == "native"


def test_healthcheck_tells_a_ready_service_from_none(tmp_path: Path):
    (check,) = instructions("HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])
    assert command[0] == "python"

    def healthy(port: int) -> bool:
        variables: dict[str, Any] = {**os.environ, "HEATSVC_PORT": str(port)}
        words = [sys.executable, *command[1:]]
        return subprocess.run(words, env=variables, capture_output=True, check=False).returncode == 0

    with served(tmp_path) as port:
        assert healthy(port)
    assert not healthy(free_port())


def test_workers_healthcheck_tells_a_worker_from_none(tmp_path: Path):
    test, *command = COMPOSE["services"]["worker"]["healthcheck"]["test"]
    assert test == "CMD"
    assert command[0] == "heatsvc"
    variables = {**os.environ, "HEATSVC_DATA_DIR": str(tmp_path / "data")}

    def healthy() -> bool:
        words = [sys.executable, "-m", *command]
        return subprocess.run(words, env=variables, capture_output=True, check=False).returncode == 0

    assert not healthy()
    words = [sys.executable, "-m", *COMPOSE["services"]["worker"]["command"]]
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(words, cwd=tmp_path, env=variables, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not healthy():
            assert worker.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, "is not healthy"
    finally:
        worker.terminate()
        assert worker.wait(timeout=30) == 0
    assert not healthy()

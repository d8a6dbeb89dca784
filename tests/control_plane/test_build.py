"""The programs of a control plane are found where somebody has put them, and CI says what it could not play."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.control_plane import build

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has no Go and has built nothing."""
    return {"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """A folder with something under the name of each program."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for name in build.PROGRAMS:
        (folder / name).touch()
    return folder


def built(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What `make control-plane` does there."""
    command = [sys.executable, "-m", "tests.control_plane.build"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_programs_that_somebody_has_put_somewhere_need_no_go(assets: Path, bare: dict[str, str]) -> None:
    done = built(bare | {"KUBEBUILDER_ASSETS": str(assets)})
    assert (done.returncode, str(assets) in done.stderr) == (0, True), done.stderr
    assert not Path(bare["XDG_CACHE_HOME"]).exists()


def test_the_programs_of_that_folder_come_first(
    assets: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    monkeypatch.setenv("PATH", bare["PATH"])
    assert {build.program(name) for name in build.PROGRAMS} == {assets / name for name in build.PROGRAMS}
    assert build.missing() == []


def test_a_folder_with_some_of_them_leaves_the_others_to_go(assets: Path, bare: dict[str, str]) -> None:
    (assets / "kwok").unlink()
    done = built(bare | {"KUBEBUILDER_ASSETS": str(assets)})
    assert done.returncode == build.EXIT_NO_GO
    assert "there is no kwok in KUBEBUILDER_ASSETS" in done.stderr


def run_ci(folder: Path, *, build_ends_with: int) -> tuple[int, list[str]]:
    """`.ci/run` where `make` and `pytest` only say that they were called; its exit code and what it said."""
    for name, program in (
        ("bin/make", 'echo "make $*"'),
        (".venv/bin/pytest", "echo pytest"),
        (".venv/bin/python", f'echo "python $*"; exit {build_ends_with}'),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{program}\n")
        path.chmod(0o755)
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    environment = {"PATH": f"{folder / 'bin'}:{os.defpath}"}
    done = subprocess.run([folder / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_ci_plays_the_real_control_plane_wherever_there_is_one(tmp_path: Path) -> None:
    code, said = run_ci(tmp_path, build_ends_with=0)
    assert code == 0
    assert said.index("python -m tests.control_plane.build") < said.index("make test-cluster")
    assert not any(line.startswith("LEFT OUT: make test-cluster") for line in said)


def test_ci_says_that_it_left_out_the_control_plane_where_there_is_none(tmp_path: Path) -> None:
    code, said = run_ci(tmp_path, build_ends_with=build.EXIT_NO_GO)
    assert code == 0
    assert "make test-cluster" not in said
    assert any(line.startswith("LEFT OUT: make test-cluster: there is no") for line in said)


def test_ci_fails_where_the_control_plane_cannot_be_built_although_there_is_go(tmp_path: Path) -> None:
    code, said = run_ci(tmp_path, build_ends_with=1)
    assert code == 1
    assert "make test-cluster" not in said


def test_ci_plays_every_benchmark_or_says_that_it_left_it_out(tmp_path: Path) -> None:
    benchmarks = set(re.findall(r"^(bench-\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    _, said = run_ci(tmp_path, build_ends_with=0)
    assert len(benchmarks) >= 4
    for name in sorted(benchmarks):
        assert any(re.match(rf"(LEFT OUT: )?make {name}\b", line) for line in said), name

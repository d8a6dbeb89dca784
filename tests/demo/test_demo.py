"""The main job: 1.1 is let through and 1.2 is held back, also when the gate is killed on the way."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import pytest

from gate.reports.verification import verify
from gate.sandbox.demo.play import RUNS, play
from gate.sandbox.demo.snapshot import Snapshot
from gate.sandbox.demo.stage import Stage

KILLS = range(int(os.environ.get("CHAOS_GATE_TEST_KILLS", "1")))
"""How many demos to play with a gate that is killed; the seed of each is its number."""

pytestmark = pytest.mark.demo


class Nobody:
    """Nobody watches."""

    def say(self, line: str) -> None:
        """Not heard."""

    def show(self, title: str, snapshot: Snapshot) -> None:
        """Not seen."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""


def alive(folder: Path) -> list[str]:
    """The processes whose command line or environment names the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in said and int(process.name) != os.getpid():
            found.append(process.name)
    return found


def test_the_demo_lets_1_1_through_and_holds_1_2_back_for_the_right_reason(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "gate.cli",
            "demo",
            "--keep",
            str(tmp_path / "kept"),
            "--json",
            str(tmp_path / "demo.json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads((tmp_path / "demo.json").read_text())
    assert result["ok"]
    good, bad = result["upgrades"]
    assert (good["image"], good["verdict"], good["reason"], good["score"]) == ("checkout:1.1", "PASSED", None, 100)
    assert (bad["image"], bad["verdict"]) == ("checkout:1.2", "FAILED")
    assert bad["reason"] in {"ProbeFailed", "RecoveryTooSlow"}
    assert "customers can buy" in bad["message"]
    assert "pod-kill of Pod shop/inventory" in bad["message"]
    assert (good["production_job"], bad["production_job"]) == ("success", "skipped")
    assert good["version"] != bad["version"]
    for upgrade, final in ((good, "success"), (bad, "failed")):
        assert upgrade["digests"]["checkout"].startswith("sha256:")
        assert [run["workflow"] for run in upgrade["runs"]] == ["survives-pod-loss", "survives-inventory-loss"]
        for run in upgrade["runs"]:
            assert run["effects"]
            assert all(undo["reverted"] for undo in run["undo"])
            assert all(target["uid"] and target["digest"].startswith("sha256:") for target in run["targets"])
        assert upgrade["runs"][0]["targets"][0]["digest"] == upgrade["digests"]["checkout"]
        visible = upgrade["statuses"][-1]
        assert (visible["name"], visible["status"]) == ("chaos/staging/checkout", final)
        assert len({row["id"] for row in upgrade["statuses"]}) == 1
    files = list((tmp_path / "kept" / "gate" / "evidence").glob("shop/*"))
    verified = [verify(file) for file in files]
    assert [each.problems for each in verified if not each.same] == []
    given = sorted(str(each.given.judgement.verdict) for each in verified if each.given)
    assert given == ["FAILED", "PASSED", "PASSED", "PASSED"]
    assert alive(tmp_path) == []


@pytest.mark.thorough
@pytest.mark.parametrize("seed", KILLS)
def test_a_gate_that_is_killed_on_the_way_gives_the_same_verdicts_and_makes_no_extra_run(
    tmp_path: Path, seed: int
) -> None:
    over = threading.Event()
    with Stage(tmp_path) as stage:

        def kill() -> None:
            if not over.wait(random.Random(seed).uniform(0.5, 36)):
                os.kill(stage.gate.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            result = play(stage, Nobody())
            runs = stage.object(RUNS)["items"]
        finally:
            over.set()
            killer.join()
    log = (tmp_path / "gate.log").read_text()
    assert stage.gate.starts == 2, log
    assert result["ok"], json.dumps(result, indent=1) + log
    assert len(runs) == 4
    assert alive(tmp_path) == []

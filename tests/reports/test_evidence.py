"""The evidence file of a run: everything is in it, and a verdict that anybody can come to again."""

import os
import stat
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.codec import Codec
from gate.model import Compared, Isolation, Judgement, Reason, RunPhase, RunStatus, Sample, Verdict
from gate.reports.chain import Unfinished
from gate.reports.evidence import EvidenceFolder
from gate.reports.verification import verify
from gate.running.judge import judge
from gate.running.ports import LoadSummary
from tests.reports.files import KEEP, RUN, Lines, lines, of, played, record
from tests.running.copied import NEW, NEW_KEY, CopyingStage, DiesComparing, pod_of, spec
from tests.running.simulation import (
    SPEC,
    START,
    STEP,
    Killed,
    Life,
    Service,
    Stage,
    Traffic,
    seconds,
    with_load,
    with_steps,
)

SUPERSEDED = Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED, message="v2 is out")
LOST = Judgement(verdict=Verdict.ERRORED, reason=Reason.EXECUTOR_LOST, message="the gate was told to stop")
WEAK = LoadSummary(due=100, sent=50, failed=0)


def times_of(samples: Lines) -> list[datetime]:
    return [datetime.fromisoformat(each["at"]) for each in samples]


def test_a_file_has_the_plan_and_all_that_was_seen_and_done(tmp_path: Path) -> None:
    found = lines(played(tmp_path))
    assert found[0]["kind"] == "run"
    plan = found[0]["content"]["spec"]
    assert (plan["seed"], plan["revision"], plan["workflow"]["name"]) == ("seed", "r1", "survives-outage")
    assert [each["name"] for each in of("target", found)] == ["checkout-1"]
    assert [each["name"] for each in of("after", found)] == ["checkout-1"]
    (undo,) = of("undo", found)
    assert undo["injected"] < undo["reverted"]
    assert [each["what"] for each in of("effect", found)] == ["the lights are out"]
    assert any("took back outage" in each["what"] for each in of("note", found))
    (verdict,) = of("verdict", found)
    assert verdict["judgement"]["verdict"] == "FAILED"
    assert found[-1]["kind"] == "end"


def test_each_sample_is_there_once_with_its_own_time(tmp_path: Path) -> None:
    found = lines(played(tmp_path, Stage(Service(suffers=False))))
    samples = of("sample", found)
    times = times_of(samples)
    assert len(times) == len(set(times)) == sum(each["samples"] for each in of("summary", found))
    between = {later - earlier for earlier, later in pairwise(times)}
    assert max(between) < seconds(0.2)
    assert {each["window"] for each in samples} == {"before", "during", "after"}


def stages() -> dict[str, Stage]:
    fine = Service(suffers=False)
    return {
        "it stands it": Stage(fine),
        "it stands it twice": Stage(fine, spec=with_steps(STEP, replace(STEP, name="again"))),
        "it breaks": Stage(),
        "it does not recover": Stage(Service(recovers_after=None), spec=with_steps(STEP, replace(STEP, name="again"))),
        "it is unsteady by itself": Stage(Service(unsteady=True)),
        "nothing is felt": Stage(Service(felt=False)),
        "nothing is there": Stage(Service(pods=())),
        "the version changes": Stage(replace(fine, version="v2")),
        "it cannot be taken back": Stage(Service(stuck=True)),
        "the load is weak": Stage(fine, spec=with_load(), load=Traffic(WEAK)),
        "it is stopped at once": Stage(stop=lambda: SUPERSEDED),
        "it is not allowed": Stage(refusal=SUPERSEDED),
    }


@pytest.mark.parametrize("name", stages())
def test_the_verdict_from_the_file_is_the_verdict_of_the_gate(tmp_path: Path, name: str) -> None:
    stage = stages()[name]
    verified = verify(played(tmp_path, stage))
    judgement, score = judge(stage.spec, stage.journal.status.evidence)
    assert verified.computed is not None
    assert (verified.computed.judgement, verified.computed.score) == (judgement, score)
    assert verified.same, verified.problems


@pytest.mark.parametrize("moment", [1, 2.5, 4, 7, 9])
def test_a_run_that_is_stopped_at_any_moment_is_judged_the_same(tmp_path: Path, moment: float) -> None:
    stage = Stage(Service(suffers=False), spec=with_steps(STEP, replace(STEP, name="again")))
    stage.stop = lambda: SUPERSEDED if stage.clock.monotonic() >= moment else None
    verified = verify(played(tmp_path, stage))
    assert verified.given is not None
    assert verified.given.judgement == SUPERSEDED
    assert verified.same, verified.problems


def test_the_timeline_of_the_run_has_the_hash_of_its_file(tmp_path: Path) -> None:
    stage = Stage()
    file = played(tmp_path, stage)
    assert (
        stage.journal.status.timeline[-1].what == f"the evidence is in shop/{file.name}, sha256 {verify(file).digest}"
    )
    assert stage.journal.status.phase is RunPhase.EXECUTED


# ---------------------------------------------------------------------------------------------------- what is not ended


@pytest.mark.parametrize("point", [3, 5, 7, 9])
def test_the_file_of_an_executor_that_was_killed_is_seen_to_be_unfinished(tmp_path: Path, point: int) -> None:
    stage = Stage(Service(suffers=False))
    stage.record = record(tmp_path)
    with pytest.raises(Killed):
        stage.execute(Life(ends_at=point))
    (file,) = tmp_path.glob("shop/*")
    assert file.name.endswith(".jsonl.gz.part")
    with pytest.raises(Unfinished, match="is not finished"):
        verify(file)
    stage.record.close()


def test_whoever_takes_over_writes_a_file_of_his_own_that_is_judged_the_same(tmp_path: Path) -> None:
    """The first one saw the service break, the second one that it does not come back."""
    stage = Stage(Service(recovers_after=None))
    first = stage.record = record(tmp_path)
    stage.stop = lambda: LOST if stage.clock.monotonic() >= 2.7 else None
    assert stage.execute().phase is RunPhase.RUNNING
    first.close()
    stage.restart()
    stage.stop = lambda: None
    verified = verify(played(tmp_path, stage))
    assert verified.carried > 0
    assert verified.given is not None
    assert verified.given.judgement.verdict is Verdict.FAILED
    assert verified.same, verified.problems
    assert sorted(file.suffix for file in tmp_path.glob("shop/*")) == [".gz", ".part"]


def test_a_run_that_is_begun_again_counts_its_last_attempt(tmp_path: Path) -> None:
    stage = Stage(Service(suffers=False))
    stage.record = record(tmp_path)
    stage.stop = lambda: LOST if stage.clock.monotonic() >= 3 else None
    stage.execute()
    stage.record.close()
    stage.restart()
    stage.stop = lambda: None
    file = played(tmp_path, stage)
    assert [each["number"] for each in of("attempt", lines(file))] == [2]
    verified = verify(file)
    assert (verified.same, verified.carried) == (True, 0)


@pytest.mark.parametrize("isolation", list(Isolation))
def test_a_comparison_that_was_begun_anew_is_judged_the_same(tmp_path: Path, isolation: Isolation) -> None:
    """What the lost executor saw of the version before is not in the file, and counts no more."""
    plan = spec(isolation=isolation, compare=True)
    weak: dict[str, Any] = {"recovers_after": 0.5}
    service = Service(**weak, version=NEW_KEY, pods=(pod_of("checkout", NEW),))
    stage = CopyingStage(spec=plan, service=service, new=weak)
    first = stage.record = record(tmp_path)
    with pytest.raises(Killed):
        stage.execute(DiesComparing(made=stage.made))
    first.close()
    stage.restart()
    verified = verify(played(tmp_path, stage))
    assert verified.given is not None
    assert verified.given.judgement.compared is Compared.REGRESSION
    assert verified.same, verified.problems
    assert verified.carried > 0


# ------------------------------------------------------------------------------------------------------- the folder


def test_what_services_answered_is_not_for_everybody(tmp_path: Path) -> None:
    file = played(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_old_files_go_when_a_new_one_comes(tmp_path: Path) -> None:
    old, young = tmp_path / "other" / "old.jsonl.gz.part", tmp_path / "other" / "young.jsonl.gz"
    old.parent.mkdir()
    for file, age in ((old, KEEP + timedelta(minutes=1)), (young, KEEP - timedelta(minutes=1))):
        file.write_bytes(b"")
        os.utime(file, ((START - age).timestamp(),) * 2)
    played(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_folder_that_cannot_be_written_ends_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    stage = Stage(Service(suffers=False))
    stage.record = EvidenceFolder(tmp_path / "file", KEEP, lambda: START).of(RUN)
    status = stage.execute()
    assert judge(SPEC, status.evidence)[0].verdict is Verdict.PASSED
    assert "evidence.lost" in caplog.text
    assert not any("sha256" in entry.what for entry in status.timeline)


def test_what_ended_before_leaves_no_file(tmp_path: Path) -> None:
    stage = Stage(Service(suffers=False))
    stage.journal.status = RunStatus(phase=RunPhase.EXECUTED)
    stage.record = record(tmp_path)
    stage.execute()
    assert list(tmp_path.iterdir()) == []


@given(st.timedeltas(timedelta(0), timedelta(hours=9)), st.floats(allow_nan=False, allow_infinity=False))
def test_a_sample_comes_back_to_the_microsecond(latency: timedelta, value: float) -> None:
    sample = Sample(at=START + latency, ok=True, latency=latency, value=value)
    assert Codec(Sample).read(Codec(Sample).write_new(sample), "a sample") == sample

"""Whatever becomes of a run, its file is judged as the run was."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gate.model import Judgement, Reason, Repeat, RunSpec, Verdict, Window
from gate.reports.verification import verify
from gate.running.judge import judge
from tests.reports.files import played
from tests.running.simulation import PROBE, STEP, Service, Stage, seconds, with_steps

SUPERSEDED = Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED, message="v2 is out")
PROBES = (
    replace(PROBE, critical=True),
    replace(PROBE, name="now and then", every=seconds(0.7), weight=3),
    replace(PROBE, name="afterwards", when=(Window.BEFORE, Window.AFTER)),
)
AGAIN = replace(STEP, name="again", repetition=2)


@st.composite
def specs(draw: st.DrawFn) -> RunSpec:
    """One or two steps, some of the probes, and what is forgiven."""
    spec = with_steps(STEP, *draw(st.sampled_from([(), (AGAIN,)])))
    workflow = replace(
        spec.workflow,
        steady_state=PROBES[: draw(st.integers(1, 3))],
        threshold=draw(st.sampled_from([None, 25, 60])),
        repeat=draw(st.sampled_from([None, Repeat(times=2, passes=1)])),
    )
    return replace(spec, workflow=workflow)


services = st.builds(
    Service,
    suffers=st.booleans(),
    recovers_after=st.sampled_from([None, 0.2, 1.0, 2.9, 3.6]),
    felt=st.sampled_from([True, True, True, False]),
    only_once=st.booleans(),
    version=st.sampled_from(["v1", "v1", "v2"]),
)


@given(specs(), services, st.one_of(st.none(), st.floats(0, 20)))
def test_the_file_of_any_run_is_judged_as_the_run_was(spec: RunSpec, service: Service, stopped: float | None) -> None:
    stage = Stage(service, spec=spec)
    if stopped is not None:
        stage.stop = lambda: SUPERSEDED if stage.clock.monotonic() >= stopped else None
    with tempfile.TemporaryDirectory() as folder:
        verified = verify(played(Path(folder), stage))
    assert verified.problems == ()
    assert verified.given is not None
    assert (verified.given.judgement, verified.given.score) == judge(spec, stage.journal.status.evidence)
    assert verified.same

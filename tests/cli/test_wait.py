"""`chaos-gate wait`: the loop on a clock of its own, and the command as a process against a real server."""

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask, request
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gate.cli.duration import spoken
from gate.cli.job_reports import Reports, annotations, dotenv
from gate.cli.junit_of_answer import junit_xml
from gate.cli.metrics_of_answer import metrics_text
from gate.cli.story import verdict
from gate.cli.wait import wait
from gate.cli.waiting import Ending, Exit, Waiting
from gate.errors import Permanent, Temporary
from gate.model import GateOverride, Reason, Verdict, Window
from gate.web.answer import Answer, State
from gate.web.answer_json import to_json
from gate.web.run_answer import FailedProbe, RunAnswer, StepAnswer
from gate.web.server import Server

PENDING = Answer(state=State.PENDING, message="runs", workloads=("Deployment shop/checkout",))
OPEN = Answer(
    state=State.OPEN, verdict=Verdict.PASSED, workloads=("Deployment shop/checkout",), version="v2", score=100
)
UNSUBSCRIBED = Answer(state=State.UNSUBSCRIBED, message="no subscription names Deployment shop/checkout")
AWAY = Temporary("the gate cannot be reached")
BROKEN = RunAnswer(
    name="run-2",
    workload="Deployment shop/checkout",
    workflow="survives-slow-inventory",
    verdict=Verdict.FAILED,
    reason=Reason.PROBE_FAILED,
    message="checkout stopped answering",
    failed=(
        FailedProbe(
            probe="checkout answers",
            window=Window.DURING,
            step="inventory is slow",
            samples=200,
            failures=12,
            streak=timedelta(seconds=3.2),
            first_failure=datetime(2026, 3, 1, 12, 1, 2, tzinfo=UTC),
            detail="HTTP 502",
            expected="status 200; tolerated are 1% and 1s on end",
            fault="network-delay of Pod shop/inventory-1",
        ),
    ),
    steps=(StepAnswer(step="inventory is slow", detection=timedelta(seconds=2), recovery=timedelta(seconds=1.5)),),
    reproduce="chaos-gate run survives-slow-inventory --workload shop/deployment/checkout --seed 5f3a",
)
TOLD = [
    "checkout stopped answering",
    'probe      "checkout answers"',
    "expected   status 200; tolerated are 1% and 1s on end",
    "seen       12 of 200 samples bad, longest 3.2 s: HTTP 502",
    'when       during "inventory is slow", first at 12:01:02 UTC',
    "fault      network-delay of Pod shop/inventory-1",
    "link       http://gate/gates/shop/Deployment/checkout",
    "reproduce  chaos-gate run survives-slow-inventory --workload shop/deployment/checkout --seed 5f3a",
]
FINE = RunAnswer(
    name="run-1", workload="Deployment shop/checkout", workflow="survives-pod-loss", verdict=Verdict.PASSED, score=100
)
FAILED = Answer(
    state=State.CLOSED,
    verdict=Verdict.FAILED,
    reason=Reason.PROBE_FAILED,
    message="survives-slow-inventory failed",
    workloads=("Deployment shop/checkout",),
    version="v2",
    score=40,
    runs=(FINE, BROKEN),
)


@dataclass
class Played:
    """A gate that says what it was told to, on a clock that only moves while somebody waits."""

    said: Iterator[Answer | Exception]
    now: float = 0.0
    asked: list[tuple[float, str, float]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def ask(self, *, after: str, timeout: float) -> Answer:
        self.asked.append((self.now, after, timeout))
        answer = next(self.said)
        if isinstance(answer, Exception):
            raise answer
        if answer.etag == after:
            self.now += timeout
        return answer

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def play(*said: Answer | Exception, patience: float = 600, repeat: bool = False) -> tuple[Ending, Played]:
    played = Played(said=itertools.chain(said, itertools.repeat(said[-1])) if repeat else iter(said))
    waiting = Waiting(
        played,
        patience=timedelta(seconds=patience),
        monotonic=lambda: played.now,
        sleep=played.sleep,
        say=played.lines.append,
    )
    return waiting.end(), played


def closed(verdict_: Verdict) -> Answer:
    return Answer(state=State.CLOSED, verdict=verdict_)


# ------------------------------------------------------------------------------------------------------------- the loop


@pytest.mark.parametrize(
    ("answer", "code"),
    [(OPEN, 0), (closed(Verdict.FAILED), 1), (closed(Verdict.ERRORED), 3), (closed(Verdict.CANCELED), 4)],
)
def test_a_final_answer_ends_the_wait_with_its_own_code(answer: Answer, code: int) -> None:
    ending, _ = play(PENDING, answer)
    assert (ending.exit, ending.answer) == (code, answer)


def test_no_verdict_in_time_is_no_pass() -> None:
    ending, played = play(PENDING, patience=90, repeat=True)
    assert (ending.exit, ending.answer) == (Exit.LATE, PENDING)
    assert ending.message == "no verdict within 1 min 30 s; last heard: pending: Deployment shop/checkout; runs"
    assert played.now == 90


def test_a_gate_that_is_never_reached_is_no_pass() -> None:
    ending, played = play(AWAY, patience=90, repeat=True)
    assert (ending.exit, ending.answer) == (Exit.LATE, None)
    assert "could not be asked" in ending.message
    assert len(played.asked) < 15


def test_a_restart_of_the_gate_is_survived_and_said_once() -> None:
    ending, played = play(PENDING, AWAY, AWAY, AWAY, PENDING, OPEN)
    assert ending.exit is Exit.OPEN
    said = [line.split("] ")[1] for line in played.lines]
    assert said == [
        "pending: Deployment shop/checkout; runs",
        "the gate cannot be reached; asking again for 9 min 59 s",
        "the gate answers again",
        "open: Deployment shop/checkout",
    ]


def test_retries_slow_down_and_do_what_the_gate_asks_for() -> None:
    _, played = play(*[AWAY] * 7, Temporary("busy", retry_after=40), OPEN)
    times = [at for at, _, _ in played.asked]
    assert [after - before for before, after in itertools.pairwise(times)] == [1, 2, 4, 8, 15, 15, 15, 40]


def test_each_change_is_one_line_and_silence_is_broken_by_a_heartbeat() -> None:
    other = replace(PENDING, message="still runs", version="v3")
    _, played = play(*[PENDING] * 5, other, other, OPEN)
    assert played.lines == [
        "[         0 s] pending: Deployment shop/checkout; runs",
        "[        51 s] still pending: Deployment shop/checkout; runs",
        "[  1 min 41 s] still pending: Deployment shop/checkout; runs",
        "[  2 min 31 s] still pending: Deployment shop/checkout; runs",
        "[  3 min 21 s] still pending: Deployment shop/checkout; runs",
        "[  3 min 21 s] pending: Deployment shop/checkout; still runs",
        "[  4 min 12 s] still pending: Deployment shop/checkout; still runs",
        "[  4 min 12 s] open: Deployment shop/checkout",
    ]


def test_where_a_proxy_cuts_a_question_it_is_held_for_less_from_then_on() -> None:
    _, played = play(PENDING, AWAY, PENDING, AWAY, AWAY, AWAY, OPEN)
    assert [timeout for _, _, timeout in played.asked] == [50, 50, 25, 25, 12.5, 10, 10]


def test_a_question_is_held_no_longer_than_the_patience_lasts() -> None:
    _, played = play(PENDING, patience=30, repeat=True)
    assert all(at + timeout <= 30 for at, _, timeout in played.asked)


def test_a_gate_that_does_not_hold_questions_is_not_hammered() -> None:
    fickle = [replace(PENDING, version=str(number)) for number in range(20)]
    _, played = play(*fickle, OPEN)
    assert played.now >= 20


def test_nobody_subscribed_is_believed_only_the_third_time() -> None:
    ending, played = play(UNSUBSCRIBED, UNSUBSCRIBED, UNSUBSCRIBED)
    assert ending.exit is Exit.UNSUBSCRIBED
    assert played.now < 30
    assert play(UNSUBSCRIBED, UNSUBSCRIBED, PENDING, UNSUBSCRIBED, OPEN)[0].exit is Exit.OPEN


def test_a_refusal_is_not_repeated() -> None:
    with pytest.raises(Permanent):
        play(Permanent("no such thing"))


# -------------------------------------------------------------------------------------------------------------- reports


def test_a_failure_is_told_with_probe_fault_time_and_length_worst_first() -> None:
    assert list(verdict(FAILED, "http://gate")) == [
        "FAILED (ProbeFailed), score 40: Deployment shop/checkout",
        "  survives-slow-inventory failed",
        "",
        "  FAILED survives-slow-inventory (ProbeFailed), run run-2",
        *(f"    {line}" for line in TOLD),
        "",
        "  PASSED survives-pod-loss, run run-1",
    ]


def test_junit_has_a_case_for_each_run() -> None:
    suite = ET.fromstring(junit_xml(FAILED, "").encode())[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    fine, broken = suite
    assert (fine.get("classname"), fine.get("name"), len(fine)) == ("Deployment shop/checkout", "survives-pod-loss", 0)
    assert (broken[0].tag, broken[0].get("type")) == ("failure", "ProbeFailed")
    assert "12 of 200" in (broken[0].text or "")


@pytest.mark.parametrize(
    ("answer", "tag"),
    [(None, "error"), (PENDING, "error"), (closed(Verdict.ERRORED), "error"), (closed(Verdict.CANCELED), "skipped")],
)
def test_junit_without_runs_still_shows_that_there_was_no_pass(answer: Answer | None, tag: str) -> None:
    (case,) = ET.fromstring(junit_xml(answer, "no verdict within 1 s").encode())[0]
    assert [one.tag for one in case] == [tag]


def test_junit_takes_whatever_a_broken_service_answers() -> None:
    odd = replace(FAILED, runs=(replace(BROKEN, message="bad \x00 <byte> & \ud800"),))
    (case,) = ET.fromstring(junit_xml(odd, "").encode())[0]
    assert case[0].get("message") == "bad � <byte> & �"


def test_dotenv_has_one_plain_line_for_each_variable() -> None:
    text = dotenv(Ending(exit=Exit.FAILED, answer=FAILED))
    assert text == "CHAOS_VERDICT=FAILED\nCHAOS_REASON=ProbeFailed\nCHAOS_VERSION=v2\nCHAOS_SCORE=40\nCHAOS_OVERRIDE=\n"
    late = dotenv(Ending(exit=Exit.LATE, answer=None))
    assert late == "CHAOS_VERDICT=NONE\nCHAOS_REASON=\nCHAOS_VERSION=\nCHAOS_SCORE=\nCHAOS_OVERRIDE=\n"


def test_annotations_link_to_the_gate() -> None:
    said = json.loads(annotations(Ending(exit=Exit.FAILED, answer=FAILED), "http://gate"))
    label, url = "Chaos gate: FAILED, Deployment shop/checkout", "http://gate/gates/shop/Deployment/checkout"
    assert said == {"Chaos gate": [{"external_link": {"label": label, "url": url}}]}
    late = json.loads(annotations(Ending(exit=Exit.LATE, answer=None), "http://gate"))
    assert late == {"Chaos gate": [{"external_link": {"label": "Chaos gate: no verdict", "url": "http://gate/"}}]}


def test_of_one_workflow_that_is_used_twice_gitlab_is_shown_both_cases() -> None:
    twice = replace(FAILED, runs=(FINE, replace(BROKEN, workflow=FINE.workflow)))
    names = [case.get("name") for case in ET.fromstring(junit_xml(twice, "").encode())[0]]
    assert names == ["survives-pod-loss (run-1)", "survives-pod-loss (run-2)"]


def read_by_gitlab(text: str) -> dict[str, str]:
    """As its parser does: without what is behind a `#`, the first two words of a shell, the last of a name counts."""
    lines = (shlex.split(line.partition("#")[0]) for line in text.splitlines())
    return {words[0]: words[1] for words in lines if len(words) > 1}


def test_metrics_are_read_by_gitlab_and_by_prometheus() -> None:
    text = metrics_text(FAILED)
    of_broken = "workload=Deployment shop/checkout,workflow=survives-slow-inventory"
    read = read_by_gitlab(text)
    assert read[f"chaos_gate_passed{{{of_broken}}}"] == "0"
    assert read[f"chaos_gate_recovery_seconds{{{of_broken},step=inventory is slow}}"] == "1.5"
    assert read["chaos_gate_score{workload=Deployment shop/checkout,workflow=survives-pod-loss}"] == "100"
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    assert len(samples) == len(read) == 6
    assert {each.value for each in samples if each.name == "chaos_gate_bad_samples_ratio"} == {12 / 200}


def test_a_name_cannot_break_a_line_of_the_metrics() -> None:
    odd = replace(BROKEN, workflow="a \"b\" # c\\\n'd' é", failed=())
    (name,) = {name for name in read_by_gitlab(metrics_text(replace(FAILED, runs=(odd,)))) if "passed" in name}
    assert name == "chaos_gate_passed{workload=Deployment shop/checkout,workflow=a _b_ _ c___d_ _}"


def test_one_workflow_that_is_used_twice_has_metrics_of_its_own() -> None:
    text = metrics_text(replace(FAILED, runs=(FINE, FINE)))
    assert len(read_by_gitlab(text)) == 4


def test_metrics_without_an_answer_are_none_and_whole() -> None:
    assert metrics_text(None) == "# EOF\n"


def test_a_report_that_cannot_be_written_is_a_complaint_and_no_more(tmp_path: Path) -> None:
    reports = Reports(junit=tmp_path / "nowhere" / "junit.xml", dotenv=tmp_path / "gate.env")
    (complaint,) = reports.write(Ending(exit=Exit.OPEN, answer=OPEN), "http://gate")
    assert "junit.xml was not written: No such file" in complaint
    assert "PASSED" in (tmp_path / "gate.env").read_text()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (3.25, "3.2 s"), (10, "10 s"), (59.6, "1 min 0 s"), (90, "1 min 30 s"), (5400, "1 h 30 min")],
)
def test_durations_are_spoken(seconds: float, text: str) -> None:
    assert spoken(timedelta(seconds=seconds)) == text


# ---------------------------------------------------------------------------------------------------------- the command


@dataclass
class FakeGate:
    """A server that answers `/api/v1/wait` from a list and keeps the questions."""

    answers: list[tuple[object, int]]
    questions: list[dict[str, str]] = field(default_factory=list)
    address: str = ""

    def app(self) -> Flask:
        app = Flask("fake")

        @app.get("/api/v1/wait")
        def answer() -> tuple[object, int]:
            self.questions.append(request.args.to_dict())
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

        return app


Serve = Callable[..., FakeGate]


@pytest.fixture
def fake() -> Iterator[Serve]:
    servers: list[Server] = []

    def serve(*answers: Answer | tuple[object, int]) -> FakeGate:
        gate = FakeGate([(to_json(one), 200) if isinstance(one, Answer) else one for one in answers])
        servers.append(Server(gate.app(), threads=2).start())
        gate.address = servers[-1].address
        return gate

    yield serve
    for server in servers:
        server.stop()


NO_CI = {"CI_PROJECT_PATH": None, "CI_COMMIT_SHA": None, "CI_PIPELINE_ID": None, "CI_ENVIRONMENT_NAME": None}
IN_CI = {
    "CI_PROJECT_PATH": "shop/checkout",
    "CI_COMMIT_SHA": "a" * 40,
    "CI_PIPELINE_ID": "7",
    "CI_ENVIRONMENT_NAME": "staging",
}


def run(*arguments: str, env: dict[str, str | None] | None = None):
    return CliRunner().invoke(wait, arguments, env=NO_CI | {"CHAOS_GATE_URL": None} | (env or {}))


def test_the_command_lets_a_pass_through(fake: Serve) -> None:
    gate = fake(OPEN)
    result = run("--url", gate.address, "--service", "shop/checkout")
    assert result.exit_code == 0
    assert "PASSED, score 100: Deployment shop/checkout" in result.output
    assert gate.questions == [
        {"kind": "Deployment", "namespace": "shop", "name": "checkout", "after": "", "timeout": "50.0"}
    ]


def test_in_a_job_only_a_verdict_of_its_own_commit_is_asked_for(fake: Serve) -> None:
    gate = fake(OPEN)
    assert run("--service", "shop/checkout", env=IN_CI | {"CHAOS_GATE_URL": gate.address}).exit_code == 0
    asked = gate.questions[0]
    assert (asked["sha"], asked["pipeline"]) == ("a" * 40, "7")


def test_in_a_job_without_a_service_all_of_the_project_is_asked_for(fake: Serve) -> None:
    gate = fake(OPEN)
    assert run(env=IN_CI | {"CHAOS_GATE_URL": gate.address}).exit_code == 0
    asked = {name: value for name, value in gate.questions[0].items() if name not in {"after", "timeout"}}
    assert asked == {"project": "shop/checkout", "environment": "staging", "sha": "a" * 40, "pipeline": "7"}


def test_a_failure_holds_the_pipeline_back_and_leaves_its_reports(fake: Serve, tmp_path: Path) -> None:
    gate = fake(PENDING, FAILED)
    files = [tmp_path / name for name in ("junit.xml", "gate.env", "links.json", "metrics.txt")]
    options = zip(("--junit", "--dotenv", "--annotations", "--metrics"), map(str, files), strict=True)
    result = run("--url", gate.address, "--service", "checkout", *itertools.chain(*options))
    assert result.exit_code == 1
    assert "12 of 200 samples bad" in result.output
    assert all(file.stat().st_size for file in files)
    assert gate.questions[1]["after"] == PENDING.etag


@pytest.mark.parametrize(("option", "code"), [((), 6), (("--unsubscribed", "pass"), 0)])
def test_nobody_subscribed_is_a_code_of_its_own(fake: Serve, option: tuple[str, ...], code: int) -> None:
    assert run("--url", fake(UNSUBSCRIBED).address, "--service", "checkout", *option).exit_code == code


def test_a_gate_that_still_reads_its_catalogue_is_waited_for(fake: Serve) -> None:
    gate = fake(({"error": "the gate has not read its catalogue yet"}, 503), ("<html>no route</html>", 404), OPEN)
    result = run("--url", gate.address, "--service", "checkout")
    assert result.exit_code == 0
    assert "answered 503: the gate has not read its catalogue yet" in result.output


def test_no_verdict_in_time_ends_with_five(fake: Serve) -> None:
    result = run("--url", fake(PENDING).address, "--service", "checkout", "--timeout", "500ms")
    assert result.exit_code == 5
    assert "no verdict within 0.5 s" in result.output


def test_a_question_that_the_gate_refuses_is_a_usage_error(fake: Serve) -> None:
    result = run("--url", fake(({"error": "sha is wrong"}, 400)).address, "--service", "checkout")
    assert result.exit_code == 2
    assert "answered 400: sha is wrong" in result.output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--service", "a/b"), "Missing option '--url'"),
        (("--url", "gate.example.org", "--service", "a/b"), "give one like http://"),
        (("--url", "http://gate"), "give --service, or --project and --sha"),
        (("--url", "http://gate", "--project", "a/b"), "give --service, or --project and --sha"),
        (("--url", "http://gate", "--service", "b", "--timeout", "45"), "write 45s for seconds"),
    ],
)
def test_a_wrong_command_says_what_is_missing_and_ends_with_two(arguments: tuple[str, ...], why: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert why in result.output


def test_as_a_process_it_survives_that_the_gate_goes_away_and_comes_back() -> None:
    first = FakeGate([(to_json(PENDING), 200)])
    server = Server(first.app(), threads=2).start()
    port = int(server.address.rsplit(":", 1)[1])
    command = [
        sys.executable,
        "-c",
        "from gate.cli.wait import wait; wait()",
        "--service",
        "checkout",
        "--timeout",
        "60s",
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith("CI_")}
    with subprocess.Popen(
        [*command, "--url", server.address], stdout=subprocess.PIPE, text=True, env=env | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        said = iter(process.stdout.readline, "")
        assert any("pending" in line for line in said)
        server.stop()
        assert any("cannot be reached" in line for line in said)
        with Server(FakeGate([(to_json(FAILED), 200)]).app(), port=port, threads=2):
            rest = "".join(said)
        assert process.wait(20) == 1
    assert re.search(r"the gate answers again.*\n.*closed: .*\n(.*\n)*FAILED \(ProbeFailed\)", rest)


# ---------------------------------------------------------------------------------------------------------- overridden


OVERRIDE = GateOverride(
    version="v2",
    who="jane",
    reason="INC-4711",
    at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    until=datetime(2026, 3, 1, 16, tzinfo=UTC),
)
JANE = "overridden by jane until 2026-03-01 16:00 UTC: INC-4711"


@pytest.mark.parametrize("answer", [FAILED, PENDING, closed(Verdict.ERRORED)])
def test_what_a_person_lets_through_ends_the_wait_well_whatever_verdict_there_is(answer: Answer) -> None:
    ending, played = play(replace(answer, overrides=(OVERRIDE,)))
    assert (ending.exit, played.now) == (Exit.OPEN, 0.0)


def test_the_end_of_the_story_says_first_who_let_it_through_and_then_the_verdict() -> None:
    first, second, *_ = verdict(replace(FAILED, overrides=(OVERRIDE,)))
    assert first == f"OVERRIDDEN: version v2 is {JANE}; its verdict stays FAILED"
    assert second.startswith("FAILED (ProbeFailed)")
    first, second, *_ = verdict(replace(PENDING, overrides=(OVERRIDE,)))
    assert first.endswith("it has no verdict yet")
    assert second.startswith("NOT JUDGED")


def test_every_report_of_the_job_says_who_let_it_through_and_none_calls_it_passed() -> None:
    ending = Ending(exit=Exit.OPEN, answer=replace(FAILED, overrides=(OVERRIDE,)))
    assert "CHAOS_VERDICT=FAILED\n" in dotenv(ending)
    assert f"CHAOS_OVERRIDE={JANE}\n" in dotenv(ending)
    assert "Chaos gate: FAILED, overridden by jane" in annotations(ending, "http://gate")
    (failure,) = ET.fromstring(junit_xml(ending.answer, "").encode()).iter("failure")
    assert JANE in failure.get("message", "")
    assert "checkout answers" in (failure.text or "")


def test_the_command_exits_0_and_says_so_loudly() -> None:
    app = Flask("gate")

    @app.get("/api/v1/wait")
    def _() -> dict[str, object]:
        return to_json(replace(FAILED, overrides=(OVERRIDE,)))

    with Server(app) as server:
        result = CliRunner().invoke(wait, ["--url", server.address, "--service", "shop/checkout"])
    assert result.exit_code == 0, result.output
    assert "OVERRIDDEN: version v2" in result.output
    assert "its verdict stays FAILED" in result.output

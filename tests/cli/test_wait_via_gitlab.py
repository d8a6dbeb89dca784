"""`chaos-gate wait --via gitlab`, against the embedded GitLab: what the gate's bot has written counts, and no more."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from click.testing import CliRunner, Result

from gate.cli.via_gitlab import ShownByGitLab, Where
from gate.cli.wait import wait
from gate.errors import Permanent
from gate.gitlab.client import Deployment
from gate.gitlab.client import GitLab as Transport
from gate.model import Reason, Verdict
from gate.sandbox.gitlab import GitLab
from gate.web.answer import Answer, State
from tests.sandbox.gitlab_world import REPORTER, ROOT, Client, Project

CONFIG = yaml.safe_dump({"by hand": {"script": ["true"], "when": "manual"}})
NAME, OTHER = "chaos/staging/checkout", "chaos/staging/cart"
NUMBERS = itertools.count()


class WithDeployments(Transport):
    """The embedded GitLab, with deployments that a test makes up."""

    made: Sequence[Deployment] = ()

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        assert environment == "staging"
        return (*self.made, *super().deployments(project, environment=environment))


@dataclass
class Shown:
    """A project with a bot, a developer who wishes to pass, and a token that may only read."""

    project: Project
    sha: str
    pipeline: int
    bot: Client
    mallory: Client
    reader: str
    name: str
    paused: list[float] = field(default_factory=list)
    deployed: list[Deployment] = field(default_factory=list)

    def deployed_at(self, when: timedelta, *, pipeline: int = 0) -> None:
        """So long from now one of its jobs began to deploy, or one of another pipeline."""
        number = len(self.deployed) + 1
        moment = datetime.now(UTC) + when
        made = Deployment(id=number, sha=self.sha, status="running", pipeline=pipeline or self.pipeline, created=moment)
        self.deployed.insert(0, made)

    def says(self, state: str, name: str = NAME, *, by: Client | None = None, pipeline: int = 0, **more: str) -> None:
        answer = self.project.say(
            self.sha, state, client=by or self.bot, name=name, pipeline_id=pipeline or self.pipeline, **more
        )
        assert answer.status_code == 201, answer.text

    def shown(self, *statuses: str, bot: str = "", token: str = "") -> ShownByGitLab:
        where = Where(
            project=self.project.path.rpartition("/")[2].replace("%2F", "/"),
            sha=self.sha,
            pipeline=self.pipeline,
            bot=bot or self.name,
            environment="staging",
            statuses=statuses,
        )
        transport = WithDeployments(self.bot.url, lambda: token or self.reader)
        transport.made = self.deployed
        return ShownByGitLab(transport, where, sleep=self.paused.append)

    def answers(self, *statuses: str, bot: str = "") -> Answer:
        """The second look at what does not change."""
        shown = self.shown(*statuses, bot=bot)
        first = shown.ask(after="", timeout=20)
        return shown.ask(after=first.etag, timeout=20)


@pytest.fixture(scope="module")
def gitlab() -> Iterator[Client]:
    with GitLab(root_token=ROOT) as running:
        client = Client(running.url)
        yield client
        client.close()


@pytest.fixture
def shown(gitlab: Client) -> Iterator[Shown]:
    number = next(NUMBERS)
    project = Project(gitlab, f"shop/checkout-{number}")
    sha = project.commit({".gitlab-ci.yml": CONFIG})
    (pipeline,) = project.pipelines(sha=sha)
    name = f"gate-bot-{number}"
    bot, mallory = (Client(gitlab.url, project.member(who)) for who in (name, f"mallory-{number}"))
    reader = project.member(f"reader-{number}", REPORTER)
    yield Shown(project, sha, pipeline["id"], bot, mallory, reader, name)
    bot.close()
    mallory.close()


def test_what_the_bot_says_is_the_verdict_once_nothing_more_comes(shown: Shown) -> None:
    shown.says("success")
    asked = shown.shown()
    first = asked.ask(after="", timeout=20)
    assert (first.state, first.verdict) == (State.PENDING, None)
    shown.says("pending", OTHER)
    assert asked.ask(after=first.etag, timeout=20).verdict is None
    shown.says("success", OTHER)
    assert asked.ask(after="x", timeout=20).verdict is None
    last = asked.ask(after="x", timeout=20)
    assert (last.state, last.verdict, set(last.workloads)) == (State.OPEN, Verdict.PASSED, {NAME, OTHER})
    assert shown.paused == [10.0] * 3


def test_the_bot_is_known_by_its_id_as_well(shown: Shown) -> None:
    shown.says("success")
    number = str(shown.bot.get("/user")["id"])
    assert shown.answers(bot=number).verdict is Verdict.PASSED
    assert shown.answers(bot="1").verdict is None


def test_a_row_that_somebody_else_has_written_is_passed_over_and_said(shown: Shown) -> None:
    shown.says("success", by=shown.mallory)
    answer = shown.answers()
    assert (answer.state, answer.verdict) == (State.UNSEEN, None)
    assert f"{NAME}: passed over, for {shown.name} has not written it" in answer.message


@pytest.mark.parametrize("first", ["failed", "running"])
def test_nobody_covers_what_the_bot_has_said(shown: Shown, first: str) -> None:
    shown.says(first)
    shown.says("success", by=shown.mallory)
    assert shown.answers().verdict is not Verdict.PASSED


def test_of_rows_that_follow_each_other_the_last_one_counts(shown: Shown) -> None:
    shown.says("failed", description="ProbeFailed: it broke")
    shown.says("success")
    assert shown.answers().verdict is Verdict.PASSED
    shown.says("failed", description="ProbeFailed: it broke")
    assert shown.answers().verdict is Verdict.FAILED


def test_a_verdict_of_another_pipeline_of_the_same_commit_is_none(shown: Shown) -> None:
    other = shown.project.client.post(f"{shown.project.path}/pipeline", ref="main")["id"]
    assert other != shown.pipeline
    shown.says("success", pipeline=other)
    assert shown.answers().state is State.UNSEEN


@pytest.mark.parametrize(
    ("state", "description", "verdict", "reason"),
    [
        ("failed", "ProbeFailed: survives: it broke", Verdict.FAILED, Reason.PROBE_FAILED),
        ("failed", "NoData: too few samples", Verdict.ERRORED, Reason.NO_DATA),
        (
            "failed",
            "overridden by jane until 2026-11-21 16:00 UTC: a; b; NoData: too few",
            Verdict.ERRORED,
            Reason.NO_DATA,
        ),
        ("failed", "something else", Verdict.FAILED, None),
        ("canceled", "superseded by 1234abcd", Verdict.CANCELED, None),
    ],
)
def test_the_description_tells_a_failure_from_what_could_not_be_found_out(
    shown: Shown, state: str, description: str, verdict: Verdict, reason: Reason | None
) -> None:
    shown.says(state, description=description)
    answer = shown.answers()
    assert (answer.verdict, answer.reason) == (verdict, reason)
    assert description in answer.runs[0].message


def test_a_status_that_has_to_be_there_is_waited_for(shown: Shown) -> None:
    shown.says("success")
    answer = shown.answers(NAME, OTHER)
    assert (answer.state, answer.verdict) == (State.PENDING, None)
    assert f"{OTHER}: not there yet" in answer.message
    shown.says("success", OTHER)
    assert shown.answers(NAME, OTHER).verdict is Verdict.PASSED


@pytest.mark.parametrize("state", ["success", "failed"])
def test_what_was_said_before_the_pipeline_deployed_once_more_is_no_verdict_about_it(shown: Shown, state: str) -> None:
    """Jobs that build and deploy may be retried, and nobody has looked at what they brought."""
    shown.says(state)
    shown.deployed_at(-timedelta(minutes=1))
    assert shown.answers().verdict is not None
    shown.deployed_at(timedelta(minutes=1))
    answer = shown.answers()
    assert (answer.state, answer.verdict) == (State.PENDING, None)
    assert f"{NAME}: {state}, of before the newest deployment; if no other comes, run a new pipeline" in answer.message


def test_what_another_pipeline_has_deployed_since_takes_nothing_away(shown: Shown) -> None:
    shown.says("success")
    shown.deployed_at(timedelta(minutes=1), pipeline=shown.pipeline + 1)
    assert shown.answers().verdict is Verdict.PASSED


def test_a_token_that_is_refused_ends_the_wait(shown: Shown) -> None:
    with pytest.raises(Permanent, match="GitLab refuses the token"):
        shown.shown(token="none").ask(after="", timeout=0)


# ---------------------------------------------------------------------------------------------------------- the command


def run(shown: Shown, *arguments: str, **env: str | None) -> Result:
    in_job = {
        "CI_PROJECT_PATH": f"shop/{shown.project.path.rpartition('%2F')[2]}",
        "CI_COMMIT_SHA": shown.sha,
        "CI_PIPELINE_ID": str(shown.pipeline),
        "CI_ENVIRONMENT_NAME": "staging",
        "CI_SERVER_URL": shown.bot.url,
        "CHAOS_GATE_BOT": shown.name,
        "CHAOS_GATE_GITLAB_TOKEN": shown.reader,
        "CI_SERVER_TLS_CA_FILE": None,
        "CHAOS_GATE_URL": None,
    }
    return CliRunner().invoke(wait, ["--via", "gitlab", "--timeout", "500ms", *arguments], env=in_job | env)


def test_the_command_ends_with_the_verdict_and_never_shows_the_token(shown: Shown) -> None:
    shown.says("failed", description="ProbeFailed: survives: it broke", target_url="http://gate.example.org/x")
    ended = run(shown)
    assert ended.exit_code == 1, ended.output
    assert "FAILED commit status (ProbeFailed)" in ended.output
    assert "http://gate.example.org/x" in ended.output
    assert shown.reader not in ended.output
    shown.says("success")
    assert run(shown, "--status", NAME).exit_code == 0


@pytest.mark.parametrize("option", [(), ("--unsubscribed", "pass")])
def test_no_row_of_the_bot_is_no_verdict_in_time_whatever_is_passed(shown: Shown, option: tuple[str, ...]) -> None:
    shown.says("success", by=shown.mallory)
    ended = run(shown, *option)
    assert ended.exit_code == 5, ended.output
    assert "has no status that" in ended.output


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("CHAOS_GATE_GITLAB_TOKEN", "CI_JOB_TOKEN cannot read commit statuses"),
        ("CHAOS_GATE_BOT", "only those of the gate's bot count"),
        ("CI_PIPELINE_ID", "needs --pipeline"),
    ],
)
def test_what_is_missing_is_said(shown: Shown, missing: str, said: str) -> None:
    ended = run(shown, **{missing: None})
    assert ended.exit_code == 2
    assert said in ended.output


def test_the_tokens_of_jobs_are_refused_with_the_remedy(shown: Shown) -> None:
    ended = run(shown, CHAOS_GATE_GITLAB_TOKEN="glcbt-of-a-job")
    assert ended.exit_code == 2
    assert "with the scope read_api" in ended.output

"""The decision: what should be next, given everything that is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gate.model import (
    Announcement,
    Commit,
    CommitHint,
    ContainerImage,
    GateStatus,
    JudgeAt,
    OnRollback,
    OnSubscribe,
    Phase,
    Probe,
    Progress,
    Reason,
    Rollout,
    Run,
    Rung,
    RunPhase,
    RunStatus,
    StatusState,
    Step,
    Subscription,
    Verdict,
    Version,
    Workflow,
    WorkflowUse,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.tracking.announce import KEPT, LONGEST_NAME, MOST
from gate.tracking.claims import Claim
from gate.tracking.decide import decide
from gate.tracking.seen import Decision, Kind, Seen

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CHECKOUT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")
WORKLOAD = Workload(name=CHECKOUT, uid="uid-1")
SETTLE = timedelta(seconds=5)


def version(text: str) -> Version:
    return Version(images=(ContainerImage(container="checkout", digest=f"sha256:{text}"),))


def commit(text: str) -> Commit:
    return Commit(project="shop/checkout", sha=text.ljust(40, "0"), pipeline=7)


def rollout(text: str, **changes: object) -> Rollout:
    made = Rollout(
        workload=WORKLOAD,
        created=NOW - timedelta(days=9),
        progress=Progress.COMPLETE,
        message="3 of 3 replicas run it",
        version=version(text),
        commit=commit(text),
        image=f"checkout:{text}",
    )
    return replace(made, **changes)


def rolling(text: str, message: str = "1 of 3 replicas are updated") -> Rollout:
    return rollout(text, progress=Progress.ROLLING, version=None, message=message)


def failed(text: str) -> Rollout:
    """As the cluster tells it: the pods of a rollout that its status gives up are not asked."""
    return rollout(text, progress=Progress.FAILED, version=None, message="progress deadline exceeded")


def workflow(name: str) -> Workflow:
    return Workflow(
        name=name,
        baseline=timedelta(seconds=1),
        steady_state=(Probe(name="answers", kind="http", settings={"url": "http://checkout.shop/"}),),
        steps=(Step(name="one", fault="pod-kill", settings={}, hold=SETTLE, recover=SETTLE),),
    )


def claim(*workflows: str, name: str = "checkout", problems: tuple[str, ...] = (), **changes: object) -> Claim:
    subscription = Subscription(
        name=name,
        workload=CHECKOUT,
        environment="staging",
        workflows=tuple(WorkflowUse(name=each) for each in workflows),
        settle=SETTLE,
        deadline=timedelta(minutes=30),
        project="shop/checkout",
    )
    return Claim(
        name=name,
        subscription=replace(subscription, **changes),
        workflows=tuple(workflow(each) for each in workflows),
        problems=problems,
        since=NOW - timedelta(days=1),
    )


class Story:
    """Plays decisions one after the other, as the reconciler would apply them."""

    def __init__(self, *claims: Claim) -> None:
        self.status, self.claims, self.now = GateStatus(), claims, NOW
        self.runs: dict[str, Run] = {}
        self.created: list[str] = []
        self.rollout = rollout("1.0")
        self.gate, self.revision = "gate-1", "rev"
        self.told: set[Announcement] = set()

    def sees(self, rollout: Rollout, *, after: timedelta = timedelta(0)) -> Decision:
        self.rollout, self.now = rollout, self.now + after
        seen = Seen(
            rollout=rollout,
            gate=self.gate,
            status=self.status,
            claims=self.claims,
            runs=self.runs,
            revision=self.revision,
            now=self.now,
            told=self.told,
        )
        decision = decide(seen)
        self.status = decision.status
        for name, spec in decision.create.items():
            self.created.append(name)
            self.runs[name] = Run(namespace="shop", name=name, uid=f"uid of {name}", created=self.now, spec=spec)
        for name, reason in decision.abort.items():
            self.runs[name] = replace(self.runs[name], abort=reason)
        return decision

    def settles(self, rollout: Rollout) -> Decision:
        self.sees(rollout)
        return self.sees(rollout, after=SETTLE)

    def ends(self, verdicts: Mapping[str, Verdict], reason: Reason | None = None) -> Decision:
        for name, run in self.runs.items():
            if (verdict := verdicts.get(run.spec.workflow.name)) and run.status.verdict is None:
                status = RunStatus(phase=RunPhase.JUDGED, verdict=verdict, reason=reason, message="because", score=50)
                self.runs[name] = replace(run, status=status)
        return self.sees(self.rollout)

    def judges(self, text: str, verdict: Verdict = Verdict.PASSED) -> Decision:
        self.settles(rollout(text))
        self.sees(rollout(text))
        return self.ends(dict.fromkeys(("loss", "delay"), verdict))

    def announced(self, text: str) -> StatusState:
        (found,) = [each for each in self.status.announcements if each.commit == commit(text)]
        return found.state


def test_a_version_that_ran_before_the_gate_knew_of_it_is_recorded_and_not_judged() -> None:
    story = Story(claim("loss"))
    story.settles(rollout("1.0"))
    assert (story.status.phase, story.status.reason) == (Phase.PENDING, Reason.NOT_JUDGED_YET)
    assert story.created == []


def test_a_subscription_that_asks_for_it_has_the_present_version_judged() -> None:
    story = Story(claim("loss", on_subscribe=OnSubscribe.RUN))
    story.settles(rollout("1.0"))
    assert len(story.created) == 1


def test_a_workload_that_is_created_under_a_known_subscription_is_judged_from_its_first_version_on() -> None:
    story = Story(claim("loss"))
    story.settles(rollout("1.0", created=NOW - timedelta(minutes=1)))
    assert len(story.created) == 1


@pytest.mark.parametrize(("later", "runs"), [(0, 0), (1, 1)], ids=["in the same second", "in the next second"])
@pytest.mark.parametrize("fraction", [0, 1, 999_999])
def test_a_workload_counts_as_created_under_a_subscription_from_the_second_after_it_on(
    later: int, runs: int, fraction: int
) -> None:
    known = replace(claim("loss"), since=NOW - timedelta(minutes=1) + timedelta(microseconds=fraction))
    story = Story(known)
    story.settles(rollout("1.0", created=NOW - timedelta(minutes=1) + timedelta(seconds=later)))
    assert len(story.created) == runs


def test_an_upgrade_is_judged_once_it_has_settled() -> None:
    story = Story(claim("loss", "delay"))
    story.sees(rollout("1.0"))
    assert story.sees(rolling("1.1")).kind is Kind.ROLLING
    settling = story.sees(rollout("1.1"))
    assert (settling.kind, settling.wake) == (Kind.SETTLE, NOW + SETTLE)
    assert story.created == []
    assert story.sees(rollout("1.1"), after=SETTLE).kind is Kind.UPGRADE
    assert [story.runs[name].spec.workflow.name for name in story.created] == ["loss", "delay"]


def test_a_rollout_that_wavers_settles_anew() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.sees(rollout("1.1"))
    story.sees(rolling("1.1"), after=SETTLE / 2)
    assert story.sees(rollout("1.1"), after=SETTLE / 2).kind is Kind.SETTLE
    assert story.created == []


def test_a_version_does_not_settle_on_the_time_of_another_one() -> None:
    story = Story(claim("loss"))
    first, second, third = (rollout(text, commit=None) for text in ("1.0", "1.1", "1.2"))
    story.sees(first)
    story.sees(second)
    decision = story.sees(third, after=SETTLE)  # its rollout came and went while nobody looked
    assert (decision.kind, decision.wake) == (Kind.SETTLE, story.now + SETTLE)
    assert story.sees(third, after=SETTLE).kind is Kind.UPGRADE


def test_a_version_that_went_and_came_back_while_nobody_looked_settles_anew() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.sees(rollout("1.1", youngest=story.now - timedelta(seconds=1)))
    late = story.now + SETTLE
    decision = story.sees(rollout("1.1", youngest=late - timedelta(seconds=1)), after=SETTLE)
    assert (decision.kind, decision.wake) == (Kind.SETTLE, late + SETTLE)
    assert story.sees(rollout("1.1", youngest=late - timedelta(seconds=1)), after=SETTLE).kind is Kind.UPGRADE


def test_a_pod_that_was_ready_within_the_second_in_which_it_was_made_does_not_settle_twice() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    made = story.now - timedelta(milliseconds=400)
    story.sees(rollout("1.1", youngest=made))
    assert story.sees(rollout("1.1", youngest=made), after=SETTLE + timedelta(seconds=1)).kind is Kind.UPGRADE


def test_asking_again_changes_nothing() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    runs = list(story.created)
    for _ in range(3):
        before = story.status
        story.sees(rollout("1.1"))
    assert story.status == before
    assert story.created == runs


def test_the_gate_opens_when_every_run_passed() -> None:
    story = Story(claim("loss", "delay"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    assert (story.status.phase, story.status.verdict) == (Phase.OPEN, Verdict.PASSED)
    assert story.announced("1.1") is StatusState.SUCCESS


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.ERRORED, Verdict.CANCELED])
def test_the_gate_stays_shut_for_anything_but_a_pass(verdict: Verdict) -> None:
    story = Story(claim("loss", "delay"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    story.sees(rollout("1.1"))
    story.ends({"loss": Verdict.PASSED})
    assert story.status.phase is Phase.PENDING
    story.ends({"delay": verdict}, Reason.ABORTED)
    assert (story.status.phase, story.status.verdict) == (Phase.CLOSED, verdict)


def test_a_run_that_somebody_deletes_is_no_pass() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    story.sees(rollout("1.1"))
    story.runs.clear()
    story.sees(rollout("1.1"))
    assert (story.status.phase, story.status.verdict, story.status.reason) == (
        Phase.CLOSED,
        Verdict.CANCELED,
        Reason.ABORTED,
    )


def test_a_gate_that_dies_after_saving_makes_the_runs_it_named_and_no_others() -> None:
    story = Story(claim("loss", "delay"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    named = sorted(story.created)
    story.runs.clear()
    story.created.clear()
    story.sees(rollout("1.1"))
    assert sorted(story.created) == named


def test_a_gate_that_dies_before_its_first_run_takes_the_catalogue_as_it_is_then() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    story.runs.clear()
    story.created.clear()
    story.claims = (claim("delay"),)
    story.sees(rollout("1.1"))
    assert [story.runs[name].spec.workflow.name for name in story.created] == ["delay"]


@pytest.mark.parametrize(
    "change",
    [
        rollout("1.1", message="scaled to 5"),
        rollout("1.1", image="checkout:other-name-same-digests"),
        rollout("1.1", progress=Progress.ROLLING, version=None, message="1 of 3 updated replicas are available"),
    ],
    ids=["scaling", "same digests under another tag", "a pod is killed or restarted"],
)
def test_what_keeps_the_digests_is_not_an_upgrade(change: Rollout) -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    runs = list(story.created)
    story.settles(change)
    story.settles(rollout("1.1"))
    assert story.created == runs
    assert story.status.phase is Phase.OPEN


def test_the_same_tag_with_a_new_digest_is_an_upgrade() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.settles(rollout("1.1", version=version("rebuilt")))
    assert len(story.created) == 2
    assert story.status.phase is Phase.PENDING


def test_a_newer_version_stops_the_runs_and_is_judged_when_they_have_let_go() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    story.sees(rollout("1.1"))
    (first,) = story.created
    decision = story.sees(rolling("1.2"))
    assert decision.abort == {first: Reason.SUPERSEDED}
    assert story.sees(rollout("1.2"), after=2 * SETTLE).abort == {}
    assert story.created == [first]
    story.ends({"loss": Verdict.CANCELED}, Reason.SUPERSEDED)
    story.settles(rollout("1.2"))
    assert len(story.created) == 2
    assert story.announced("1.1") is StatusState.CANCELED
    assert story.announced("1.2") is StatusState.PENDING


def test_a_superseded_version_that_comes_back_is_judged_after_all() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    story.sees(rollout("1.1"))
    story.sees(rolling("1.2"))
    story.ends({"loss": Verdict.CANCELED}, Reason.SUPERSEDED)
    story.settles(rollout("1.1"))
    assert len(set(story.created)) == 2


def test_a_rollback_reuses_the_verdict_while_the_workflows_are_the_same() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.judges("1.2", Verdict.FAILED)
    assert story.status.phase is Phase.CLOSED
    assert story.settles(rollout("1.1")).kind is Kind.REUSE
    assert (story.status.phase, len(story.created)) == (Phase.OPEN, 2)


def test_a_rollback_is_judged_again_when_the_workflows_changed() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.judges("1.2", Verdict.FAILED)
    story.claims = (claim("delay"),)
    story.settles(rollout("1.1"))
    assert len(story.created) == 3


def test_a_rollback_is_judged_again_when_the_subscription_asks_for_it() -> None:
    story = Story(claim("loss", on_rollback=OnRollback.RUN))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.judges("1.2", Verdict.FAILED)
    story.settles(rollout("1.1"))
    assert len(set(story.created)) == 3


def test_a_verdict_that_could_not_be_found_is_not_reused() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1", Verdict.ERRORED)
    story.judges("1.2")
    story.settles(rollout("1.1"))
    assert len(set(story.created)) == 3


def test_a_rollout_that_fails_closes_the_gate() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.sees(failed("1.1"))
    assert (story.status.phase, story.status.verdict, story.status.reason) == (
        Phase.CLOSED,
        Verdict.ERRORED,
        Reason.ROLLOUT_FAILED,
    )
    assert story.announced("1.1") is StatusState.FAILED


def test_a_failed_rollout_that_gets_through_after_all_is_judged() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.sees(failed("1.1"))
    story.settles(rollout("1.1"))
    assert len(story.created) == 1


@pytest.mark.parametrize("before", ["recorded", "judged"])
def test_the_version_after_a_failed_rollout_is_judged(before: str) -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    if before == "judged":
        story.judges("1.1")
    story.sees(failed("2.0"))
    story.settles(rollout("3.0"))
    assert story.runs[story.created[-1]].spec.version == version("3.0").key


def test_a_workload_that_is_stuck_when_the_gate_first_looks_has_its_next_version_judged() -> None:
    for stuck in (failed("1.0"), rolling("1.0")):
        story = Story(claim("loss"))
        story.sees(stuck)
        story.sees(rolling("2.0"))
        story.settles(rollout("2.0"))
        assert len(story.created) == 1


def test_a_workload_that_is_stuck_when_the_gate_first_looks_and_gets_through_is_recorded() -> None:
    for stuck in (failed("1.0"), rolling("1.0")):
        story = Story(claim("loss"))
        story.sees(stuck)
        assert story.status.message == stuck.message
        story.settles(rollout("1.0"))
        assert (story.created, story.status.recorded) == ([], version("1.0").key)


def test_a_broken_document_closes_the_gate_and_mending_it_has_the_version_judged() -> None:
    story = Story(claim("loss", problems=("workflows/loss.yaml:3: steps: is missing",)))
    story.sees(rollout("1.0"))
    assert (story.status.phase, story.status.reason) == (Phase.CLOSED, Reason.BAD_DOCUMENT)
    story.settles(rollout("1.1"))
    for _ in range(3):
        story.sees(rollout("1.1"), after=SETTLE)
        assert (story.status.phase, story.status.verdict) == (Phase.CLOSED, Verdict.ERRORED)
    assert "workflows/loss.yaml:3" in story.status.message
    story.claims = (claim("loss"),)
    story.settles(rollout("1.1"))
    assert len(story.created) == 1


@pytest.mark.parametrize("new", [False, True])
def test_a_document_that_breaks_after_the_verdict_keeps_the_next_version_from_production_and_not_this_one(
    new: bool,
) -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    broken = claim("loss", problems=("subscriptions/late.yaml:3: workflows: is missing",))
    story.claims = (claim("loss"), replace(broken, name="late")) if new else (broken,)
    for _ in range(3):
        story.sees(rollout("1.1"), after=SETTLE)
        assert (story.status.phase, story.status.verdict) == (Phase.OPEN, Verdict.PASSED)
    story.settles(rollout("1.2"))
    assert (story.status.phase, story.status.reason) == (Phase.CLOSED, Reason.BAD_DOCUMENT)
    assert "subscriptions/late.yaml:3" in story.status.message
    story.claims = (claim("loss"),)
    story.settles(rollout("1.2"))
    assert len(story.created) == 2


def test_what_the_policy_refused_is_judged_once_when_the_policy_allows_it() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.claims = (replace(claim("loss", problems=("it reaches beyond the team red",)), denied=True),)
    story.settles(rollout("1.1"))
    for _ in range(3):
        assert story.sees(rollout("1.1"), after=SETTLE).kind is Kind.CLOSE
        assert (story.status.phase, story.status.reason) == (Phase.CLOSED, Reason.POLICY_DENIED)
    story.claims = (claim("loss"),)
    story.settles(rollout("1.1"))
    assert len(story.created) == 1


@pytest.mark.parametrize("reason", [Reason.POLICY_DENIED, Reason.BAD_DOCUMENT])
def test_a_run_that_was_refused_or_could_not_be_carried_out_is_not_made_again_by_itself(reason: Reason) -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    for name, run in story.runs.items():
        ended = RunStatus(phase=RunPhase.JUDGED, verdict=Verdict.ERRORED, reason=reason, message="not here")
        story.runs[name] = replace(run, status=ended)
    for _ in range(3):
        story.settles(rollout("1.1"))
        assert (story.status.phase, story.status.reason, len(story.created)) == (Phase.CLOSED, reason, 1)


def test_a_subscription_that_cannot_be_read_closes_the_gate_too() -> None:
    broken = Claim(name="checkout", subscription=None, problems=("subscriptions/checkout.yaml:7: …",), since=NOW)
    story = Story(broken)
    story.settles(rollout("1.1"))
    assert (story.status.phase, story.status.verdict) == (Phase.CLOSED, Verdict.ERRORED)


def test_two_subscriptions_add_up_and_what_both_ask_for_runs_once() -> None:
    story = Story(claim("loss", name="a"), claim("loss", "delay", name="b"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    asked = {story.runs[name].spec.workflow.name: story.runs[name].spec.subscriptions for name in story.created}
    assert asked == {"loss": ("a", "b"), "delay": ("b",)}


def test_a_subscription_that_came_after_the_verdict_is_not_shown_as_passed() -> None:
    story = Story(claim("loss", name="a"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.claims = (claim("loss", name="a"), claim("delay", name="b"))
    story.sees(rollout("1.1"))
    states = {each.name: each.state for each in story.status.announcements if each.commit == commit("1.1")}
    assert states == {"chaos/staging/a": StatusState.SUCCESS, "chaos/staging/b": StatusState.PENDING}


def test_two_workloads_that_one_selector_finds_have_a_status_each() -> None:
    names = set()
    for name in ("web", "worker"):
        story = Story(claim("loss", name="all", selected=True, workload=replace(CHECKOUT, name=name)))
        story.sees(rollout("1.0"))
        names |= {said.name for said in story.status.announcements}
    assert names == {"chaos/staging/all/shop/web", "chaos/staging/all/shop/worker"}


def test_a_new_commit_gets_the_verdict_only_after_its_image_had_time_to_come() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.sees(rollout("1.1", commit=commit("next")))
    assert story.announced("next") is StatusState.PENDING
    story.sees(rolling("next"), after=SETTLE / 2)
    assert story.announced("next") is StatusState.PENDING


def test_a_new_commit_gets_no_verdict_while_a_pod_of_the_version_before_restarts() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.sees(rollout("1.1", progress=Progress.ROLLING, version=None, commit=commit("next")))
    assert story.announced("next") is StatusState.PENDING
    assert story.status.verdict is None


def test_a_commit_is_not_told_the_verdict_of_an_image_that_came_without_annotations() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    unannotated = rollout("1.2", commit=commit("1.1"))
    story.sees(replace(unannotated, progress=Progress.ROLLING, version=None))
    story.settles(unannotated)
    story.sees(unannotated)
    story.ends({"loss": Verdict.FAILED}, Reason.PROBE_FAILED)
    assert story.status.verdict is Verdict.FAILED
    assert story.announced("1.1") is StatusState.SUCCESS
    assert "another version" in story.status.commit_problem


def test_annotations_that_come_after_their_image_get_its_verdict() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.settles(rollout("1.2", commit=commit("1.1")))
    story.sees(rollout("1.2", commit=commit("1.1")))
    story.ends({"loss": Verdict.FAILED}, Reason.PROBE_FAILED)
    story.settles(rollout("1.2"))
    assert story.announced("1.2") is StatusState.FAILED
    assert story.announced("1.1") is StatusState.SUCCESS


def test_a_commit_that_builds_the_same_images_gets_their_verdict() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.settles(rollout("1.1", commit=commit("docs-only")))
    assert story.announced("docs-only") is StatusState.SUCCESS
    assert len(story.created) == 1


def test_a_project_that_did_not_subscribe_is_told_nothing() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0", commit=None))
    stranger = replace(commit("1.1"), project="somebody/else")
    story.settles(rollout("1.1", commit=stranger))
    assert story.status.announcements == ()


def test_nothing_is_judged_for_a_workload_without_subscriptions() -> None:
    story = Story()
    assert story.settles(rollout("1.1")).kind is Kind.IGNORE
    assert story.created == []


HINTS = (CommitHint(rung=Rung.IMAGE_TAG, project="shop/checkout", revision="1.1"),)


def looked_up(text: str, found: str = "", **changes: object) -> Rollout:
    """Of a workload without annotations; `found` is the commit that GitLab has confirmed, if it has."""
    known = {"commit": commit(found), "commit_found": "image tag", "commit_in_image": True} if found else {}
    return rollout(text, hints=HINTS, **{"commit": None, "commit_open": not found, **known, **changes})


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.ERRORED])
@pytest.mark.parametrize("open_again", [True, False], ids=["being asked", "forgotten by GitLab"])
def test_a_gate_that_starts_again_keeps_commit_and_verdict_while_gitlab_is_asked_anew(
    verdict: Verdict, open_again: bool
) -> None:
    story = Story(claim("a"))
    story.sees(looked_up("1.0", "1.0"))
    story.settles(looked_up("1.1", "1.1"))
    story.ends({"a": verdict})
    before = story.status
    story.settles(looked_up("1.1", commit_open=open_again, commit_problem="being looked up"))
    assert story.status == before
    story.settles(looked_up("1.1", "1.1"))
    assert (story.status, len(story.created)) == (before, 1)


def test_a_commit_that_its_image_names_gets_the_verdict_however_late_it_is_found() -> None:
    story = Story(claim("a"))
    story.sees(looked_up("1.0"))
    story.settles(looked_up("1.1"))
    story.ends({"a": Verdict.ERRORED})
    story.settles(looked_up("1.1", "1.1"))
    (said,) = story.status.announcements
    assert (said.commit, said.state) == (commit("1.1"), StatusState.FAILED)
    assert (story.status.verdict, len(story.created)) == (Verdict.ERRORED, 1)


def test_a_new_version_does_not_keep_the_commit_of_the_one_before_while_its_own_is_looked_up() -> None:
    story = Story(claim("a"))
    story.sees(looked_up("1.0", "1.0"))
    story.settles(looked_up("1.1"))
    assert story.status.commit is None
    story.ends({"a": Verdict.PASSED})
    assert all(
        said.commit == commit("1.0") and said.state is not StatusState.SUCCESS for said in story.status.announcements
    )


def test_a_commit_of_a_fork_is_judged_and_it_is_said_why_gitlab_is_told_nothing() -> None:
    story = Story(claim("a"))
    forked = Commit(project="somebody/checkout", sha="f" * 40, pipeline=1)
    story.sees(replace(rollout("1.1"), commit=forked))
    assert "the commit is of the project somebody/checkout, subscribed is shop/checkout" in story.status.commit_problem
    assert story.status.commit == forked
    assert story.status.announcements == ()


def test_a_status_whose_name_would_be_too_long_is_not_announced_and_the_gate_says_so() -> None:
    """GitLab would refuse it, and the API server all of the gate's status with it."""
    fits, long = "e" * (LONGEST_NAME - len("chaos//checkout")), "e" * (LONGEST_NAME + 1 - len("chaos//checkout"))
    for environment, names in ((fits, [LONGEST_NAME]), (long, [])):
        story = Story(claim("a", environment=environment))
        story.sees(rollout("1.0"))
        story.sees(rollout("1.1"))
        assert [len(each.name) for each in story.status.announcements][-1:] == names
        assert ("longer than 255 characters: GitLab is told nothing of it; shorten" in story.status.commit_problem) is (
            not names
        )
        assert story.status.commit == commit("1.1")


def test_a_project_is_the_same_in_any_case() -> None:
    story = Story(claim("a", project="Shop/Checkout"))
    story.sees(replace(rollout("1.1"), commit=Commit(project="shop/checkout", sha="f" * 40, pipeline=1)))
    assert story.status.commit_problem == ""
    assert len(story.status.announcements) == 1


def subscribed_again(story: Story, *steps: Rollout, since: timedelta = timedelta(days=60)) -> None:
    """The subscription is removed, the workload goes these steps, and after a long time the subscription is back."""
    claims, story.claims = story.claims, ()
    for step in steps:
        story.sees(step)
    story.now += timedelta(days=60)
    story.claims = tuple(replace(each, since=NOW + since) for each in claims)


def test_who_subscribes_again_starts_no_chaos() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    runs = list(story.created)
    subscribed_again(story, rolling("2.0"), rollout("2.0"))
    story.settles(rollout("2.0"))
    assert (story.created, story.status.phase, story.status.recorded) == (runs, Phase.PENDING, version("2.0").key)
    story.settles(rollout("3.0"))
    assert len(story.created) == len(runs) + 1


def test_who_subscribes_again_while_a_version_is_on_its_way_starts_no_chaos() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    runs = list(story.created)
    subscribed_again(story, rollout("1.1"))
    story.sees(rolling("2.0"))
    assert story.status.phase is Phase.PENDING
    story.settles(rollout("2.0"))
    assert (story.created, story.status.recorded) == (runs, version("2.0").key)


def test_who_subscribes_again_finds_the_verdict_of_the_version_that_still_runs() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    runs = list(story.created)
    subscribed_again(story, rollout("1.1"))
    story.settles(rollout("1.1"))
    assert (story.created, story.status.phase) == (runs, Phase.OPEN)


def test_mending_a_subscription_that_came_back_broken_starts_no_chaos() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.claims = (claim("loss", problems=("workflows/loss.yaml:3: steps: is missing",)),)
    story.settles(rollout("1.1"))
    subscribed_again(story, rollout("1.1"))
    story.settles(rollout("1.1"))
    assert story.status.reason is Reason.BAD_DOCUMENT
    story.claims = tuple(replace(each, problems=()) for each in story.claims)
    story.settles(rollout("1.1"))
    assert (story.created, story.status.phase) == ([], Phase.PENDING)


def test_a_replica_that_has_not_read_the_newest_catalogue_misses_no_upgrade() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    subscribed_again(story, rollout("1.0"), since=-timedelta(days=1))
    story.settles(rollout("1.1"))
    assert len(story.created) == 1


def test_a_gate_that_nobody_subscribes_to_remembers_no_subscriptions() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    assert story.status.subscriptions == ("checkout",)
    story.claims, story.revision = (), ""
    story.sees(rollout("1.0"))
    assert story.status.subscriptions == ("checkout",)  # the catalogue has not been read yet
    story.revision = "rev"
    story.sees(rollout("1.0"))
    assert story.status.subscriptions == ()


def test_a_new_commit_of_a_version_that_could_not_be_judged_has_it_judged_again() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1", Verdict.ERRORED)
    story.settles(rollout("1.1", commit=commit("again")))
    assert len(set(story.created)) == 2


def test_a_canary_is_judged_only_for_those_who_want_it_judged() -> None:
    for judge, kind in ((JudgeAt.HEALTHY, Kind.ROLLING), (JudgeAt.CANARY, Kind.UPGRADE)):
        story = Story(claim("survives", judge=judge, settle=timedelta(0)))
        story.sees(rollout("1.0"))
        assert story.sees(rollout("1.1", progress=Progress.CANARY)).kind is kind


def test_a_canary_that_was_judged_is_not_judged_again_when_it_is_healthy() -> None:
    story = Story(claim("survives", judge=JudgeAt.CANARY, settle=timedelta(0)))
    story.sees(rollout("1.0"))
    story.sees(rollout("1.1", progress=Progress.CANARY))
    story.sees(rollout("1.1", progress=Progress.CANARY))
    story.ends({"survives": Verdict.PASSED})
    assert not story.sees(rollout("1.1")).create
    assert story.status.phase is Phase.OPEN


def test_subscriptions_that_differ_in_when_they_judge_close_the_gate_with_both_names() -> None:
    story = Story(claim("survives"), claim("survives", name="other", judge=JudgeAt.CANARY))
    story.sees(rollout("1.0"))
    assert story.status.reason is Reason.BAD_DOCUMENT
    assert "checkout (judge: healthy), other (judge: canary)" in story.status.message


def test_a_gate_that_starts_again_waits_for_the_catalogue_before_it_makes_what_is_missing() -> None:
    story = Story(claim("loss", "delay"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    named = sorted(story.created)
    del story.runs[story.created[1]]
    claims, story.claims, story.revision = story.claims, (), ""
    decision = story.sees(rollout("1.1"))
    assert (decision.kind, decision.create, story.status.verdict) == (Kind.FOLLOW, {}, None)
    story.claims, story.revision = claims, "rev"
    assert list(story.sees(rollout("1.1")).create) == named[1:]


def test_a_judgement_of_which_nothing_was_made_is_dropped_with_its_last_subscription() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    story.runs.clear()
    story.created.clear()
    story.claims = ()
    story.sees(rollout("1.1"))
    assert (story.created, story.status.runs, story.status.phase) == ([], (), Phase.PENDING)


def test_a_version_that_was_only_recorded_is_judged_when_it_comes_back_after_one_that_could_not_be() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.claims = (claim("loss", problems=("workflows/loss.yaml:3: steps: is missing",)),)
    story.settles(rollout("1.1"))
    assert story.status.reason is Reason.BAD_DOCUMENT
    story.claims = (claim("loss"),)
    story.settles(rollout("1.0"))
    assert [story.runs[name].spec.version for name in story.created] == [version("1.0").key]


def test_a_clock_that_is_set_back_lets_nobody_wait_for_longer_than_the_settling_time() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.sees(rollout("1.1"))
    decision = story.sees(rollout("1.1"), after=-timedelta(hours=1))
    assert (decision.kind, decision.wake) == (Kind.SETTLE, story.now + SETTLE)
    assert story.sees(rollout("1.1"), after=SETTLE).kind is Kind.UPGRADE


def test_a_gate_that_was_made_anew_does_not_take_up_the_runs_of_the_one_before() -> None:
    names = []
    for gate in ("gate-1", "gate-2"):
        story = Story(claim("loss", on_subscribe=OnSubscribe.RUN))
        story.gate = gate
        story.settles(rollout("1.1"))
        names += story.created
    assert len(set(names)) == 2


def test_runs_are_looked_for_until_they_were_seen_and_then_tell_of_themselves() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    made = story.settles(rollout("1.1"))
    assert made.wake
    assert made.wake - story.now <= timedelta(seconds=10)
    assert story.sees(rollout("1.1")).wake is None


def test_runs_that_have_to_stop_are_looked_at_until_they_have() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    story.sees(rollout("1.1"))
    assert story.sees(rollout("1.2")).wake
    assert story.sees(rollout("1.2")).wake


def test_how_far_a_rollout_is_is_written_down_once_a_second_and_its_last_word_too() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    told = []
    for number in range(30):
        said = rolling("1.1", message=f"{number} of 30 replicas are updated")
        wake = story.sees(said, after=timedelta(milliseconds=100)).wake
        told.append(story.status.message)
    assert len(set(told)) == 3
    assert wake
    story.sees(said, after=wake - story.now)
    assert story.status.message == "rollout in progress: 29 of 30 replicas are updated"


def test_a_commit_is_told_that_nobody_subscribes_any_more() -> None:
    story = Story(claim("loss", name="a"), claim("delay", name="b"))
    story.sees(rollout("1.0"))
    story.claims = (claim("loss", name="a"),)
    story.sees(rollout("1.0"))
    (said,) = [each for each in story.status.announcements if each.name == "chaos/staging/b"]
    assert (said.state, said.description) == (StatusState.CANCELED, "no longer subscribed")


def test_what_gitlab_was_not_told_is_not_forgotten_however_fast_the_commits_come() -> None:
    story = Story(*(claim("loss", name=name) for name in "abc"))
    story.settles(rollout("1.0"))
    for number in range(10):
        story.sees(rolling(f"2.{number}"), after=timedelta(seconds=1))
    assert len(story.status.announcements) == 3 * 11


def test_what_gitlab_was_told_to_be_pending_is_kept_until_it_was_told_the_end() -> None:
    story = Story(claim("loss"))
    story.sees(rolling("0.1"))
    pending = story.status.announcements
    for number in range(2 * KEPT):
        story.told |= {each for each in story.status.announcements if each.state.final and each.commit != commit("0.1")}
        story.told |= set(pending)
        story.sees(rolling(f"1.{number}"), after=timedelta(seconds=1))
    assert story.announced("0.1") is StatusState.CANCELED
    story.told |= set(story.status.announcements)
    story.sees(rolling("2.0"))
    assert commit("0.1") not in {each.commit for each in story.status.announcements}
    assert len(story.status.announcements) == KEPT


def test_a_gate_whose_announcements_nobody_takes_stays_an_object_that_can_be_saved() -> None:
    story = Story(claim("loss"))
    for number in range(2 * MOST):
        story.sees(rolling(f"1.{number}"), after=timedelta(seconds=1))
    assert len(story.status.announcements) == MOST
    assert story.announced(f"1.{2 * MOST - 1}") is StatusState.PENDING


def leaving(text: str) -> Rollout:
    """Complete by its status, and a pod of the version before is still terminating."""
    message = "1 pods of an older template are still there"
    return rollout(text, progress=Progress.ROLLING, message=message, quiet=True)


@pytest.mark.parametrize("text", ["1.0", "2.0"], ids=["of the present version", "of another version"])
@pytest.mark.parametrize("gate_has_looked", [True, False])
@pytest.mark.parametrize("quiet", [True, False], ids=["waits for pods", "will say so"])
def test_a_workload_that_cannot_complete_is_asked_rarely(text: str, gate_has_looked: bool, quiet: bool) -> None:
    story = Story(claim("loss"))
    if gate_has_looked:
        story.sees(rollout("1.0"))
    nothing = rollout(text, progress=Progress.ROLLING, version=None, message="scaled to zero", quiet=quiet)
    for _ in range(3):
        wake = story.sees(nothing, after=timedelta(seconds=2)).wake
        assert bool(wake) is quiet
        assert wake is None or wake - story.now >= timedelta(seconds=30)


def test_a_canary_that_is_paused_is_asked_rarely_by_those_who_do_not_want_it_judged() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    wake = story.sees(rollout("1.1", progress=Progress.CANARY)).wake
    assert wake is None or wake - story.now >= timedelta(seconds=30)


def test_an_old_pod_that_is_still_terminating_sends_no_event_and_is_glanced_at() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.sees(rolling("1.1"), after=timedelta(days=3))
    for _ in range(5):
        wake = story.sees(leaving("1.1"), after=timedelta(seconds=5)).wake
        assert wake
        assert wake - story.now < timedelta(seconds=1)


def test_an_old_pod_that_does_not_come_to_an_end_is_glanced_at_ever_more_rarely() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.sees(rolling("1.1"))
    waits = []
    for _ in range(400):
        wake = story.sees(leaving("1.1")).wake
        assert wake
        waits.append(wake - story.now)
        story.now = wake
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(seconds=30)

"""What is answered to whom: above all, no verdict of one version for another commit."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Temporary
from gate.model import (
    Announcement,
    Commit,
    Evidence,
    Gate,
    GateStatus,
    JudgedVersion,
    Judgement,
    Phase,
    Reason,
    Run,
    RunEntry,
    RunPhase,
    RunSpec,
    RunStatus,
    Selection,
    StatusState,
    Subscription,
    Summary,
    Verdict,
    Window,
    Workflow,
    WorkflowUse,
    Workload,
    WorkloadKind,
    WorkloadName,
    WorkloadSelector,
)
from gate.web.answer import Answer, Question, Selecting, State, Unreadable
from gate.web.answer_json import from_json, to_json
from gate.web.answering import Knowledge

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD, NEW = "a" * 40, "b" * 40


def answer(question: Question, **known: Any) -> Answer:
    return Knowledge(**known).answer(question)


def named(name: str) -> WorkloadName:
    return WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name=name)


CHECKOUT, CART = named("checkout"), named("cart")


def subscribed(
    workload: WorkloadName = CHECKOUT, project: str = "shop/checkout", environment: str = "staging"
) -> Subscription:
    return Subscription(
        name=workload.name,
        workload=workload,
        environment=environment,
        workflows=(WorkflowUse(name="survives"),),
        settle=timedelta(seconds=5),
        deadline=timedelta(minutes=30),
        project=project,
    )


def commit(sha: str, pipeline: int | None = 10, project: str = "shop/checkout") -> Commit:
    return Commit(project=project, sha=sha, pipeline=pipeline)


def gate(workload: WorkloadName = CHECKOUT, **status: object) -> Gate:
    return Gate(
        namespace=workload.namespace,
        name=workload.name,
        uid="g",
        workload=Workload(name=workload, uid="w"),
        status=GateStatus(**status),
    )


PHASES = {Verdict.PASSED: Phase.OPEN, None: Phase.PENDING}
ENTRY = RunEntry(name="run-1", workflow="survives", subscriptions=("checkout",), uid="r", score=90)


def judged(verdict: Verdict | None, sha: str = NEW, workload: WorkloadName = CHECKOUT, **more: object) -> Gate:
    status = {
        "phase": PHASES.get(verdict, Phase.CLOSED),
        "verdict": verdict,
        "version": "v2",
        "commit": commit(sha),
        "runs": (replace(ENTRY, subscriptions=(workload.name,)),),
        "message": "so it is",
    }
    return gate(workload, **(status | more))


def ask(question: Question, *gates: Gate, subscriptions: tuple[Subscription, ...] = (subscribed(),)) -> Answer:
    return answer(question, gates=gates, subscriptions=subscriptions)


def elsewhere(namespace: str) -> bool:
    """The gate has other namespaces than the shop's."""
    return namespace != "shop"


def of(sha: str, pipeline: int | None = 10) -> Question:
    return Question(workload=CHECKOUT, sha=sha, pipeline=pipeline)


def announced(sha: str, state: StatusState, version: str = "v1", pipeline: int | None = 10) -> Announcement:
    return Announcement(
        name="chaos/staging/checkout", commit=commit(sha, pipeline), version=version, state=state, description="told"
    )


def remembered(version: str, verdict: Verdict, at: datetime = NOW) -> JudgedVersion:
    return JudgedVersion(version=version, workflows="f", at=at, judgement=Judgement(verdict=verdict), runs=(ENTRY,))


# ------------------------------------------------------------------------------------------------- the commit that runs


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (None, State.PENDING),
        (Verdict.PASSED, State.OPEN),
        (Verdict.FAILED, State.CLOSED),
        (Verdict.ERRORED, State.CLOSED),
        (Verdict.CANCELED, State.CLOSED),
    ],
)
def test_the_commit_that_the_gate_is_at_gets_its_verdict(verdict: Verdict | None, state: State) -> None:
    found = ask(of(NEW), judged(verdict))
    assert (found.state, found.verdict) == (state, verdict)


@pytest.mark.parametrize(
    "question",
    [of(OLD), of(NEW, 11), of(OLD, None), Question(project="shop/checkout", sha=OLD)],
)
def test_another_commit_or_pipeline_gets_none(question: Question) -> None:
    found = ask(question, judged(Verdict.PASSED))
    assert (found.state, found.verdict) == (State.UNSEEN, None)
    assert "the gate is at commit bbbbbbbb of pipeline 10" in found.message


def test_without_a_pipeline_in_the_question_the_commit_decides() -> None:
    assert ask(of(NEW, None), judged(Verdict.PASSED)).state is State.OPEN


def test_a_pipeline_that_the_gate_does_not_know_of_is_not_assumed() -> None:
    found = ask(of(NEW), judged(Verdict.PASSED, commit=commit(NEW, None)))
    assert found.state is State.UNSEEN
    assert "no pipeline that it knows" in found.message


def test_a_gate_that_knows_no_commit_answers_no_commit_and_says_the_remedy() -> None:
    found = ask(of(NEW), judged(Verdict.PASSED, commit=None))
    assert (found.state, found.verdict) == (State.UNSEEN, None)
    assert "chaosgate.dev/project" in found.message


def test_the_same_commit_id_in_another_project_is_another_commit() -> None:
    found = ask(
        Question(project="fork/checkout", sha=NEW),
        judged(Verdict.PASSED),
        subscriptions=(subscribed(project="fork/checkout"),),
    )
    assert found.state is State.UNSEEN


@pytest.mark.parametrize(
    ("phase", "verdict"),
    [
        (Phase.PENDING, Verdict.PASSED),
        (Phase.CLOSED, Verdict.PASSED),
        (Phase.PENDING, Verdict.FAILED),
        (Phase.OPEN, Verdict.FAILED),
        (Phase.OPEN, None),
    ],
)
def test_a_phase_that_does_not_fit_its_verdict_is_no_answer(phase: Phase, verdict: Verdict | None) -> None:
    found = ask(of(NEW), judged(verdict, phase=phase))
    assert (found.state, found.verdict) == (State.PENDING, None)


def test_without_a_commit_in_the_question_the_version_that_runs_is_answered() -> None:
    assert ask(Question(workload=CHECKOUT), judged(Verdict.FAILED, commit=None)).verdict is Verdict.FAILED


# ------------------------------------------------------------------------------------------ the commits before that one


def test_a_commit_that_was_superseded_is_canceled() -> None:
    at_new = judged(
        None, announcements=(announced(OLD, StatusState.CANCELED), announced(NEW, StatusState.RUNNING, "v2"))
    )
    found = ask(of(OLD), at_new)
    assert (found.state, found.verdict, found.reason, found.message) == (
        State.CLOSED,
        Verdict.CANCELED,
        Reason.SUPERSEDED,
        "told",
    )
    assert ask(of(NEW), at_new).state is State.PENDING


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (StatusState.SUCCESS, Verdict.PASSED),
        (StatusState.FAILED, Verdict.FAILED),
        (StatusState.FAILED, Verdict.ERRORED),
    ],
)
def test_a_commit_left_behind_keeps_the_verdict_that_its_own_version_got(told: StatusState, verdict: Verdict) -> None:
    at_new = judged(None, announcements=(announced(OLD, told),), judged=(remembered("v1", verdict),))
    assert ask(of(OLD), at_new).verdict is verdict


@pytest.mark.parametrize(
    "judgements",
    [
        (),
        (remembered("v2", Verdict.PASSED),),
        (remembered("v1", Verdict.FAILED),),
        (remembered("v1", Verdict.FAILED), remembered("v1", Verdict.PASSED)),
        (remembered("v1", Verdict.FAILED), remembered("v1", Verdict.PASSED, NOW + timedelta(1))),
    ],
)
def test_a_success_that_no_judgement_of_that_version_backs_is_no_pass(judgements: tuple[JudgedVersion, ...]) -> None:
    at_new = judged(Verdict.PASSED, announcements=(announced(OLD, StatusState.SUCCESS),), judged=judgements)
    assert ask(of(OLD), at_new).verdict is Verdict.CANCELED


def test_what_was_announced_for_another_pipeline_of_the_commit_does_not_count() -> None:
    at_new = judged(
        None,
        announcements=(announced(OLD, StatusState.SUCCESS, pipeline=9),),
        judged=(remembered("v1", Verdict.PASSED),),
    )
    assert ask(of(OLD), at_new).state is State.UNSEEN


shas = st.sampled_from(["a" * 40, "b" * 40, "c" * 40])
pipelines = st.sampled_from([None, 1, 2])
verdicts = st.sampled_from(Verdict)
announcements = st.builds(announced, shas, st.sampled_from(StatusState), st.sampled_from(["v1", "v2", "v3"]), pipelines)
judgements = st.builds(
    remembered, st.sampled_from(["v1", "v2", "v3"]), verdicts, st.integers(0, 9).map(lambda day: NOW + timedelta(day))
)


@given(
    asked=shas,
    pipeline=pipelines,
    current=st.none() | st.builds(commit, shas, pipelines),
    verdict=st.none() | verdicts,
    phase=st.sampled_from(Phase),
    told=st.lists(announcements, max_size=4),
    memory=st.lists(judgements, max_size=4),
)
def test_open_always_means_that_a_version_of_this_very_commit_has_passed(
    asked: str,
    pipeline: int | None,
    current: Commit | None,
    verdict: Verdict | None,
    phase: Phase,
    told: list[Announcement],
    memory: list[JudgedVersion],
) -> None:
    found = ask(
        of(asked, pipeline),
        gate(
            runs=(ENTRY,),
            phase=phase,
            verdict=verdict,
            version="v9",
            commit=current,
            announcements=tuple(told),
            judged=tuple(memory),
        ),
    )

    def is_asked(one: Commit | None) -> bool:
        return one is not None and one.sha == asked and pipeline in {None, one.pipeline}

    assert (found.verdict is None) == (found.state not in {State.OPEN, State.CLOSED})
    if found.state is State.OPEN:
        now = is_asked(current) and found.version == "v9" and verdict is Verdict.PASSED and phase is Phase.OPEN
        then = any(
            is_asked(one.commit)
            and one.state is StatusState.SUCCESS
            and one.version == entry.version == found.version
            and entry.judgement.verdict is Verdict.PASSED
            for one in told
            for entry in memory
        )
        assert now or then
    elif found.verdict is not None:
        assert is_asked(current) or any(is_asked(one.commit) and one.state.final for one in told)


# ----------------------------------------------------------------------------------------------------- who is asked for


def test_a_workload_that_nobody_subscribed_is_said_to_be_so() -> None:
    found = ask(Question(workload=CART, sha=NEW))
    assert (found.state, found.verdict) == (State.UNSUBSCRIBED, None)
    assert "Deployment shop/cart" in found.message


def test_a_project_without_subscriptions_in_that_environment_is_unsubscribed() -> None:
    assert ask(Question(project="shop/checkout", environment="production", sha=NEW)).state is State.UNSUBSCRIBED
    assert ask(Question(project="shop/other", sha=NEW)).state is State.UNSUBSCRIBED


@pytest.mark.parametrize("question", [Question(project="shop/checkout", sha=NEW), of(NEW)], ids=["project", "workload"])
def test_a_pass_is_none_for_an_environment_that_no_subscription_has(question: Question) -> None:
    found = ask(replace(question, environment="production"), judged(Verdict.PASSED, subscriptions=("checkout",)))
    assert (found.state, found.verdict) == (State.UNSUBSCRIBED, None)
    assert found.message.endswith("in production; there are subscriptions in staging")


def test_a_subscribed_workload_without_a_gate_is_unseen() -> None:
    assert ask(of(NEW)).state is State.UNSEEN


@pytest.mark.parametrize("question", [of(NEW), Question(project="shop/checkout", environment="staging", sha=NEW)])
def test_a_gate_whose_document_cannot_be_read_any_more_is_not_taken_for_unsubscribed(question: Question) -> None:
    broken = judged(Verdict.ERRORED, subscriptions=("checkout",))
    assert ask(question, broken, subscriptions=()).verdict is Verdict.ERRORED


def test_a_subscription_that_came_after_the_judgement_gets_no_pass_from_it() -> None:
    late = replace(subscribed(), name="checkout-of-another-team")
    found = ask(of(NEW), judged(Verdict.PASSED), subscriptions=(subscribed(), late))
    assert (found.state, found.verdict) == (State.PENDING, None)
    assert "checkout-of-another-team subscribed after this version was judged" in found.message
    assert ask(of(NEW), judged(Verdict.FAILED), subscriptions=(subscribed(), late)).verdict is Verdict.FAILED


def test_a_pass_without_a_single_run_is_none() -> None:
    assert ask(of(NEW), judged(Verdict.PASSED, runs=())).verdict is None


def test_a_gate_that_nobody_subscribes_any_more_is_unsubscribed() -> None:
    assert ask(of(NEW), judged(Verdict.PASSED), subscriptions=()).state is State.UNSUBSCRIBED


@pytest.mark.parametrize("subscriptions", [(subscribed(),), ()], ids=["named", "perhaps selected"])
def test_what_another_gate_may_judge_is_not_called_unsubscribed(subscriptions: tuple[Subscription, ...]) -> None:
    found = answer(of(NEW), gates=(), subscriptions=subscriptions, judges=elsewhere)
    assert (found.state, found.verdict) == (State.UNSEEN, None)
    assert found.message == "this gate does not judge in the namespace shop; ask the one that does"


# ------------------------------------------------------------------------------------------- subscribed by a selector


def selecting(*namespaces: str, beyond: bool = False) -> Selecting:
    """Every Deployment of these namespaces with a label, for the project `shop/checkout` on staging."""
    selector = WorkloadSelector(kind=WorkloadKind.DEPLOYMENT, namespaces=namespaces, labels={"tier": "web"})
    pattern = replace(subscribed(), name="all-web", place="web.yaml:7")
    return Selecting(selection=Selection(selector=selector, pattern=pattern), beyond=beyond)


def asked_of(question: Question, *selections: Selecting, found: tuple[Subscription, ...] = (), **known: Any) -> Answer:
    return answer(question, gates=(judged(Verdict.PASSED),), subscriptions=found, selecting=selections, **known)


IN_STAGING = Question(project="shop/checkout", environment="staging", sha=OLD)


def test_a_project_whose_only_subscription_selects_in_the_namespaces_of_another_gate_is_not_unsubscribed() -> None:
    found = asked_of(IN_STAGING, selecting("team-*", beyond=True))
    assert (found.state, found.verdict) == (State.UNSEEN, None)
    assert found.workloads == ("each Deployment with tier=web in team-*",)
    assert "all-web may select workloads in namespaces that this gate does not judge in" in found.message


def test_what_a_gate_sees_of_a_selection_that_reaches_beyond_it_opens_nothing() -> None:
    chosen = replace(subscribed(), name="checkout")
    passed = Question(project="shop/checkout", environment="staging", sha=NEW)
    assert asked_of(passed, selecting("shop"), found=(replace(chosen, name="all-web"), chosen)).state is State.PENDING
    assert asked_of(passed, found=(chosen,)).state is State.OPEN
    assert asked_of(passed, selecting("*", beyond=True), found=(chosen,)).state is State.UNSEEN
    assert asked_of(of(NEW), selecting("*", beyond=True), found=(chosen,)).state is State.OPEN


def test_a_selector_that_finds_nothing_is_not_taken_for_no_subscription() -> None:
    found = asked_of(IN_STAGING, selecting("shop"))
    assert (found.state, found.verdict) == (State.UNSEEN, None)
    assert found.message == "all-web (web.yaml:7) selects nothing that is there; see its labels and namespaces"


def test_a_selector_of_another_project_or_environment_says_nothing() -> None:
    everywhere = selecting("*", beyond=True)
    assert asked_of(Question(project="shop/other", sha=NEW), everywhere).state is State.UNSUBSCRIBED
    elsewhere = Question(project="shop/checkout", environment="production", sha=NEW)
    assert asked_of(elsewhere, everywhere).state is State.UNSUBSCRIBED


@pytest.mark.parametrize(
    ("namespaces", "there", "state"),
    [
        (("shop",), False, State.UNSEEN),
        (("sh*",), False, State.UNSEEN),
        (("odd",), False, State.UNSUBSCRIBED),
        (("shop",), True, State.UNSUBSCRIBED),
    ],
    ids=["may be selected", "by a pattern", "in another namespace", "has other labels"],
)
def test_a_workload_that_is_not_there_yet_may_be_selected_once_it_is(
    namespaces: tuple[str, ...], there: bool, state: State
) -> None:
    found = asked_of(Question(workload=CART, sha=NEW), selecting(*namespaces), is_there=lambda _: there)
    assert found.state is state
    if state is State.UNSEEN:
        assert found.message == "there is no such workload; if it comes, all-web may select it"


# ---------------------------------------------------------------------------------------------------- several workloads

BOTH = (subscribed(), subscribed(CART))
PROJECT = Question(project="Shop/Checkout", environment="staging", sha=NEW, pipeline=10)


def test_several_workloads_are_open_only_together() -> None:
    passed = judged(Verdict.PASSED)
    assert ask(PROJECT, passed, judged(Verdict.PASSED, workload=CART), subscriptions=BOTH).state is State.OPEN
    assert ask(PROJECT, passed, judged(None, workload=CART), subscriptions=BOTH).state is State.PENDING
    assert ask(PROJECT, passed, subscriptions=BOTH).state is State.UNSEEN
    assert ask(PROJECT, passed, judged(Verdict.PASSED, OLD, CART), subscriptions=BOTH).state is State.UNSEEN


def test_a_project_with_a_workload_of_another_gate_is_not_open() -> None:
    there = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="odd", name="cart")
    both = (subscribed(), subscribed(there))
    found = answer(PROJECT, gates=[judged(Verdict.PASSED)], subscriptions=both, judges=lambda name: name == "shop")
    assert found.state is State.UNSEEN
    assert "Deployment odd/cart: this gate does not judge in the namespace odd" in found.message


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (Verdict.FAILED, None, Verdict.FAILED),
        (Verdict.ERRORED, None, None),
        (Verdict.PASSED, Verdict.ERRORED, Verdict.ERRORED),
        (Verdict.CANCELED, Verdict.ERRORED, Verdict.ERRORED),
        (Verdict.FAILED, Verdict.ERRORED, Verdict.FAILED),
        (Verdict.CANCELED, Verdict.PASSED, Verdict.CANCELED),
    ],
)
def test_several_verdicts_fold_to_the_worst_and_only_a_failure_comes_early(
    first: Verdict, second: Verdict | None, verdict: Verdict | None
) -> None:
    found = ask(PROJECT, judged(first), judged(second, workload=CART), subscriptions=BOTH)
    assert found.verdict is verdict
    assert len(found.runs) == 2
    assert "Deployment shop/cart: so it is" in found.message


# -------------------------------------------------------------------------------------------------------------- details


def run(uid: str) -> Run:
    summary = Summary(
        probe="checkout answers",
        window=Window.DURING,
        step="one pod dies",
        samples=200,
        failures=12,
        streak=timedelta(seconds=3),
        first_failure=NOW,
        detail="HTTP 502",
    )
    good = replace(summary, failures=0)
    spec = RunSpec(
        workload=Workload(name=CHECKOUT, uid="w"),
        version="v2",
        images=(),
        workflow=Workflow(name="survives", baseline=timedelta(0), steady_state=(), steps=()),
        subscriptions=(),
        revision="",
        seed="",
        deadline=NOW,
    )
    status = RunStatus(phase=RunPhase.RUNNING, activity="holding", evidence=Evidence(summaries=(summary, good)))
    return Run(namespace="shop", name="run-1", uid=uid, created=NOW, spec=spec, status=status)


def test_a_run_that_is_still_there_tells_what_it_does_and_which_probes_failed() -> None:
    found = answer(of(NEW), gates=[judged(None)], subscriptions=[subscribed()], runs=[run("r")])
    assert [(one.activity, [failed.failures for failed in one.failed]) for one in found.runs] == [("holding", [12])]


def test_a_run_of_that_name_from_before_tells_nothing() -> None:
    found = answer(of(NEW), gates=[judged(None)], subscriptions=[subscribed()], runs=[run("another")])
    assert [(one.activity, one.failed) for one in found.runs] == [("", ())]


def test_an_answer_survives_its_journey() -> None:
    found = answer(
        of(NEW),
        gates=[judged(Verdict.FAILED, reason=Reason.PROBE_FAILED)],
        subscriptions=[subscribed()],
        runs=[run("r")],
    )
    assert from_json(json.loads(json.dumps(to_json(found)))) == found


def test_the_etag_changes_with_the_answer_only() -> None:
    assert ask(of(NEW), judged(None)).etag == ask(of(NEW), judged(None)).etag
    assert ask(of(NEW), judged(None)).etag != ask(of(NEW), judged(None, message="other")).etag


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        "open",
        {"state": "open", "verdict": None},
        {"state": "open", "verdict": "FAILED"},
        {"state": "closed", "verdict": None},
        {"state": "closed", "verdict": "PASSED"},
        {"state": "pending", "verdict": "PASSED"},
        {"state": "ajar", "verdict": None},
        {"state": "open", "verdict": "GREAT"},
        {"state": "pending", "verdict": None, "runs": [{}]},
    ],
)
def test_what_cannot_be_an_answer_is_never_taken_for_one(said: object) -> None:
    with pytest.raises(Temporary, match="cannot be read"):
        from_json(said)


def test_a_reason_that_this_program_does_not_know_hides_no_verdict() -> None:
    found = from_json({"state": "closed", "verdict": "FAILED", "reason": "SomethingNew"})
    assert (found.verdict, found.reason) == (Verdict.FAILED, None)


# ---------------------------------------------------------------------------------------- documents that cannot be read


def of_unreadable(question: Question, *found: Subscription, **said: Any) -> Answer:
    """With a gate that has passed, and a document that says no more than `said`."""
    unreadable = Unreadable(why="new.yaml:3: unknown field", **said)
    return answer(question, gates=(judged(Verdict.PASSED),), subscriptions=found, unreadable=(unreadable,))


OTHER = Question(project="shop/cart", environment="staging", sha=NEW)
CART = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="cart")


@pytest.mark.parametrize("said", [{}, {"project": "Shop/Cart"}, {"workload": CART}], ids=str)
def test_who_may_be_subscribed_by_a_document_that_cannot_be_read_is_not_unsubscribed(said: dict[str, Any]) -> None:
    found = of_unreadable(OTHER, **said)
    assert (found.state, found.verdict) == (State.UNSEEN, None)
    assert found.message == "a subscription that cannot be read may be about it: new.yaml:3: unknown field"


def test_a_document_that_cannot_be_read_and_names_another_project_says_nothing() -> None:
    assert of_unreadable(OTHER, project="shop/checkout").state is State.UNSUBSCRIBED


def test_a_new_document_of_a_project_that_cannot_be_read_keeps_its_pass_back() -> None:
    passed = Question(project="shop/checkout", environment="staging", sha=NEW)
    chosen = replace(subscribed(), name="checkout")
    assert of_unreadable(passed, chosen, project="shop/checkout", workload=CART).state is State.UNSEEN
    nameless = of_unreadable(passed, chosen, project="shop/checkout")
    assert (nameless.state, "a subscription that cannot be read" in nameless.message) == (State.UNSEEN, True)
    assert of_unreadable(passed, chosen, project="shop/cart", workload=CART).state is State.OPEN
    assert of_unreadable(passed, chosen).state is State.OPEN, "a document that says nothing does not stop everybody"


def test_a_workload_waits_for_a_document_that_cannot_be_read_only_if_that_may_name_it() -> None:
    cart = Question(workload=CART, sha=NEW)
    assert of_unreadable(cart, workload=CART).state is State.UNSEEN
    assert of_unreadable(cart, project="shop/cart").state is State.UNSEEN
    assert of_unreadable(cart, workload=replace(CART, name="checkout")).state is State.UNSUBSCRIBED


ASIDE = judged(Verdict.PASSED, OLD, CART, subscriptions=("cart",))
"""Of the same project as checkout, and still at the commit before."""


@pytest.mark.parametrize("said", [{"workload": CART}, {}], ids=["its workload", "nothing"])
@pytest.mark.parametrize(
    ("aside", "state"),
    [
        (ASIDE, State.UNSEEN),
        (judged(None, workload=CART, subscriptions=("cart",)), State.PENDING),
        (judged(Verdict.ERRORED, workload=CART, subscriptions=("cart",)), State.CLOSED),
        (judged(Verdict.PASSED, OLD, CART), State.OPEN),
        (judged(Verdict.PASSED, OLD, CART, subscriptions=("checkout",)), State.OPEN),
        (
            judged(Verdict.PASSED, workload=CART, commit=commit(OLD, 9, "shop/cart"), subscriptions=("cart",)),
            State.OPEN,
        ),
    ],
    ids=["behind", "being judged", "there", "unsubscribed", "readable", "of another project"],
)
def test_a_workload_of_the_project_holds_up_the_others_while_its_document_cannot_be_read(
    aside: Gate, state: State, said: dict[str, Any]
) -> None:
    passed = judged(Verdict.PASSED, subscriptions=("checkout",))
    unreadable = (Unreadable(why="cart.yaml:3: unknown field", **said),)
    found = answer(PROJECT, gates=(passed, aside), subscriptions=(subscribed(),), unreadable=unreadable)
    assert found.state is state
    assert ("cart.yaml:3" in found.message) == (state is State.UNSEEN)


def test_what_a_workload_has_had_tells_whose_it_is_also_by_the_number_of_the_project() -> None:
    by_number = judged(Verdict.PASSED, commit=commit(NEW, project="42"), subscriptions=("checkout",))
    for number, state in (("42", State.UNSEEN), ("43", State.OPEN)):
        told = replace(announced(OLD, StatusState.SUCCESS), commit=commit(OLD, project=number))
        aside = judged(Verdict.PASSED, workload=CART, commit=None, announcements=(told,), subscriptions=("cart",))
        assert ask(PROJECT, by_number, aside).state is state


def test_documents_that_are_another_gates_are_not_taken_for_unreadable() -> None:
    passed, abroad = judged(Verdict.PASSED), replace(CART, namespace="abroad")
    theirs = judged(Verdict.PASSED, OLD, abroad, subscriptions=("cart",))
    found = answer(PROJECT, gates=(passed, theirs), subscriptions=(subscribed(),), judges=lambda name: name == "shop")
    assert found.state is State.OPEN


def test_the_names_of_the_whole_catalogue_tell_what_can_be_read() -> None:
    known = {"gates": (judged(Verdict.PASSED), ASIDE), "subscriptions": (subscribed(),)}
    assert answer(PROJECT, **known).state is State.UNSEEN
    assert answer(PROJECT, **known, readable={"checkout", "cart"}).state is State.OPEN


def test_what_is_wrong_in_the_document_of_another_project_is_not_told() -> None:
    passed, others = judged(Verdict.PASSED), Unreadable(why="other.yaml:3: unknown field", project="shop/other")
    found = answer(PROJECT, gates=(passed, ASIDE), subscriptions=(subscribed(),), unreadable=(others,))
    assert (found.state, "other.yaml" in found.message) == (State.UNSEEN, False)


def test_what_is_being_replaced_is_no_answer_until_the_rollout_is_over() -> None:
    for verdict in Verdict:
        found = ask(of(NEW), judged(verdict, replacing="1 of 3 replicas are updated"))
        assert (found.state, found.verdict) == (State.PENDING, None)
        assert found.message == "what was judged is being replaced: 1 of 3 replicas are updated"


def test_a_document_that_was_broken_after_a_version_was_judged_takes_nothing_from_that_version() -> None:
    broken = Unreadable(why="late.yaml:3: unknown field", workload=CHECKOUT, project="shop/checkout")

    def said(question: Question, gate: Gate) -> Answer:
        return answer(question, gates=(gate,), subscriptions=(subscribed(),), unreadable=(broken,))

    for verdict in Verdict:
        assert said(of(NEW), judged(verdict)).verdict is verdict
    closed = judged(Verdict.ERRORED, reason=Reason.BAD_DOCUMENT)
    assert said(of(NEW), closed).verdict is Verdict.ERRORED  # the next version: the tracker does not judge it
    assert said(of("c" * 40), judged(Verdict.PASSED)).verdict is None

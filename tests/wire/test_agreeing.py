"""Several workloads that share one production: it opens when all of them are open, and not before."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from gate.model import (
    Commit,
    Gate,
    GateOverride,
    GateStatus,
    Phase,
    Promote,
    Reason,
    RunEntry,
    Selection,
    Stance,
    Subscription,
    Verdict,
    Way,
    WorkflowUse,
    Workload,
    WorkloadKind,
    WorkloadName,
    WorkloadSelector,
)
from gate.tracking.promoting import promotion
from gate.web.answer import Selecting, Unreadable
from gate.wire.agreeing import UNSEEN_FOR, Agreeing, Compared
from tests.clocks import HandClock

SHIP = Promote(way=Way.PLAY, name="ship", environment="production")
COMMIT = Commit(project="shop/shop", sha="a" * 40, pipeline=3)
RUN = RunEntry(name="run-1", workflow="loss", subscriptions=("checkout", "inventory"))
PASSED = GateStatus(
    phase=Phase.OPEN, version="v", verdict=Verdict.PASSED, commit=COMMIT, runs=(replace(RUN, verdict=Verdict.PASSED),)
)
FAILED = replace(
    PASSED,
    phase=Phase.CLOSED,
    verdict=Verdict.FAILED,
    reason=Reason.PROBE_FAILED,
    message="it did not answer",
    runs=(replace(RUN, verdict=Verdict.FAILED),),
)
ERRORED = replace(FAILED, verdict=Verdict.ERRORED, runs=(replace(RUN, verdict=Verdict.ERRORED),))
RUNNING = replace(PASSED, phase=Phase.PENDING, verdict=None, runs=(RUN,))
ELSEWHERE = replace(PASSED, commit=replace(COMMIT, sha="b" * 40, pipeline=2))
OTHER_PIPELINE = replace(PASSED, commit=replace(COMMIT, pipeline=4))


def subscription(name: str) -> Subscription:
    return Subscription(
        name=name,
        workload=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name=name),
        environment="staging",
        workflows=(WorkflowUse(name="loss"),),
        settle=timedelta(0),
        deadline=timedelta(minutes=30),
        project="shop/shop",
        promote=SHIP,
    )


CHECKOUT, INVENTORY = subscription("checkout"), subscription("inventory")


@dataclass
class Known:
    """What is known, by the copies and by the cluster itself."""

    clock: HandClock = field(default_factory=HandClock)
    subscribed: Sequence[Subscription] = (CHECKOUT, INVENTORY)
    there: dict[str, Gate] = field(default_factory=dict)
    copied: dict[str, Gate] = field(default_factory=dict)
    selections: Sequence[Selecting] = ()
    broken: Sequence[Unreadable] = ()
    foreign: Sequence[str] = ()
    decides: bool = True
    compared: Compared = field(default_factory=Compared)

    def __post_init__(self) -> None:
        self.agreeing = Agreeing(
            self,
            self.compared,
            may_decide=lambda: self.decides,
            anew=lambda: tuple(self.there.values()),
            now=self.clock.now,
        )

    def gates(self) -> Sequence[Gate]:
        return tuple(self.copied.values())

    def subscriptions(self) -> Sequence[Subscription]:
        return self.subscribed

    def selecting(self) -> Sequence[Selecting]:
        return self.selections

    def unreadable(self) -> Sequence[Unreadable]:
        return self.broken

    def judges(self, namespace: str) -> bool:
        return namespace not in self.foreign

    def says(self, name: str, status: GateStatus, *, compared: bool = True, copied: bool = True) -> Gate:
        """A gate as the tracker would have written it."""
        subscribed = [each for each in self.subscribed if each.workload.name == name]
        status = replace(
            status, since=status.since or self.clock.now(), subscriptions=tuple(each.name for each in subscribed)
        )
        status = replace(status, promotion=promotion(status, subscribed, name))
        workload = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name=name)
        gate = Gate(
            namespace="shop",
            name=f"deployment-{name}",
            uid=name,
            workload=Workload(name=workload, uid=name),
            status=status,
        )
        self.there[name] = gate
        if copied:
            self.copied[name] = gate
        if compared:
            self.compared.add(workload, self.compared.term)
        return gate

    def stance(self, *, anew: bool = False) -> Stance | None:
        """What is agreed, if checkout's gate is asked; None: nobody knows."""
        agreed = self.agreeing(self.copied["checkout"], anew=anew)
        return agreed.wanted.stance if agreed else None


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.mark.parametrize(
    ("other", "stance"),
    [
        (PASSED, Stance.OPEN),
        (FAILED, Stance.SHUT),
        (ERRORED, Stance.SHUT),
        (RUNNING, Stance.AWAIT),
        (ELSEWHERE, Stance.AWAIT),
        (OTHER_PIPELINE, Stance.AWAIT),
        (replace(PASSED, commit=None), Stance.AWAIT),
        (None, Stance.AWAIT),
    ],
    ids=["passed", "failed", "errored", "running", "other commit", "other pipeline", "no commit", "no gate"],
)
def test_production_opens_only_when_all_that_share_it_are_open(
    known: Known, other: GateStatus | None, stance: Stance
) -> None:
    known.says("checkout", PASSED)
    if other:
        known.says("inventory", other)
    assert known.stance() is stance


def test_whichever_is_asked_they_answer_as_one(known: Known) -> None:
    gates = [known.says("checkout", PASSED), known.says("inventory", replace(PASSED, version="w"))]
    one, other = (known.agreeing(gate) for gate in gates)
    assert one is not None
    assert other is not None
    assert (one.wanted.number, one.wanted.version, one.keeper) == (other.wanted.number, "v w", other.keeper)
    assert one.environments == {"staging"}
    assert one.note == other.note


@pytest.mark.parametrize(
    "promote",
    [None, replace(SHIP, name="send"), replace(SHIP, environment="eu"), Promote(way=Way.APPROVE, name="production")],
)
def test_who_asks_for_something_else_holds_nobody_back(known: Known, promote: Promote | None) -> None:
    known.subscribed = (CHECKOUT, replace(INVENTORY, promote=promote))
    known.says("checkout", PASSED)
    known.says("inventory", FAILED)
    assert known.stance() is Stance.OPEN


def test_what_a_gate_said_before_this_term_opens_nothing(known: Known) -> None:
    known.says("checkout", PASSED, compared=False)
    assert known.stance() is None
    known.says("checkout", PASSED)
    known.says("inventory", PASSED, compared=False)
    assert known.stance() is None
    known.says("inventory", PASSED)
    assert known.stance() is Stance.OPEN
    known.compared.begin()
    assert known.stance() is None


def test_a_comparison_of_an_earlier_term_is_none_of_this_one(known: Known) -> None:
    gate, term = known.says("checkout", PASSED), known.compared.term
    known.says("inventory", PASSED)
    known.compared.begin()
    known.compared.add(INVENTORY.workload, known.compared.term)
    known.compared.add(gate.workload.name, term)
    assert known.stance() is None


def test_nothing_is_agreed_before_the_catalogue_of_this_term_is_known(known: Known) -> None:
    known.says("checkout", PASSED)
    known.says("inventory", PASSED)
    known.decides = False
    assert known.stance() is None


def test_what_nobody_asks_for_any_more_is_not_agreed(known: Known) -> None:
    known.says("checkout", PASSED)
    known.says("inventory", PASSED)
    known.subscribed = (INVENTORY,)
    assert known.stance() is None


def test_a_copy_that_lags_behind_opens_nothing(known: Known) -> None:
    known.says("checkout", PASSED)
    known.says("inventory", PASSED)
    known.says("inventory", FAILED, copied=False)
    assert known.stance() is Stance.OPEN
    assert known.stance(anew=True) is Stance.SHUT


def test_an_override_opens_as_long_as_it_stands_and_not_a_moment_longer(known: Known) -> None:
    known.says("checkout", PASSED)
    gate = known.says("inventory", replace(FAILED, override="overridden by ann until tomorrow: it has to go"))
    said = GateOverride(
        version="v",
        who="ann",
        reason="it has to go",
        at=known.clock.now(),
        until=known.clock.now() + timedelta(hours=1),
    )
    known.copied["inventory"] = replace(gate, overrides=(said,))
    assert known.stance() is Stance.OPEN
    known.clock.advance(timedelta(hours=1))
    assert known.stance() is Stance.SHUT


def test_a_document_that_cannot_be_read_keeps_production_shut(known: Known) -> None:
    known.subscribed = (CHECKOUT,)
    known.says("checkout", PASSED)
    assert known.stance() is Stance.OPEN
    known.broken = (Unreadable(why="inventory.yaml:3: what is that?", project="shop/shop"),)
    assert known.stance() is Stance.AWAIT


@pytest.mark.parametrize("project", ["shop/shop", "shop/else"])
def test_a_document_that_says_only_its_workload_is_of_the_project_that_this_has_had(known: Known, project: str) -> None:
    known.subscribed = (CHECKOUT,)
    known.says("checkout", PASSED)
    known.says("inventory", replace(PASSED, commit=replace(COMMIT, project=project, sha="b" * 40)))
    known.broken = (Unreadable(why="inventory.yaml:3: what is that?", workload=INVENTORY.workload),)
    assert known.stance() is (Stance.AWAIT if project == "shop/shop" else Stance.OPEN)


@pytest.mark.parametrize("readable", [True, False])
def test_a_document_that_says_nothing_keeps_production_shut_for_a_workload_that_it_may_be_about(
    known: Known, readable: bool
) -> None:
    known.says("checkout", PASSED)
    known.says("inventory", ELSEWHERE)
    known.subscribed = (CHECKOUT, replace(INVENTORY, promote=None)) if readable else (CHECKOUT,)
    behind = replace(known.copied["inventory"].status, promotion=None)
    known.copied["inventory"] = replace(known.copied["inventory"], status=behind)
    known.broken = (Unreadable(why="web.yaml:3: what is that?"),)
    assert known.stance() is (Stance.OPEN if readable else Stance.AWAIT)


@pytest.mark.parametrize("selects", [True, False])
def test_a_selector_that_may_find_more_than_is_seen_keeps_production_shut(known: Known, selects: bool) -> None:
    selector = WorkloadSelector(kind=WorkloadKind.DEPLOYMENT, namespaces=("shop",), labels={"part-of": "shop"})
    pattern = replace(INVENTORY, name="all" if not selects else "checkout")
    known.selections = (Selecting(selection=Selection(selector=selector, pattern=pattern), beyond=selects),)
    known.subscribed = (CHECKOUT,)
    known.says("checkout", PASSED)
    assert known.stance() is Stance.AWAIT


def test_a_workload_that_another_gate_judges_keeps_production_shut(known: Known) -> None:
    abroad = replace(INVENTORY, workload=replace(INVENTORY.workload, namespace="abroad"))
    known.subscribed, known.foreign = (CHECKOUT, abroad), ("abroad",)
    known.says("checkout", PASSED)
    assert known.stance() is Stance.AWAIT


def test_what_only_a_person_can_change_is_said_when_it_has_lasted(known: Known) -> None:
    gate = known.says("checkout", PASSED)
    agreed = known.agreeing(gate)
    assert agreed is not None
    assert (agreed.held, agreed.why) == (True, "")
    known.clock.advance(UNSEEN_FOR)
    agreed = known.agreeing(gate)
    assert agreed is not None
    assert "inventory: the gate has not seen the workload yet; let one pipeline deploy" in agreed.why

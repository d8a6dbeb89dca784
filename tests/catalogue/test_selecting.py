"""Subscriptions that select workloads by labels and namespaces."""

from datetime import timedelta

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.cluster.api import Api
from gate.cluster.known import Known
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.documents.review import Severity, review
from gate.errors import Conflict, Permanent
from gate.model import WorkloadKind, WorkloadName
from tests.clocks import START as NOW
from tests.clocks import HandClock
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.documents.vocabularies import WORDS

NAMED = "workload: {kind: Deployment, namespace: shop, name: checkout}"
SELECTED = "workload: {kind: Deployment, namespaces: [shop, team-*], selector: {matchLabels: {tier: web}}}"
SELECTION = SUBSCRIPTION.replace(NAMED, SELECTED).replace("{name: checkout}", "{name: all-web}", 1)


def catalogue(*texts: str, revision: str = "1") -> Catalogue:
    loaded = Loaded.together(load(text.encode(), f"{n}.yaml", WORDS) for n, text in enumerate(texts))
    return Catalogue(revision=revision, fetched=NOW, loaded=loaded, vocabulary=WORDS)


def workload(name: str, namespace: str = "shop", kind: WorkloadKind = WorkloadKind.DEPLOYMENT) -> WorkloadName:
    return WorkloadName(kind=kind, namespace=namespace, name=name)


@pytest.mark.parametrize(
    ("name", "labels", "claimed"),
    [
        (workload("a"), {"tier": "web", "other": "x"}, True),
        (workload("a", "team-7"), {"tier": "web"}, True),
        (workload("a"), {"tier": "db"}, False),
        (workload("a"), {}, False),
        (workload("a", "other"), {"tier": "web"}, False),
        (workload("a", kind=WorkloadKind.STATEFUL_SET), {"tier": "web"}, False),
    ],
    ids=["its labels", "a pattern", "other labels", "no labels", "another namespace", "another kind"],
)
def test_a_selector_claims_what_has_its_kind_namespace_and_labels(
    name: WorkloadName, labels: dict[str, str], claimed: bool
) -> None:
    subscribed = Subscribed(lambda: NOW)
    subscribed.put(catalogue(SELECTION, WORKFLOW))
    assert subscribed.is_claimed(name, labels) is claimed
    claims = subscribed.of(name, labels)
    assert [(claim.name, claim.subscription and claim.subscription.workload) for claim in claims] == (
        [("all-web", name)] if claimed else []
    )


def test_a_selection_and_a_name_add_up() -> None:
    subscribed = Subscribed(lambda: NOW)
    subscribed.put(catalogue(SUBSCRIPTION, SELECTION, WORKFLOW))
    claims = subscribed.of(workload("checkout"), {"tier": "web"})
    assert [claim.name for claim in claims] == ["checkout", "all-web"]


def test_the_workflows_of_a_selection_know_which_workload_they_are_for() -> None:
    subscribed = Subscribed(lambda: NOW)
    about = WORKFLOW.replace("http://checkout.shop", "http://${workload.name}.${workload.namespace}")
    assert about != WORKFLOW
    subscribed.put(catalogue(SELECTION, about))
    (claim,) = subscribed.of(workload("cart", "team-7"), {"tier": "web"})
    assert claim.workflows[0].steady_state[0].settings["url"].startswith("http://cart.team-7")


def test_everything_that_is_there_and_selected_is_shown_as_subscribed() -> None:
    subscribed = Subscribed(lambda: NOW)
    assert subscribed.applied([]) is None
    subscribed.put(catalogue(SELECTION, WORKFLOW))
    there = [(workload("a"), {"tier": "web"}), (workload("b"), {})]
    applied = subscribed.applied(there)
    assert applied is not None
    assert [str(each.workload) for each in applied] == ["Deployment shop/a"]


def test_three_thousand_matches_are_three_thousand_claims_and_no_more_work_than_that() -> None:
    subscribed = Subscribed(lambda: NOW)
    subscribed.put(catalogue(SELECTION, WORKFLOW))
    names = [workload(f"w{number}") for number in range(3000)]
    assert all(len(subscribed.of(name, {"tier": "web"})) == 1 for name in names)


@pytest.mark.parametrize(
    "wrong",
    [
        "workload: {kind: Deployment}",
        "workload: {kind: Deployment, namespace: shop}",
        "workload: {kind: Deployment, namespaces: [shop]}",
        "workload: {kind: Deployment, selector: {matchLabels: {a: b}}}",
        "workload: {kind: Deployment, namespace: shop, name: a, selector: {matchLabels: {a: b}}}",
        "workload: {kind: Deployment, namespaces: [], selector: {matchLabels: {a: b}}}",
        "workload: {kind: Deployment, namespaces: [shop], selector: {matchLabels: {}}}",
        "workload: {kind: Deployment, namespaces: ['sh[op'], selector: {matchLabels: {a: b}}}",
    ],
)
def test_half_a_name_and_half_a_selector_are_mistakes(wrong: str) -> None:
    assert catalogue(SUBSCRIPTION.replace(NAMED, wrong)).loaded.problems


def test_two_subscriptions_of_one_name_are_a_mistake_also_with_a_selector() -> None:
    twin = SELECTION.replace("all-web", "checkout")
    findings = review(catalogue(SUBSCRIPTION, twin, WORKFLOW))
    assert any("two subscriptions are called checkout" in each.why for each in findings)


def test_lint_names_both_subscriptions_that_contradict_each_other() -> None:
    rollout = SUBSCRIPTION.replace("kind: Deployment", "kind: Rollout")
    other = rollout.replace("{name: checkout}", "{name: other}", 1).replace("spec:", "spec:\n  judge: canary", 1)
    findings = [each for each in review(catalogue(rollout, other, WORKFLOW)) if each.severity is Severity.ERROR]
    assert [each.why for each in findings] == ["is canary, but checkout says healthy of the same Rollout shop/checkout"]


def test_a_subscription_is_known_since_the_gate_first_read_it(clock: HandClock) -> None:
    subscribed = Subscribed(clock.now)
    subscribed.put(catalogue(SUBSCRIPTION, WORKFLOW))
    clock.advance(timedelta(days=1))
    subscribed.put(catalogue(SUBSCRIPTION, SELECTION, WORKFLOW, revision="2"))
    since = {claim.name: claim.since for claim in subscribed.of(workload("checkout"), {"tier": "web"})}
    assert since == {"checkout": NOW, "all-web": NOW + timedelta(days=1)}


def test_what_an_earlier_process_knew_is_known(clock: HandClock) -> None:
    before = Subscribed(clock.now)
    before.put(catalogue(SUBSCRIPTION, WORKFLOW))
    clock.advance(timedelta(days=1))
    after = Subscribed(clock.now)
    after.knew(before.known)
    after.put(catalogue(SUBSCRIPTION, WORKFLOW))
    assert after.of(workload("checkout"), {})[0].since == NOW


def test_what_is_kept_counts_and_not_what_a_replica_remembers_that_missed_something(clock: HandClock) -> None:
    leader, other = Subscribed(clock.now), Subscribed(clock.now)
    for replica in (leader, other):
        replica.put(catalogue(SUBSCRIPTION, WORKFLOW))
    leader.put(catalogue(WORKFLOW, revision="2"))
    clock.advance(timedelta(days=1))
    leader.put(catalogue(SUBSCRIPTION, WORKFLOW, revision="3"))
    clock.advance(timedelta(days=1))
    other.knew(leader.known)
    other.put(catalogue(SUBSCRIPTION, WORKFLOW, revision="3"))
    assert other.of(workload("checkout"), {})[0].since == NOW + timedelta(days=1)


def test_who_has_written_since_is_not_written_over(api: Api) -> None:
    api.create("namespaces", "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chaos-gate"}})
    one, other = Known(api, "chaos-gate"), Known(api, "chaos-gate")
    one.save({"a.1": NOW})
    other.read()
    one.save({"a.1": NOW, "b.2": NOW})
    with pytest.raises(Conflict):
        other.save({})
    assert one.read() == {"a.1": NOW, "b.2": NOW}


def test_a_subscription_that_was_taken_away_is_forgotten_and_one_that_is_broken_is_not(clock: HandClock) -> None:
    subscribed = Subscribed(clock.now)
    subscribed.put(catalogue(SUBSCRIPTION, WORKFLOW))
    subscribed.put(catalogue(SUBSCRIPTION.replace("environment", "enviroment"), WORKFLOW, revision="2"))
    clock.advance(timedelta(days=1))
    subscribed.put(catalogue(SUBSCRIPTION, WORKFLOW, revision="3"))
    assert subscribed.of(workload("checkout"), {})[0].since == NOW
    subscribed.put(catalogue(WORKFLOW, revision="4"))
    subscribed.put(catalogue(SUBSCRIPTION, WORKFLOW, revision="5"))
    assert subscribed.of(workload("checkout"), {})[0].since == clock.now()


def test_what_is_known_is_kept_in_the_cluster(api: Api) -> None:
    api.create("namespaces", "", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chaos-gate"}})
    first = Known(api, "chaos-gate")
    assert first.read() == {}
    first.save({"a.1": NOW, "b.2": NOW})
    first.save({"a.1": NOW})
    assert Known(api, "chaos-gate").read() == {"a.1": NOW}


def test_something_that_is_no_time_is_said_with_its_place(api: Api) -> None:
    metadata = {"name": "chaos-gate-subscriptions", "namespace": "default"}
    api.create(
        "configmaps",
        "default",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a.1": "soon"}},
    )
    with pytest.raises(Permanent, match=r"default/chaos-gate-subscriptions: a\.1: 'soon' is no time"):
        Known(api, "default").read()

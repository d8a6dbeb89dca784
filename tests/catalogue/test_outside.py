"""A gate that has some namespaces only: what the catalogue subscribes outside of these is not its affair."""

from datetime import timedelta

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.model import Selection
from tests.catalogue.test_selecting import SELECTION, catalogue, workload
from tests.clocks import START as NOW
from tests.clocks import HandClock
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW

ODD = SUBSCRIPTION.replace("namespace: shop, name: checkout", "namespace: odd, name: odd").replace(
    "{name: checkout}", "{name: odd}", 1
)
EVERYWHERE = SELECTION.replace("[shop, team-*]", "['*']").replace("all-web", "everywhere")
INSIDE, OUTSIDE = workload("checkout"), workload("odd", "odd")
BROKEN = ODD.replace("environment", "enviroment")


@pytest.fixture
def of_shop() -> Subscribed:
    """What a gate of the namespace `shop` makes of a catalogue that is about others, too."""
    return Subscribed(lambda: NOW, ("shop",))


def test_only_workloads_of_its_namespaces_are_to_be_looked_at(of_shop: Subscribed) -> None:
    assert of_shop.put(catalogue(SUBSCRIPTION, ODD, BROKEN, WORKFLOW)) == {INSIDE}
    assert of_shop.workloads() == {INSIDE}
    assert of_shop.put(catalogue(ODD, WORKFLOW, revision="2")) == {INSIDE}
    assert of_shop.put(catalogue(ODD, WORKFLOW, revision="2")) == set()


@pytest.mark.parametrize("document", [ODD, EVERYWHERE, BROKEN], ids=["named", "selected", "broken"])
def test_nothing_is_claimed_outside(of_shop: Subscribed, document: str) -> None:
    of_shop.put(catalogue(document, WORKFLOW))
    assert not of_shop.is_claimed(OUTSIDE, {"tier": "web"})
    assert of_shop.of(OUTSIDE, {"tier": "web"}, ("odd", "everywhere")) == []


def test_a_selector_of_all_namespaces_claims_inside(of_shop: Subscribed) -> None:
    of_shop.put(catalogue(EVERYWHERE, WORKFLOW))
    assert of_shop.is_claimed(INSIDE, {"tier": "web"})
    assert [claim.name for claim in of_shop.of(INSIDE, {"tier": "web"})] == ["everywhere"]


def test_what_is_outside_is_shown_and_only_that(of_shop: Subscribed) -> None:
    beside = SELECTION.replace("[shop, team-*]", "[team-*]")
    of_shop.put(catalogue(SUBSCRIPTION, ODD, EVERYWHERE, beside, WORKFLOW))
    shown = [each.selector if isinstance(each, Selection) else each.workload for each in of_shop.outside()]
    assert list(map(str, shown)) == ["Deployment odd/odd", "each Deployment with tier=web in team-*"]


def test_who_asks_for_what_is_outside_hears_that_it_is_subscribed(of_shop: Subscribed) -> None:
    of_shop.put(catalogue(ODD, WORKFLOW))
    assert [each.workload for each in of_shop.applied([]) or ()] == [OUTSIDE]


@pytest.mark.parametrize(
    ("namespaces", "beyond"),
    [("[shop]", False), ("[shop, odd]", True), ("[team-1]", True), ("['sho?']", True), ("['*']", True)],
)
def test_a_selection_reaches_beyond_unless_it_names_only_the_namespaces_of_the_gate(
    of_shop: Subscribed, namespaces: str, beyond: bool
) -> None:
    document = SELECTION.replace("[shop, team-*]", namespaces)
    of_shop.put(catalogue(document, WORKFLOW))
    assert [of_shop.reaches_beyond(each) for each in of_shop.selections()] == [beyond]
    everywhere = Subscribed(lambda: NOW)
    everywhere.put(catalogue(document, WORKFLOW))
    assert not any(map(everywhere.reaches_beyond, everywhere.selections()))


def test_a_gate_of_all_namespaces_has_nothing_outside() -> None:
    subscribed = Subscribed(lambda: NOW)
    assert subscribed.put(catalogue(SUBSCRIPTION, ODD, WORKFLOW)) == {INSIDE, OUTSIDE}
    assert subscribed.outside() == []
    assert subscribed.is_claimed(OUTSIDE, {})


def test_a_namespace_that_a_gate_is_given_later_is_new_to_it(clock: HandClock) -> None:
    narrow = Subscribed(clock.now, ("shop",))
    narrow.put(catalogue(SUBSCRIPTION, ODD, WORKFLOW))
    clock.advance(timedelta(days=1))
    wide = Subscribed(clock.now, ("shop", "odd"))
    wide.knew(narrow.known)
    wide.put(catalogue(SUBSCRIPTION, ODD, WORKFLOW))
    assert wide.of(INSIDE, {})[0].since == NOW
    assert wide.of(OUTSIDE, {})[0].since == clock.now()


def test_a_selection_is_new_in_a_namespace_that_a_gate_is_given_later_and_known_where_it_was(clock: HandClock) -> None:
    narrow = Subscribed(clock.now, ("shop",))
    narrow.put(catalogue(EVERYWHERE, WORKFLOW))
    clock.advance(timedelta(days=1))
    wide = Subscribed(clock.now, ("odd", "shop"))
    wide.knew(narrow.known)
    wide.put(catalogue(EVERYWHERE, WORKFLOW))
    assert wide.of(INSIDE, {"tier": "web"})[0].since == NOW
    assert wide.of(OUTSIDE, {"tier": "web"})[0].since == clock.now()

"""Several catalogues: what stands in two of them is taken from the one that goes before."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gate.catalogue.several import Several
from gate.catalogue.sources import Source
from gate.documents.loading import load
from gate.documents.precedence import preferred
from gate.errors import Permanent, Temporary
from tests.catalogue.conftest import NOW, Mirrored
from tests.catalogues import Origin
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.documents.vocabularies import WORDS

Made = Callable[..., Origin]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Origin]:
    origin = Origin(tmp_path / "shop")
    yield origin
    origin.close()


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Origin]:
    origin = Origin(tmp_path / "company")
    yield origin
    origin.close()


@pytest.fixture
def both(shop: Origin, company: Origin, mirrored: Mirrored) -> Several:
    """The shop's goes before the company's."""
    mirrors = [
        (
            each.folder.name,
            mirrored(Source(address=str(each.folder)), f"mirror-{each.folder.name}", f"{each.folder.name}:"),
        )
        for each in (shop, company)
    ]
    return Several(mirrors, WORDS)


def test_documents_find_each_other_across_catalogues(shop: Origin, company: Origin, both: Several) -> None:
    revisions = shop.commit(subscriptions__a_yaml=SUBSCRIPTION), company.commit(workflows__a_yaml=WORKFLOW)
    both.fetch()
    catalogue = both.read(NOW)
    assert catalogue.revision == "shop@{} company@{}".format(*revisions)
    (subscription,) = catalogue.loaded.subscriptions
    workflows, problems = catalogue.resolve(subscription)
    assert ([each.name for each in workflows], problems) == (["survives"], ())


def test_what_stands_in_both_is_taken_from_the_first_and_the_other_is_passed_over_with_a_note(
    shop: Origin, company: Origin, both: Several
) -> None:
    shop.commit(workflows__mine_yaml=WORKFLOW.replace("hold: 4s", "hold: 5s"), subscriptions__a_yaml=SUBSCRIPTION)
    company.commit(workflows__theirs_yaml=WORKFLOW, subscriptions__a_yaml=SUBSCRIPTION)
    both.fetch()
    loaded = both.read(NOW).loaded
    assert [str(each.tree.place(())) for each in loaded.workflows] == ["shop:workflows/mine.yaml:1"]
    assert [each.place for each in loaded.subscriptions] == ["shop:subscriptions/a.yaml:7"]
    workflow, subscription = sorted(map(str, loaded.notes), reverse=True)
    assert workflow == (
        "company:workflows/theirs.yaml:3: metadata.name: is passed over: shop:workflows/mine.yaml:3 goes before it, "
        "and is a Workflow called survives, too"
    )
    assert "shop:subscriptions/a.yaml:3 goes before it" in subscription


def test_a_mistake_in_the_first_puts_nothing_of_the_other_in_force(
    shop: Origin, company: Origin, both: Several
) -> None:
    shop.commit(workflows__a_yaml=WORKFLOW.replace("hold: 4s", "hold: 4"))
    company.commit(workflows__a_yaml=WORKFLOW)
    both.fetch()
    loaded = both.read(NOW).loaded
    assert loaded.workflows == ()
    assert [each.place.file for each in loaded.problems] == ["shop:workflows/a.yaml"]


@pytest.mark.parametrize(
    "mistake",
    ["kind: [", WORKFLOW.replace("kind: Workflow", "kind: Workfow"), "name: survives\n", "caf\u00e9"],
    ids=["no name", "a kind that is none", "no document", "no UTF-8"],
)
def test_what_may_be_a_name_of_the_other_holds_it_up(mistake: str) -> None:
    first = load(mistake.encode("latin-1"), "shop:workflows/a.yaml", WORDS)
    second = load(WORKFLOW.encode(), "company:workflows/a.yaml", WORDS)
    assert first.broken
    both = preferred([first, second])
    assert both.workflows == ()
    said = "; ".join(map(str, (*both.problems, *both.notes)))
    assert "shop:workflows/a.yaml:" in said
    assert "company:workflows/a.yaml:3: metadata.name: is " in said


def test_a_workflow_without_a_name_holds_up_no_subscription() -> None:
    first = load(b"kind: Workflow\nmetadata: [", "shop:workflows/a.yaml", WORDS)
    second = load(SUBSCRIPTION.encode(), "company:subscriptions/a.yaml", WORDS)
    assert preferred([first, second]).subscriptions == second.subscriptions


def test_a_subscription_that_is_held_up_still_closes_its_gate() -> None:
    second = load(SUBSCRIPTION.encode(), "company:subscriptions/a.yaml", WORDS)
    both = preferred([load(b"kind: [", "shop:a.yaml", WORDS), second])
    (held_up,) = [each for each in both.broken if each.name]
    assert (both.subscriptions, held_up.workload) == ((), second.subscriptions[0].workload)
    assert "is held up: shop:a.yaml:2 goes before it, might be checkout, too" in str(held_up.problems[0])


def test_one_that_cannot_be_fetched_does_not_keep_the_others_from_it(
    shop: Origin, company: Origin, both: Several
) -> None:
    shop.commit(workflows__a_yaml=WORKFLOW)
    company.commit(subscriptions__a_yaml=SUBSCRIPTION)
    both.fetch()
    shop.folder.rename(shop.folder.with_name("gone"))
    company.commit(subscriptions__a_yaml=None)
    with pytest.raises(Temporary, match=r"shop cannot be fetched") as raised:
        both.fetch()
    assert "company" not in str(raised.value)
    loaded = both.read(NOW).loaded
    assert (len(loaded.workflows), loaded.subscriptions) == (1, ())


def test_while_one_has_never_been_fetched_nobody_knows_what_counts(
    shop: Origin, company: Origin, both: Several
) -> None:
    company.commit(subscriptions__a_yaml=SUBSCRIPTION)
    with pytest.raises(Temporary):
        both.fetch()
    assert both.fetched() is None
    with pytest.raises(Permanent, match="has never been fetched"):
        both.read(NOW)

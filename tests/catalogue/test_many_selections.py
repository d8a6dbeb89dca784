"""Many selections: a workload finds those about it, and does not ask each of the others."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.catalogue.selections import Selections
from gate.catalogue.subscribed import Subscribed
from gate.model import Selection, WorkloadKind, WorkloadName, WorkloadSelector
from tests.catalogue.test_selecting import SELECTION, catalogue, workload
from tests.clocks import START as NOW
from tests.documents.test_loading import WORKFLOW

(PATTERN,) = catalogue(SELECTION, WORKFLOW).loaded.selections

kinds = st.sampled_from([WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET])
labels = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), max_size=3)
namespaces = st.lists(st.sampled_from(["shop", "team-*", "*", "team-?", "s*p", "team.7"]), min_size=1, max_size=3)
selectors = st.builds(WorkloadSelector, kind=kinds, namespaces=namespaces.map(tuple), labels=labels.filter(bool))
names = st.builds(
    WorkloadName,
    kind=kinds,
    namespace=st.sampled_from(["shop", "shopping", "team-7", "team-77", "teamX7"]),
    name=st.just("a"),
)


@given(selectors=st.lists(selectors, max_size=8), name=names, labels=labels)
def test_those_are_found_that_match_in_the_catalogues_order(
    selectors: list[WorkloadSelector], name: WorkloadName, labels: dict[str, str]
) -> None:
    selections = [
        Selection(selector=selector, pattern=replace(PATTERN.pattern, name=str(number)))
        for number, selector in enumerate(selectors)
    ]
    expected = [each for each in selections if each.selector.matches(name, labels)]
    assert Selections(selections).of(name, labels) == expected


class Counted(dict[str, str]):
    """Labels that count how often they are looked at."""

    looks = 0

    def items(self) -> Any:
        self.looks += 1
        return super().items()


@pytest.mark.parametrize("labels", [{"team": "7"}, {"team": "7", "tier": "web"}, {"tier": "db"}, {}])
def test_of_five_hundred_selections_only_those_of_a_label_are_asked(labels: dict[str, str]) -> None:
    subscribed = Subscribed(lambda: NOW)
    documents = [
        SELECTION.replace("{tier: web}", f"{{tier: web, team: '{number}'}}").replace("all-web", f"web-{number}")
        for number in range(500)
    ]
    subscribed.put(catalogue(*documents, WORKFLOW))
    counted = Counted(labels)
    assert subscribed.is_claimed(workload("a"), counted) is (len(labels) == 2)
    assert counted.looks <= 2

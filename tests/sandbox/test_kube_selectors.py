"""Selectors are read as the API server reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sandbox.kubernetes.language.errors import BadRequest
from gate.sandbox.kubernetes.language.selectors import FieldSelector, LabelSelector

words = st.from_regex(r"[a-z]([a-z0-9.-]{0,4}[a-z0-9])?", fullmatch=True)
labels = st.dictionaries(words, words, max_size=4)


@pytest.mark.parametrize("text", ["a b", "=x", "a in x", "a in (x", "a==b=c", "-a", "a=-b", "!a=b"])
def test_what_is_no_label_selector_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        LabelSelector.parse(text)


@pytest.mark.parametrize("text", ["metadata.name", "spec.color=red"])
def test_what_is_no_field_selector_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        FieldSelector.parse(text, ())


@given(labels, labels)
def test_a_selector_of_labels_matches_exactly_those_that_have_them(
    wanted: dict[str, str], found: dict[str, str]
) -> None:
    selector = LabelSelector.from_labels(wanted)
    assert selector.matches(found) is (wanted.items() <= found.items())


@given(labels, st.lists(words, min_size=1, max_size=3), words)
def test_a_selector_says_the_same_after_it_was_written_and_read(
    found: dict[str, str], values: list[str], key: str
) -> None:
    expressions = [
        {"key": key, "operator": "In", "values": values},
        {"key": key, "operator": "NotIn", "values": values},
        {"key": key, "operator": "Exists"},
        {"key": key, "operator": "DoesNotExist"},
    ]
    for expression in expressions:
        selector = LabelSelector.from_object({"matchExpressions": [expression]})
        again = LabelSelector.parse(str(selector))
        assert again == selector
        assert again.matches(found) is selector.matches(found)


@given(labels, st.lists(words, min_size=1, max_size=3), words)
def test_in_and_notin_are_opposites(found: dict[str, str], values: list[str], key: str) -> None:
    listed = ",".join(values)
    inside, outside = LabelSelector.parse(f"{key} in ({listed})"), LabelSelector.parse(f"{key} notin ({listed})")
    assert inside.matches(found) is not outside.matches(found)

"""Ways to values within a document, and what values must be."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.probes.conditions import Bounds, Condition, FieldCondition, finite, said
from gate.probes.ways import read

POD: dict[str, Any] = {
    "metadata": {"labels": {"app.kubernetes.io/name": "shop", "a b": "c"}},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "Seen", "status": True}],
        "loads": [1, 2.5, {"deep": {"level": 3}}],
    },
}

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("way", "values"),
    [
        ("status.conditions[0].type", ["Ready"]),
        ("$.status.conditions[0].type", ["Ready"]),
        ("$", [POD]),
        ("status.conditions[-1].type", ["Seen"]),
        ("status.conditions[5].type", []),
        ("status.conditions[-3].type", []),
        ("status.conditions[*].type", ["Ready", "Seen"]),
        ("status.conditions[?@.type=='Ready'].status", ["True"]),
        ('status.conditions[? @.type == "Ready" ].status', ["True"]),
        ("status.conditions[?@.status==true].type", ["Seen"]),
        ("status.conditions[?@.status==1].type", []),
        ("status.loads[?@.deep.level==3].deep.level", [3]),
        ("metadata.labels['app.kubernetes.io/name']", ["shop"]),
        ('metadata["labels"]["a b"]', ["c"]),
        ("metadata.*['a b']", ["c"]),
        ("status.conditions.type", []),
        ("status.type[0]", []),
        ("nowhere.at.all", []),
    ],
)
def test_a_way_leads_to_what_is_there(way: str, values: list[Any]) -> None:
    assert read(way).values(POD) == values


@pytest.mark.parametrize(
    "way",
    ["", ".", "a.", "a..b", "a[", "a[b]", "a[?x]", "a['b", "a b", "$a", "a[1.5]", "a[99999999]", "1a", "a[?@.b==]"],
)
def test_what_is_no_way_is_said_with_the_place_where_it_ends(way: str) -> None:
    with pytest.raises(ValueError, match="is no way to a value"):
        read(way)


@given(st.text(max_size=20), DOCUMENTS)
def test_a_text_is_a_way_or_refused_and_no_document_is_too_strange_for_one(text: str, document: Any) -> None:
    try:
        way = read(text)
    except ValueError:
        return
    assert isinstance(way.values(document), list)


@given(st.dictionaries(st.text(st.characters(exclude_characters="'"), min_size=1), st.integers(), min_size=1))
def test_every_name_can_be_put_in_quotes(document: dict[str, int]) -> None:
    for name, value in document.items():
        assert read(f"['{name}']").values(document) == [value]


# ---------------------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"equals": 1, "atLeast": 1},
        {"equals": "a", "matches": "a"},
        {"matches": "a", "atMost": 1},
        {"matches": "("},
        {"atLeast": 2, "atMost": 1},
        {"atLeast": math.nan},
        {"atMost": math.inf},
        {"equlas": 1},
    ],
)
def test_a_condition_that_says_nothing_or_two_things_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(block)


@given(FINITE, FINITE, st.floats() | st.integers())
def test_a_number_is_within_its_bounds_or_it_is_said_which_one_it_left(a: float, b: float, value: float) -> None:
    least, most = min(a, b), max(a, b)
    why = Bounds.model_validate({"atLeast": least, "atMost": most}).out(value)
    assert (why == "") == (least <= value <= most)
    assert ("not a number" in why) == math.isnan(value)


@given(DOCUMENTS)
def test_what_is_no_number_is_never_within_bounds(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        assert "not a number" in Bounds.model_validate({"atLeast": -1e308}).out(value)


@given(DOCUMENTS, st.booleans() | st.integers() | FINITE | st.text(max_size=5))
def test_a_value_equals_what_it_is_and_nothing_else(value: Any, wanted: Any) -> None:
    condition = Condition(equals=wanted)
    assert condition.broken_by(wanted) == ""
    same = json.dumps(value) == json.dumps(wanted) or (
        value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
    )
    assert (condition.broken_by(value) == "") == same


@given(DOCUMENTS)
def test_values_are_said_in_a_few_letters_on_one_line(value: Any) -> None:
    assert len(said(value)) <= 61
    assert said(value).isprintable()


@given(DOCUMENTS)
def test_only_numbers_that_can_be_kept_are_kept(value: Any) -> None:
    number = finite(value)
    assert number is None or math.isfinite(number)


def test_a_field_that_is_there_twice_is_not_looked_at() -> None:
    condition = FieldCondition.model_validate({"field": "status.conditions[*].type", "equals": "Ready"})
    assert condition.look(POD) == ("status.conditions[*].type is there 2 times", None)

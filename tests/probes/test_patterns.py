"""The regular expressions of authors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gate.probes.patterns import Pattern, is_found

PATTERN = TypeAdapter(Pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("ok", "all ok"), ("^a.c$", "abc"), (r"\d{3}", "HTTP 200"), ("(?i)READY", "ready"), ("", "x"), ("größe", "größe")],
)
def test_a_pattern_is_found_anywhere_in_a_text(pattern: str, text: str) -> None:
    assert is_found(PATTERN.validate_python(pattern), text)


@given(st.text(alphabet="abc", max_size=8), st.text(alphabet="abc", max_size=30))
def test_a_plain_word_is_found_where_it_is_a_part(word: str, text: str) -> None:
    assert is_found(word, text) is (word in text)


def test_no_pattern_takes_for_ever() -> None:
    assert not is_found(PATTERN.validate_python("(a+)+$"), "a" * 1_000_000 + "b")


@pytest.mark.parametrize("pattern", ["(", "a**", "[z-a]", r"(a)\1", "(?=a)"])
def test_what_is_no_pattern_is_refused_with_the_reason(pattern: str) -> None:
    with pytest.raises(ValidationError, match="is not a regular expression as RE2 has them: "):
        PATTERN.validate_python(pattern)

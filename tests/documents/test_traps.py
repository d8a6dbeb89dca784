"""Words of which versions of YAML make different things."""

import pytest

from gate.documents.traps import trap


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("on", "true in YAML 1.1 and text in YAML 1.2"),
        ("No", "false in YAML 1.1 and text in YAML 1.2"),
        ("1e3", "text in YAML 1.1 and 1000 in YAML 1.2"),
        ("-2E-3", "text in YAML 1.1 and -0.002 in YAML 1.2"),
        ("0o10", "text in YAML 1.1 and 8 in YAML 1.2"),
        ("-010", "-8 in YAML 1.1 and -10 in YAML 1.2"),
    ],
)
def test_what_each_version_reads_is_said(word: str, said: str) -> None:
    assert trap(word).startswith(f'{word} without quotes is {said}; write "{word}" in quotes, or ')


def test_what_is_the_same_to_both_is_written_once() -> None:
    assert trap("07").endswith('write "07" in quotes, or 7')


@pytest.mark.parametrize(
    "word", ["true", "none", "once", "0", "10", "1.10", "0.5", "1e", "e3", "0o8", "09", "20s", "", "0" * 100_000]
)
def test_what_is_no_trap_may_stand_without_quotes(word: str) -> None:
    assert trap(word) == ""

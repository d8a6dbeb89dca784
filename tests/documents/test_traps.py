"""Words of which versions of YAML make different things."""

import pytest

from gate.documents.traps import date, trap


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("on", "true in YAML 1.1 and text in YAML 1.2"),
        ("No", "false in YAML 1.1 and text in YAML 1.2"),
        ("1e3", "text in YAML 1.1 and 1000 in YAML 1.2"),
        ("-2E-3", "text in YAML 1.1 and -0.002 in YAML 1.2"),
        ("0o10", "text in YAML 1.1 and 8 in YAML 1.2"),
        ("-010", "-8 in YAML 1.1 and -10 in YAML 1.2"),
        ("0x1F", "31 in YAML 1.1 and text to some in YAML 1.2"),
        ("0b101", "5 in YAML 1.1 and text in YAML 1.2"),
        ("1_000", "1000 in YAML 1.1 and text in YAML 1.2"),
        ("-1:30", "-90 in YAML 1.1 and text in YAML 1.2"),
        ("1_000.5", "1000.5 in YAML 1.1 and text in YAML 1.2"),
        ("-0_10", "-8 in YAML 1.1 and text in YAML 1.2"),
        ("1:30.5", "90.5 in YAML 1.1 and text in YAML 1.2"),
        ("1.5e3", "text in YAML 1.1 and 1500 in YAML 1.2"),
        ("-.5E3", "text in YAML 1.1 and -500 in YAML 1.2"),
        ("12:30:05", "45005 in YAML 1.1 and text in YAML 1.2"),
    ],
)
def test_what_each_version_reads_is_said(word: str, said: str) -> None:
    assert trap(word).startswith(f'{word} without quotes is {said}; write "{word}" in quotes, or ')


def test_what_is_the_same_to_both_is_written_once() -> None:
    assert trap("07").endswith('write "07" in quotes, or 7')


@pytest.mark.parametrize(
    "word",
    [
        "true",
        "none",
        "once",
        "0",
        "10",
        "1.10",
        "0.5",
        "1e",
        "e3",
        "0o8",
        "09",
        "20s",
        "",
        "0" * 100_000,
        "1_" * 50_000,
        "a_b",
        "1.5e+3",
        "1.2.3",
        "10.0.0.1:80",
        ".e3",
        "1_" * 20 + ".5" * 20_000,
        "8080:80",
        "::1",
        "0x",
        "2026-11-22",
    ],
)
def test_what_is_no_trap_may_stand_without_quotes(word: str) -> None:
    assert trap(word) == ""


@pytest.mark.parametrize("word", [".inf", "-.INF", ".NaN"])
def test_what_is_no_number_here_is_written_in_quotes(word: str) -> None:
    assert trap(word).endswith(f'write "{word}" in quotes')


@pytest.mark.parametrize("word", ["2026-11-22", "2026-1-2", "2026-11-22T12:30:00Z", "2026-11-22 12:30:00 +1"])
def test_a_date_is_one_to_some_and_text_to_others(word: str) -> None:
    assert date(word) == f'{word} without quotes is a date in YAML 1.1 and text in YAML 1.2; write "{word}" in quotes'


@pytest.mark.parametrize("word", ["2026", "2026-11", "v2026-11-22", "2026-11-22" + " " * 100_000])
def test_what_is_no_date_is_none(word: str) -> None:
    assert date(word) == ""

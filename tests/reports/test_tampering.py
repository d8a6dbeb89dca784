"""Whatever is changed in an evidence file shows."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.reports.chain import Unfinished, Unreadable
from gate.reports.verification import verify
from tests.reports.files import lines, played, rechained, written
from tests.running.simulation import Service, Stage

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of a run that failed."""
    return played(tmp_path)


def test_a_change_of_any_line_shows(file: Path) -> None:
    """One letter in each line: in a name, a time, a number, a hash."""
    whole = lines(file)
    for number in range(len(whole)):
        text = json.dumps(whole[number])
        digit = next(place for place in range(len(text) - 1, -1, -1) if text[place].isdigit())
        changed = json.loads(f"{text[:digit]}{(int(text[digit]) + 1) % 10}{text[digit + 1 :]}")
        written(file, [*whole[:number], changed, *whole[number + 1 :]])
        try:
            assert not verify(file).same, f"line {number + 1}"
        except Unreadable:
            assert number == 0


@pytest.mark.parametrize("number", [1, 20, -2])
def test_a_line_that_is_left_out_told_twice_or_moved_shows(file: Path, number: int) -> None:
    whole = lines(file)
    rest = [line for line in whole if line is not whole[number]]
    place = number % len(whole)
    for spoilt in (rest, [*whole[:place], whole[place], *whole[place:]], [*rest[:-1], whole[number], rest[-1]]):
        if spoilt != whole:
            assert verify(written(file, spoilt)).problems


def test_what_comes_after_the_end_shows(file: Path) -> None:
    whole = lines(file)
    assert verify(written(file, [*whole, whole[5]])).problems == (f"line {len(whole) + 1} comes after the end",)


def without_failures(line: dict[str, Any]) -> None:
    """What somebody would like to have been."""
    if line["kind"] == "summary":
        line["content"] |= {"failures": 0, "slow": 0, "streak": 0.0, "streakAtWorst": 0.0}
    if line["kind"] == "verdict":
        line["content"] = {"judgement": {"verdict": "PASSED", "message": ""}, "score": 100}
    if line["kind"] == "step":
        line["content"]["reverted"] = line["content"]["ended"]


def with_another_verdict(line: dict[str, Any]) -> None:
    if line["kind"] == "verdict":
        line["content"]["judgement"] |= {"verdict": "PASSED"}


def with_another_score(line: dict[str, Any]) -> None:
    if line["kind"] == "verdict":
        line["content"]["score"] += 1


@pytest.mark.parametrize("change", [without_failures, with_another_verdict, with_another_score])
def test_also_where_the_hashes_were_made_to_fit_the_verdict_must_follow_from_the_samples(
    file: Path, change: Change
) -> None:
    verified = verify(written(file, rechained(lines(file), change)))
    assert not verified.same
    assert verified.problems


def test_the_hash_of_a_file_whose_hashes_were_made_to_fit_is_another_one(file: Path) -> None:
    def later(line: dict[str, Any]) -> None:
        if line["kind"] == "note":
            line["content"]["what"] += "!"

    before = verify(file)
    after = verify(written(file, rechained(lines(file), later)))
    assert (before.same, after.same) == (True, True)
    assert before.digest != after.digest


def test_made_to_fit_without_a_change_it_is_the_same_file(file: Path) -> None:
    before = verify(file)
    assert verify(written(file, rechained(lines(file), lambda _: None))) == before


def test_a_file_without_its_end_is_unfinished_wherever_it_was_cut(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(400, len(whole) - 8, 97):
        file.write_bytes(whole[:length])
        with pytest.raises(Unreadable):
            verify(file)


def test_lines_without_the_last_one_are_unfinished(file: Path) -> None:
    with pytest.raises(Unfinished, match="is not finished: it ends after"):
        verify(written(file, lines(file)[:-1]))


def test_a_bit_that_was_turned_shows(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    for place in range(20, len(whole), 131):
        spoilt = bytearray(whole)
        spoilt[place] ^= 4
        file.write_bytes(spoilt)
        try:
            assert not verify(file).same, f"byte {place}"
        except Unreadable:
            continue


@pytest.mark.parametrize("text", ["", "[]\n", '{"kind":"run"}\n', '{"kind":"run","before":"","content":{}}\n'])
def test_lines_that_are_none_of_ours_are_said_to_be_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(Unreadable):
        verify(file)


@pytest.mark.parametrize("text", ["", "nothing of the kind"])
def test_what_is_not_compressed_is_none_of_ours(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(Unreadable):
        verify(file)


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        verify(tmp_path / "nowhere")


def test_a_file_of_another_format_is_not_guessed_at(file: Path) -> None:
    def newer(line: dict[str, Any]) -> None:
        if line["kind"] == "run":
            line["content"]["format"] = 2

    with pytest.raises(Unreadable, match="no evidence file of format 1"):
        verify(written(file, rechained(lines(file), newer)))


def test_a_plan_that_cannot_be_is_none(file: Path) -> None:
    def never_asked(line: dict[str, Any]) -> None:
        if line["kind"] == "run":
            line["content"]["spec"]["workflow"]["steadyState"][0]["every"] = 0

    with pytest.raises(Unreadable, match="asked at no interval"):
        verify(written(file, rechained(lines(file), never_asked)))


@pytest.mark.parametrize("kind", ["run", "sample", "undo", "step", "summary", "rest", "verdict"])
def test_a_line_that_does_not_have_its_shape_is_said_to_be_wrong(file: Path, kind: str) -> None:
    def empty(line: dict[str, Any]) -> None:
        if line["kind"] == kind:
            line["content"] = {"versionAfter": 1} if kind == "rest" else {}

    try:
        assert verify(written(file, rechained(lines(file), empty))).problems
    except Unreadable:
        assert kind == "run"


def test_a_pass_is_verified_like_a_failure(tmp_path: Path) -> None:
    verified = verify(played(tmp_path, Stage(Service(suffers=False))))
    assert verified.same
    assert verified.given is not None
    assert (verified.given.judgement.verdict, verified.given.score) == ("PASSED", 100)

"""No case of the GitLab contract is forgotten: each has a test that carries its id."""

import re
from pathlib import Path

from gitlab_reference import cases, needs_contract

TESTS = ("test_gitlab_contract_posting.py", "test_gitlab_contract_listing.py")


def carried() -> set[str]:
    """The ids in the names of the tests: `test_c06_c07_…` carries C06 and C07."""
    text = "".join((Path(__file__).parent / name).read_text() for name in TESTS)
    names = re.findall(r"^def test_((?:[cgp]\d\d_)+)", text, re.MULTILINE)
    return {number.upper() for name in names for number in name.split("_") if number}


@needs_contract
def test_every_case_of_the_contract_has_a_test_with_its_id() -> None:
    assert {case["id"] for case in cases()} - carried() == set()


@needs_contract
def test_the_contract_has_cases() -> None:
    assert len(cases()) > 40

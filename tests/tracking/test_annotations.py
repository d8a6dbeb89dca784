"""What a deploy job writes on a workload, read."""

import pytest

from gate.errors import Permanent
from gate.model import Commit
from gate.tracking.annotations import commit_from

SHA = "0123456789abcdef0123456789abcdef01234567"
FULL = {
    "chaosgate.dev/project": "shop/checkout",
    "chaosgate.dev/commit": SHA,
    "chaosgate.dev/pipeline": "42",
    "chaosgate.dev/job": "7",
}


def test_all_four_make_a_commit() -> None:
    assert commit_from(FULL | {"other": "x"}) == Commit(project="shop/checkout", sha=SHA, pipeline=42, job=7)


def test_pipeline_and_job_may_be_missing() -> None:
    given = {"chaosgate.dev/project": "12", "chaosgate.dev/commit": f" {SHA.upper()} "}
    assert commit_from(given) == Commit(project="12", sha=SHA)


@pytest.mark.parametrize(
    "given", [{}, {"app": "checkout"}, {"chaosgate.dev/project": " "}, {"chaosgate.dev/other": "x"}]
)
def test_without_annotations_of_ours_there_is_no_commit(given: dict[str, str]) -> None:
    assert commit_from(given) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("commit", SHA[:8]),
        ("commit", "main"),
        ("commit", "$CI_COMMIT_SHA"),
        ("project", "checkout"),
        ("project", "../../user"),
        ("project", "shop/check out"),
        ("pipeline", "0"),
        ("pipeline", "-3"),
        ("pipeline", "4 2"),
        ("job", "seven"),
    ],
)
def test_a_malformed_value_is_named_with_what_should_stand_there(name: str, value: str) -> None:
    with pytest.raises(Permanent) as error:
        commit_from(FULL | {f"chaosgate.dev/{name}": value})
    assert f"chaosgate.dev/{name} is {value!r}" in str(error.value)
    assert f"chaosgate.dev/{name}=$CI_" in str(error.value)


@pytest.mark.parametrize("name", ["project", "commit"])
def test_half_an_answer_is_an_error(name: str) -> None:
    given = {key: value for key, value in FULL.items() if key != f"chaosgate.dev/{name}"}
    with pytest.raises(Permanent, match=f"chaosgate.dev/{name} is missing"):
        commit_from(given)

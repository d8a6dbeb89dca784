"""What a query to `/api/v1/wait` asks."""

import pytest

from gate.model import WorkloadKind, WorkloadName
from gate.web.answer import Question
from gate.web.asked import LONGEST_POLL, Asked, BadQuestion, asked

SHA = "a" * 40
CHECKOUT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")


def test_a_workload_is_asked_for_as_it_is_now() -> None:
    assert asked({"namespace": "shop", "name": "checkout"}) == Asked(question=Question(workload=CHECKOUT))


def test_a_commit_is_asked_for_in_its_project() -> None:
    query = {
        "project": "a/b",
        "sha": SHA.upper(),
        "pipeline": "7",
        "environment": "staging",
        "after": "x",
        "timeout": "1.5",
    }
    question = Question(project="a/b", sha=SHA, pipeline=7, environment="staging")
    assert asked(query) == Asked(question=question, after="x", timeout=1.5)


def test_no_question_is_held_for_ever() -> None:
    assert asked({"namespace": "shop", "name": "checkout", "timeout": "86400"}).timeout == LONGEST_POLL


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({}, "give namespace and name of a workload, or project"),
        ({"project": "a/b"}, "give sha as well"),
        ({"namespace": "shop"}, "name is '', not a name of Kubernetes"),
        ({"namespace": "shop", "name": "Check Out"}, "name is 'Check Out', not a name"),
        ({"namespace": "shop", "name": "x", "kind": "Deploymnt"}, "kind is 'Deploymnt', not one of Deployment"),
        ({"project": "a/b", "sha": "main"}, "sha is 'main', not a whole commit id"),
        ({"namespace": "shop", "name": "x", "sha": SHA, "pipeline": "0"}, "pipeline is '0', not the number"),
        ({"namespace": "shop", "name": "x", "pipeline": "3"}, "a pipeline alone does not say which commit"),
        ({"namespace": "shop", "name": "x", "timeout": "nan"}, "timeout is 'nan', not a number of seconds"),
        ({"namespace": "shop", "name": "x", "timeout": "inf"}, "timeout is 'inf'"),
        ({"namespace": "shop", "name": "x", "timeout": "-1"}, "timeout is '-1'"),
        (
            {"namespace": "shop", "name": "x", "commit": SHA},
            "'commit' is not a parameter; there are after, environment",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_remedy(query: dict[str, str], why: str) -> None:
    with pytest.raises(BadQuestion) as error:
        asked(query)
    assert why in str(error.value)


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(BadQuestion, match=r"sha is 'x'.*pipeline is 'y'.*timeout is 'z'"):
        asked({"namespace": "shop", "name": "x", "sha": "x", "pipeline": "y", "timeout": "z"})

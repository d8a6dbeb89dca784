"""What the administrators refuse of a subscription is said of its workload, and is no mistake in a document."""

from collections.abc import Sequence

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.model import Reason, Workflow, WorkloadKind, WorkloadName
from gate.tracking.claims import problems, reason
from tests.clocks import START as NOW
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.documents.vocabularies import WORDS

CHECKOUT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")


class Administrators:
    """Who may refuse something, and may change their minds."""

    def __init__(self) -> None:
        self.why: Sequence[str] = ()
        self.asked: set[tuple[str, WorkloadName]] = set()

    def __call__(self, path: str, workload: WorkloadName, workflows: Sequence[Workflow]) -> Sequence[str]:
        self.asked.add((path, workload))
        return self.why


@pytest.fixture
def administrators() -> Administrators:
    return Administrators()


def subscribed(administrators: Administrators, *texts: str) -> Subscribed:
    loaded = Loaded.together(load(text.encode(), f"subscriptions/{n}.yaml", WORDS) for n, text in enumerate(texts))
    found = Subscribed(lambda: NOW, refused=administrators)
    found.put(Catalogue(revision="1", fetched=NOW, loaded=loaded, vocabulary=WORDS))
    return found


def test_what_is_refused_is_a_problem_of_the_workload_as_soon_as_somebody_refuses_it(
    administrators: Administrators,
) -> None:
    catalogue = subscribed(administrators, SUBSCRIPTION, WORKFLOW)
    assert problems(catalogue.of(CHECKOUT, {})) == ""
    administrators.why = ("it reaches beyond the team red",)
    claims = catalogue.of(CHECKOUT, {})
    assert (problems(claims), reason(claims)) == ("it reaches beyond the team red", Reason.POLICY_DENIED)
    assert administrators.asked == {("subscriptions/0.yaml", CHECKOUT)}
    administrators.why = ()
    assert problems(catalogue.of(CHECKOUT, {})) == ""


def test_a_document_that_is_wrong_as_well_is_a_bad_document(administrators: Administrators) -> None:
    administrators.why = ("it reaches beyond the team red",)
    claims = subscribed(administrators, SUBSCRIPTION).of(CHECKOUT, {})  # its workflow is not there
    assert reason(claims) is Reason.BAD_DOCUMENT
    assert "it reaches beyond the team red" in problems(claims)

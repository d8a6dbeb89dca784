"""What the gate answers before it has seen anything is not that there is nothing."""

from collections.abc import Callable

from gate.catalogue.subscribed import Subscribed
from gate.cluster.api import Api
from gate.model import WorkloadKind, WorkloadName
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.wire.copies import Copies
from gate.wire.due import Due
from gate.wire.shown import Shown
from tests.catalogue.test_selecting import catalogue
from tests.clocks import HandClock
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.leading.replicas import WEB
from tests.wire.following import followed

Eventually = Callable[[Callable[[], object]], None]
CHECKOUT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")
WEB_OF_DEFAULT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="default", name="web")


def test_nobody_is_told_that_nothing_is_subscribed_before_the_cluster_was_listed(
    api: Api, kubernetes: Kubernetes, clock: HandClock, eventually: Eventually
) -> None:
    api.create("deployments", "default", WEB)
    subscribed = Subscribed(clock.now)
    subscribed.put(catalogue(SUBSCRIPTION, WORKFLOW))
    due = Due(Copies(api, (), monotonic=clock.monotonic), subscribed, poke=lambda: None, monotonic=clock.monotonic)
    shown = Shown(due.copies, subscribed, due.changes, None, None, gitlabs=None, clock=clock)
    assert shown.subscriptions() is None
    with followed(due.copies, kubernetes, eventually):
        assert [each.workload for each in shown.subscriptions() or ()] == [CHECKOUT]
        assert shown.is_there(WEB_OF_DEFAULT)
        assert not shown.is_there(CHECKOUT)

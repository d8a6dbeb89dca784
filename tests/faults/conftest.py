"""What tests of faults stand on."""

from collections.abc import Iterator

import pytest

from tests import grounds
from tests.faults.application import Application, Eventually
from tests.faults.cases import NEEDS_CONTAINERS, NEEDS_THE_REAL_ONE
from tests.grounds import Ground

BACK_OFF = 0.01
"""Seconds; of containers that are killed again and again."""


@pytest.fixture(scope="module")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One sandbox for all tests of a file: each has a namespace of its own."""
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox"), back_off=BACK_OFF) as (ground, _):
        yield ground


@pytest.fixture
def web(request: pytest.FixtureRequest, cluster: Ground, namespace: str, eventually: Eventually) -> Application:
    """The application on both grounds."""
    settings = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if settings.get("fault") in (NEEDS_CONTAINERS if cluster.is_real else NEEDS_THE_REAL_ONE):
        pytest.skip(f"{cluster.name} has nothing for {settings['fault']}")
    application = Application(ground=cluster, namespace=namespace, eventually=eventually)
    application.create(settings.get("settings"))
    return application


@pytest.fixture
def scaled(web: Application) -> Application:
    """The application with an autoscaler."""
    about = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    body = {
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": about, "minReplicas": 2, "maxReplicas": 5, "metrics": [metric]},
    }
    web.api.create("horizontalpodautoscalers", web.namespace, body)
    return web

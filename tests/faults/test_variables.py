"""A variable of a copy has another value for a while, at its own place, and no variable of anything but a copy."""

from typing import Any

import pytest

from gate.errors import Permanent
from gate.faults import config_change
from gate.faults.template import COPY
from gate.model import Target, Undo
from tests.builders import deployment
from tests.faults.application import TEMPLATE, Application, Eventually, step
from tests.grounds import Ground

A, MODE, Z = ({"name": name, "value": value} for name, value in (("A", "1"), ("MODE", "calm"), ("Z", "$(MODE)")))
NODE = {"name": "MODE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}}


POD = Target(kind="Pod", name="web-1", uid="1", namespace="shop", images=())


@pytest.fixture
def whole(cluster: Ground, namespace: str, eventually: Eventually) -> Application:
    """With pods, and labelled as a copy."""
    application = Application(ground=cluster, namespace=namespace, eventually=eventually)
    application.create({"env": "MODE"})
    return application


@pytest.fixture
def web(cluster: Ground, namespace: str, eventually: Eventually) -> Application:
    """A template of which there are no pods that would be replaced each time."""
    application = Application(ground=cluster, namespace=namespace, eventually=eventually)
    body = deployment("web", namespace, template=TEMPLATE, replicas=0)
    body["metadata"]["labels"] = {COPY: "web"}
    application.api.create("deployments", namespace, body)
    return application


def give(web: Application, *entries: dict[str, Any]) -> None:
    """These are the variables of its first container."""
    main, beside = web.read("deployments", "web")["spec"]["template"]["spec"]["containers"]
    body = {"spec": {"template": {"spec": {"containers": [{**main, "env": list(entries)}, beside]}}}}
    web.change("deployments", "web", body)


def variables(web: Application) -> list[dict[str, Any]]:
    container = web.read("deployments", "web")["spec"]["template"]["spec"]["containers"][0]
    return list(container.get("env", ()))


def planned(web: Application, **settings: Any) -> Undo:
    (undo,) = plan(web, **settings)
    return undo


def plan(web: Application, **settings: Any) -> list[Undo]:
    return config_change.plan(step("config-change", **settings), web.name, [POD], "seed", web.api)


def test_a_variable_that_is_listed_twice_is_refused_as_only_one_of_them_could_be_put_back(web: Application) -> None:
    give(web, MODE, A, {"name": "MODE", "value": "old"})
    with pytest.raises(Permanent, match="MODE is listed more than once in main of"):
        plan(web, env="MODE", value="wild")
    assert planned(web, env="A", value="wild").before["entry"] == A


@pytest.mark.parametrize(
    ("before", "settings", "meanwhile"),
    [
        ((A, MODE, Z), {"value": "wild"}, [A, {"name": "MODE", "value": "wild"}, Z]),
        ((A, MODE, Z), {"value": ""}, [A, {"name": "MODE"}, Z]),
        ((A, MODE, Z), {}, [A, Z]),
        ((A, NODE), {"value": "wild"}, [A, {"name": "MODE", "value": "wild"}]),
        ((A,), {"value": "wild"}, [A, {"name": "MODE", "value": "wild"}]),
        ((), {"value": "wild", "container": "main"}, [{"name": "MODE", "value": "wild"}]),
        ((MODE,), {}, []),
    ],
)
def test_it_is_another_one_for_a_while_and_then_its_own_at_its_own_place(
    before: tuple[dict[str, Any], ...], settings: dict[str, Any], meanwhile: list[dict[str, Any]], web: Application
) -> None:
    give(web, *before)
    undo = planned(web, env="MODE", **settings)
    for _ in range(2):
        web.inject(undo)
    assert variables(web) == meanwhile
    for _ in range(2):
        web.revert(undo)
    assert variables(web) == list(before)


def test_it_is_felt_once_a_container_was_started_with_it(whole: Application) -> None:
    undo = planned(whole, env="MODE", value="wild")
    assert config_change.prove(undo, whole.api) is None
    whole.inject(undo)
    whole.feel(undo)
    said = config_change.prove(undo, whole.api)
    assert said is not None
    assert said.startswith(f"MODE in main of Deployment {whole.namespace}/web has another value in pod web-")


def test_what_somebody_else_wrote_is_left_to_them(web: Application) -> None:
    give(web, MODE)
    before, after = planned(web, env="MODE", value="wild"), planned(web, env="MODE", value="wilder")
    web.inject(after)
    give(web, {"name": "MODE", "value": "theirs"})
    assert "was changed by somebody else meanwhile" in web.revert(after)
    with pytest.raises(Permanent, match="was changed meanwhile"):
        web.inject(before)
    assert variables(web) == [{"name": "MODE", "value": "theirs"}]


def test_other_variables_may_change_meanwhile_and_stay_so(web: Application) -> None:
    give(web, MODE)
    undo = planned(web, env="MODE", value="wild")
    web.inject(undo)
    give(web, {"name": "MODE", "value": "wild"}, Z)
    web.revert(undo)
    assert variables(web) == [MODE, Z]


def test_only_copies_are_changed(web: Application) -> None:
    web.change("deployments", "web", {"metadata": {"labels": {"chaosgate.dev/copy": None}}})
    with pytest.raises(Permanent, match="is no copy, and its variables belong to whoever deploys it"):
        plan(web, env="MODE", value="wild")


def test_what_would_change_nothing_is_not_done(web: Application) -> None:
    give(web, MODE)
    assert plan(web, env="MODE", value="calm") == []
    assert plan(web, env="ANOTHER") == []
    with pytest.raises(Permanent, match='has no container "third"; it has main, beside'):
        plan(web, env="MODE", value="wild", container="third")

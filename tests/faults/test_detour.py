"""A Service is led through a proxy, and back: whom it leads where meanwhile, and whose Service is left alone."""

import socket
import struct
from collections.abc import Iterator
from typing import Any, cast

import pytest
from pydantic import ValidationError

from gate.errors import Denied, Permanent
from gate.faults.network import NETWORK
from gate.faults.network.detour import DETOUR
from gate.faults.network.settings import KINDS
from gate.running.ports import Cluster
from tests import grounds
from tests.builders import pod_template
from tests.faults.application import Application, Eventually
from tests.grounds import GATE_IMAGE, Ground
from tests.sandbox.pod_programs import server

on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""No proxy runs on nodes that are played by kwok."""
WAY = {"service": "web", "image": GATE_IMAGE.name}
PATIENCE = 30.0


@pytest.fixture(scope="module")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox"), more=[server("shop:1", "one")]) as (ground, _):
        yield ground


@pytest.fixture
def shop(web: Application) -> Application:
    """Its pods answer."""
    template = pod_template(image="shop:1")
    body = {"spec": {"template": {"spec": {"$patch": "replace", **template["spec"]}}}}
    web.ground.ask(
        "PATCH",
        f"/apis/apps/v1/namespaces/{web.namespace}/deployments/web",
        body,
        media="application/strategic-merge-patch+json",
    ).raise_for_status()
    web.eventually(lambda: answer(web) == "one")
    web.eventually(lambda: len(web.pods()) == 3 and rolled_out(web))
    return web


def rolled_out(web: Application) -> bool:
    pods = [pod for pod in web.api.list("pods", web.namespace)[0] if "deletionTimestamp" not in pod["metadata"]]
    return {container["image"] for pod in pods for container in pod["spec"]["containers"]} == {"shop:1"}


def connect(web: Application) -> socket.socket:
    """A customer, through the Service."""
    address = web.read("services", "web")["spec"]["clusterIP"]
    return socket.create_connection((address, 8080), timeout=PATIENCE)


def answer(web: Application) -> str:
    """What the Service answers; empty if it does not."""
    try:
        with connect(web) as customer:
            customer.sendall(b"GET / HTTP/1.1\r\n\r\n")
            said = b""
            while data := customer.recv(4096):
                said += data
    except OSError:
        return ""
    return said.decode(errors="replace").rpartition("\r\n\r\n")[2]


def selector(web: Application) -> Any:
    return web.read("services", "web")["spec"]["selector"]


@on_the_sandbox
def test_all_who_call_a_service_meet_the_fault_and_afterwards_none_of_them(
    shop: Application, eventually: Eventually
) -> None:
    before = shop.state()
    (undo,) = shop.plan("network-error", bytes=5, **WAY)
    shop.inject(undo)
    assert selector(shop) == {DETOUR: undo.settings["pod"]}
    eventually(lambda: answer(shop) not in {"one", ""})
    assert "that went through the proxy before Service" in str(NETWORK["network-error"].prove(undo, shop.api))
    assert "leads to its own pods again" in shop.revert(undo)
    eventually(lambda: answer(shop) == "one")
    eventually(lambda: shop.state() == before)


@on_the_sandbox
def test_the_proxy_leads_to_the_pods_of_now_and_not_to_those_of_then(shop: Application, eventually: Eventually) -> None:
    (undo,) = shop.plan("network-delay", time="1ms", **WAY)
    shop.inject(undo)
    then = {pod.uid for pod in shop.pods()}
    for pod in shop.pods():
        shop.api.delete("pods", shop.namespace, pod.name, uid=pod.uid)
    eventually(lambda: len(shop.pods()) == 3 and not then & {pod.uid for pod in shop.pods()})
    eventually(lambda: answer(shop) == "one")
    eventually(lambda: NETWORK["network-delay"].prove(undo, shop.api))
    shop.revert(undo)


@on_the_sandbox
def test_what_is_connected_through_the_proxy_ends_with_it(shop: Application, eventually: Eventually) -> None:
    (undo,) = shop.plan("network-hang", **WAY)
    shop.inject(undo)
    eventually(lambda: hangs(shop))
    with connect(shop) as customer:
        shop.revert(undo)
        try:
            said = customer.recv(4096)
        except ConnectionResetError:
            said = b""
    assert said == b""


def hangs(shop: Application) -> bool:
    with connect(shop) as customer:
        customer.settimeout(0.2)
        customer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            customer.sendall(b"GET / HTTP/1.1\r\n\r\n")
            return not customer.recv(1)
        except TimeoutError:
            return True
        except OSError:
            return False


@on_the_sandbox
def test_a_selector_that_somebody_else_has_set_meanwhile_is_left_so(web: Application, eventually: Eventually) -> None:
    (undo,) = web.plan("network-reset", **WAY)
    web.inject(undo)
    web.change("services", "web", {"spec": {"selector": {DETOUR: None, "app": "another"}}})
    assert "is left so" in web.revert(undo)
    assert selector(web) == {"app": "another"}
    eventually(lambda: web.state()["services"] == {"web": {"app": "another"}})


@on_the_sandbox
def test_who_applies_a_manifest_meanwhile_keeps_what_he_said_and_loses_our_label(
    web: Application, eventually: Eventually
) -> None:
    """Apply adds its keys to those that are there: neither the pods nor the proxy have all of them."""
    (undo,) = web.plan("network-reset", **WAY)
    web.inject(undo)
    web.change("services", "web", {"spec": {"selector": {"app": "web"}}})
    assert "leads to its own pods again" in web.revert(undo)
    assert selector(web) == {"app": "web"}
    eventually(lambda: list(web.state()["services"]) == ["web"])


class Mute:
    """A client that may run nothing in a container any more."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def execute(self, *_: object, changing: bool = True) -> str:
        raise Denied("pods/exec is forbidden")


@on_the_sandbox
def test_who_may_not_speak_to_the_proxy_any_more_leads_the_service_back_all_the_same(web: Application) -> None:
    (undo,) = web.plan("network-reset", **WAY)
    web.inject(undo)
    assert "leads to its own pods again" in NETWORK["network-reset"].revert(undo, cast("Cluster", Mute(web.api)))
    assert selector(web) == {"app": "web"}


@on_the_sandbox
def test_a_port_that_has_a_name_is_found_by_it_at_the_proxy_as_well(shop: Application, eventually: Eventually) -> None:
    container = {"name": "main", "image": "shop:1", "ports": [{"name": "http", "containerPort": 8080}]}
    body = {"spec": {"template": {"spec": {"$patch": "replace", "containers": [container]}}}}
    shop.ground.ask(
        "PATCH",
        f"/apis/apps/v1/namespaces/{shop.namespace}/deployments/web",
        body,
        media="application/strategic-merge-patch+json",
    ).raise_for_status()
    named = {"spec": {"ports": [{"name": "http", "port": 8080, "targetPort": "http"}]}}
    shop.change("services", "web", named)
    eventually(lambda: [pod for pod in shop.pods() if "http" in str(shop.read("pods", pod.name)["spec"])][2:])
    (undo,) = shop.plan("network-delay", time="1ms", **WAY)
    shop.inject(undo)
    eventually(lambda: answer(shop) == "one" and NETWORK["network-delay"].prove(undo, shop.api))
    shop.revert(undo)


@pytest.mark.parametrize(
    ("kind", "more", "why"),
    [
        ("error", {"status": 500}, "add protocol: http"),
        ("refuse", {}, "take network-reset for a service"),
        ("reset", {"count": 2}, "count is about pods"),
        ("reset", {"proxy": "inventory"}, "either proxy, of a sidecar, or service"),
    ],
)
def test_what_would_mean_something_else_before_a_service_is_refused(kind: str, more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        KINDS[kind].model_validate({**WAY, **more})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"metadata": {"annotations": {"meta.helm.sh/release-name": "web"}}}, "it belongs to Helm"),
        ({"metadata": {"labels": {"argocd.argoproj.io/instance": "web"}}}, "it belongs to Argo CD"),
        ({"spec": {"selector": {"rollouts-pod-template-hash": "5d4"}}}, "it belongs to Argo Rollouts"),
        ({"spec": {"selector": None}}, "it has no selector"),
        ({"spec": {"ports": [{"port": 53, "protocol": "UDP"}]}}, "its port 53 is UDP"),
        ({"spec": {"ports": [{"port": 80, "targetPort": "metrics"}]}}, "leads to the port metrics, which web-"),
    ],
)
def test_a_service_that_cannot_be_led_elsewhere_is_refused_with_the_reason(
    web: Application, body: dict[str, Any], why: str
) -> None:
    web.change("services", "web", body)
    with pytest.raises(Permanent, match=why):
        web.plan("network-reset", **WAY)


def test_a_service_of_a_controller_is_refused_by_its_name(web: Application) -> None:
    owner = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "web", "uid": "1", "controller": True}
    body = {
        "metadata": {"name": "owned", "ownerReferences": [owner]},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 8080}]},
    }
    web.api.create("services", web.namespace, body)
    with pytest.raises(Permanent, match="it belongs to Canary web"):
        web.plan("network-reset", **{**WAY, "service": "owned"})


def test_a_headless_service_is_refused(web: Application) -> None:
    body = {"metadata": {"name": "each"}, "spec": {"clusterIP": "None", "selector": {"app": "web"}}}
    web.api.create("services", web.namespace, body)
    with pytest.raises(Permanent, match="it is headless"):
        web.plan("network-reset", **{**WAY, "service": "each"})


def test_a_service_that_there_is_not_is_nothing_to_hit(web: Application) -> None:
    assert web.plan("network-reset", **{**WAY, "service": "nobody"}) == []

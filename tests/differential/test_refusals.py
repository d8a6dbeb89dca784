"""What the sandbox does not do it refuses, as docs/sandbox.md says; each row of its table is tried."""

from pathlib import Path

import pytest

from tests.differential.player import APPLY, STRATEGIC, Ask
from tests.differential.samples import pod, run
from tests.differential.words import CONFIG_MAPS, NAMESPACES, NODES, PODS, RUNS, SERVICES, Collection, config_map
from tests.grounds import Ground

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"

MISSING = (
    Collection("apps/v1", "statefulsets", "StatefulSet"),
    Collection("apps/v1", "daemonsets", "DaemonSet"),
    Collection("batch/v1", "cronjobs", "CronJob"),
    Collection("v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
    Collection("v1", "podtemplates", "PodTemplate"),
    Collection("networking.k8s.io/v1", "ingresses", "Ingress"),
    Collection("events.k8s.io/v1", "events", "Event"),
    Collection("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
)
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"

REFUSED: dict[int, tuple[Ask, ...]] = {
    404: (*(kind.get() for kind in MISSING), *(kind.create(kind.object("x")) for kind in MISSING)),
    405: (
        CONFIG_MAPS.put(config_map()),
        NAMESPACES.delete(),
        PODS.put(pod("p"), "p", "log"),
        PODS.get("p", "eviction"),
        Ask(method="POST", path="/api/v1/configmaps", body=config_map()),
    ),
    406: (CONFIG_MAPS.get().accepting(YAML), CONFIG_MAPS.get().accepting(PROTOBUF)),
    415: (
        CONFIG_MAPS.patch(config_map(), "a", media=APPLY, fieldManager="x"),
        RUNS.patch(run(), "a", media=APPLY, fieldManager="x"),
        RUNS.patch({}, "a", media=STRATEGIC),
        CONFIG_MAPS.create(config_map(), media="application/cbor"),
    ),
    501: (
        *(PODS.create({}, "p", what) for what in ("binding", "attach", "portforward", "proxy")),
        *(PODS.get("p", what) for what in ("attach", "portforward", "proxy")),
        PODS.patch({}, "p", "resize"),
        SERVICES.get("s", "proxy"),
        NODES.get("n", "proxy"),
        NAMESPACES.put({}, "n", "finalize"),
    ),
}


@pytest.mark.parametrize(
    ("code", "ask"),
    [pytest.param(code, ask, id=f"{code} {ask.method} {ask.path}") for code, asks in REFUSED.items() for ask in asks],
)
def test_what_the_sandbox_does_not_do_it_refuses(lasting_sandbox: Ground, code: int, ask: Ask) -> None:
    path = ask.path.replace("${ns}", "default")
    headers = {"Accept": ask.accept} if ask.accept else {}
    made = lasting_sandbox.ask(ask.method, path, ask.body, media=ask.media, headers=headers, params=dict(ask.query))
    assert made.status_code == code, made.text


@pytest.mark.parametrize(
    ("field", "value"), [("type", "NodePort"), ("type", "LoadBalancer"), ("sessionAffinity", "ClientIP")]
)
def test_a_service_that_would_only_look_right_is_refused(lasting_sandbox: Ground, field: str, value: str) -> None:
    wanted = SERVICES.object("s", spec={"ports": [{"port": 80}], field: value})
    made = lasting_sandbox.ask("POST", SERVICES.path().replace("${ns}", "default"), wanted)
    assert made.status_code == 422, made.text
    assert made.json()["details"]["causes"] == [
        {"field": f"spec.{field}", "message": f"Forbidden: the sandbox has no {value}", "reason": "FieldValueForbidden"}
    ]


def test_every_answer_of_the_table_is_tried() -> None:
    table = DOCUMENT.read_text().partition("What it refuses:")[2].partition("\n\nKnown")[0]
    answers = [row.split("|")[1] for row in table.splitlines() if row.startswith("|")][2:]
    codes = {int(code) for answer in answers for code in answer.split(",") if code.strip().isdecimal()}
    assert codes - {422} == REFUSED.keys()  # of 422, Services are tried above, and Jobs with the other Jobs


def test_every_kind_that_is_served_is_in_the_list(lasting_sandbox: Ground) -> None:
    text = DOCUMENT.read_text()
    groups = lasting_sandbox.ask("GET", "/apis").json()["groups"]
    places = ["/api/v1", *(f"/apis/{group['versions'][0]['groupVersion']}" for group in groups)]
    ours = [place for place in places if "chaosgate.dev" not in place]
    for place in ours:
        for resource in lasting_sandbox.ask("GET", place).json()["resources"]:
            assert "/" in resource["name"] or resource["kind"] in text, (
                f"docs/sandbox.md does not name {resource['kind']}"
            )

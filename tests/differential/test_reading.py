"""Get, lists in pages, selectors, tables: both grounds say the same."""

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.samples import run
from tests.differential.words import (
    BUDGETS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    PARTIAL,
    PARTIAL_LIST,
    RUNS,
    SECRETS,
    SERVICES,
    TABLE,
    config_map,
    deployment,
)

pytestmark = pytest.mark.cluster

LABELLED = tuple(
    LEASES.create(LEASES.object(name, metadata={"labels": labels}))
    for name, labels in (
        ("a", {"app": "shop", "tier": "front"}),
        ("b", {"app": "shop", "tier": "back"}),
        ("c", {"app": "other"}),
        ("d", {}),
        ("e", {"tier": ""}),
    )
)


def selected(*selectors: str) -> tuple[Ask, ...]:
    return tuple(LEASES.get(labelSelector=selector) for selector in selectors)


def by_field(*selectors: str) -> tuple[Ask, ...]:
    return tuple(LEASES.get(fieldSelector=selector) for selector in selectors)


SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "lists": (
        LEASES.get(),
        *LABELLED,
        LEASES.get(),
        LEASES.get("a"),
        LEASES.get("nobody"),
        RUNS.get(),
        RUNS.create(run()),
        RUNS.get(),
        SECRETS.get(),
        Ask(method="GET", path="/apis/coordination.k8s.io/v1/namespaces/${ns}/nothings"),
        Ask(method="GET", path="/apis/coordination.k8s.io/v9/namespaces/${ns}/leases"),
        Ask(method="GET", path="/apis/nothing.example/v1/namespaces/${ns}/leases"),
        Ask(method="GET", path="/api/v1/nothings"),
        Ask(method="GET", path="/nothing"),
    ),
    "pages": (
        *LABELLED,
        LEASES.get(limit="2").keep("page"),
        LEASES.get(limit="2", **{"continue": "${page:metadata.continue}"}).keep("page"),
        LEASES.delete("e"),
        LEASES.create(LEASES.object("z")),
        LEASES.get(limit="2", **{"continue": "${page:metadata.continue}"}),
        LEASES.get(limit="2", labelSelector="app").keep("some"),
        LEASES.get(limit="2", labelSelector="app", **{"continue": "${some:metadata.continue}"}),
        LEASES.get(limit="5"),
        LEASES.get(limit="0"),
        LEASES.get(limit="100"),
        LEASES.get(limit="-1"),
        LEASES.get(limit="text"),
        LEASES.get(limit=""),
        LEASES.get(
            limit="2", resourceVersion="${page:metadata.resourceVersion}", **{"continue": "${page:metadata.continue}"}
        ),
        LEASES.get(limit="2", **{"continue": "nonsense"}).roughly(),
        LEASES.get(limit="2", **{"continue": "bm9uc2Vuc2U"}).roughly(),
    ),
    "pages of what is selected": (
        *LABELLED,
        *(
            LEASES.get(limit=limit, labelSelector=labels)
            for limit in "1235"
            for labels in ("app=shop", "tier=", "!tier", "app=nothing", "")
        ),
        LEASES.get(limit="2", labelSelector="app=shop").keep("page"),
        LEASES.get(limit="2", labelSelector="app=shop", **{"continue": "${page:metadata.continue}"}),
        LEASES.get(limit="1", fieldSelector="metadata.name!=a").keep("page"),
        LEASES.get(limit="3", fieldSelector="metadata.name!=a", **{"continue": "${page:metadata.continue}"}),
        *(
            LEASES.get(limit=limit, fieldSelector=fields)
            for limit in "12"
            for fields in ("metadata.name=a", "metadata.name==c", "metadata.name=a,metadata.name=b")
        ),
        *(LEASES.get(limit=limit, labelSelector="app=shop", resourceVersion="0") for limit in "12"),
    ),
    "pages of a custom resource and of a table": (
        *(RUNS.create(run(name)).show("code") for name in "abc"),
        RUNS.get(limit="2").keep("page"),
        RUNS.get(limit="2", **{"continue": "${page:metadata.continue}"}),
        # The token may be another one: it tells the version, and others write meanwhile.
        RUNS.get(limit="2").accepting(TABLE).keep("table").show("kind", "metadata.remainingItemCount"),
        RUNS.get(limit="2", **{"continue": "${table:metadata.continue}"}).accepting(TABLE),
    ),
    "versions of lists": (
        *LABELLED[:2],
        LEASES.get().keep("all"),
        LEASES.create(LEASES.object("late")),
        LEASES.get(resourceVersion="0").show("kind"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}", resourceVersionMatch="NotOlderThan"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}", resourceVersionMatch="Exact"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}", limit="1"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}", resourceVersionMatch="Exact", limit="1"),
        LEASES.get(resourceVersionMatch="Exact"),
        LEASES.get(resourceVersion="0", resourceVersionMatch="Exact"),
        LEASES.get(resourceVersion="1", resourceVersionMatch="Neither"),
        LEASES.get(resourceVersion="nonsense"),
        LEASES.get("a", resourceVersion="nonsense"),
        LEASES.get("a", resourceVersion="0"),
        LEASES.get("a", resourceVersion="${all:metadata.resourceVersion}"),
    ),
    "label selectors": (
        *LABELLED,
        *selected(
            "app",
            "!app",
            "app=shop",
            "app==shop",
            "app!=shop",
            "app in (shop,other)",
            "app notin (shop)",
            "tier=",
            "tier in ()",
        ),
        *selected(
            "app=shop,tier=front",
            "app,tier notin (front, back)",
            " app = shop ",
            "app=shop,",
            ",app",
            "app in (shop",
            "app=a=b",
        ),
        *selected(
            "app>1",
            "app<x",
            "=x",
            "app in",
            "app in shop",
            "bad key=x",
            "app=bad value",
            "app=(",
            "!",
            "app!",
            "a/b/c=x",
            "x" * 64,
            f"app={'x' * 64}",
        ),
        *selected("app===x", "app in (bad!)", "app notin (,)", "!app=x", "(app)", "app in (shop),tier"),
    ),
    "field selectors": (
        *LABELLED,
        *by_field(
            "metadata.name=a",
            "metadata.name==a",
            "metadata.name!=a",
            "metadata.namespace=${ns}",
            "metadata.namespace=other",
        ),
        *by_field(
            "metadata.name=a,metadata.name=b",
            "spec.holderIdentity=x",
            "metadata.name",
            "=a",
            "metadata.name=",
            "metadata.name>a",
            "nonsense",
        ),
        SECRETS.create(SECRETS.object("s", type="a/b")),
        SECRETS.get(fieldSelector="type=a/b"),
        SECRETS.get(fieldSelector="type!=a/b"),
        RUNS.get(fieldSelector="spec.seed=1"),
        RUNS.get(fieldSelector="metadata.name=r"),
        NAMESPACES.get(fieldSelector="metadata.name=${ns},status.phase=Active"),
        NAMESPACES.get(fieldSelector="metadata.name=${ns},status.phase!=Active"),
        EVENTS.get(fieldSelector="involvedObject.name=x,type=Warning,reason=y"),
        EVENTS.get(fieldSelector="message=x"),
    ),
    "tables": (
        *LABELLED[:2],
        LEASES.get().accepting(TABLE),
        LEASES.get("a").accepting(TABLE),
        LEASES.get("nobody").accepting(TABLE),
        LEASES.get(includeObject="Object").accepting(TABLE),
        LEASES.get(includeObject="None").accepting(TABLE),
        LEASES.get(includeObject="Some").accepting(TABLE),
        LEASES.get(limit="1").accepting(TABLE),
        LEASES.create(LEASES.object("made", spec={"holderIdentity": "me"})).accepting(TABLE),
        LEASES.delete("made").accepting(TABLE),
        CONFIG_MAPS.create(config_map(data={"a": "1"}, binaryData={"b": "dg=="})).accepting(TABLE),
        CONFIG_MAPS.get(fieldSelector="metadata.name=a").accepting(TABLE),
        SECRETS.create(SECRETS.object("s", stringData={"a": "1"})).accepting(TABLE),
        SERVICES.create(
            SERVICES.object("s", spec={"clusterIP": "None", "selector": {"a": "b", "c": "d"}, "ports": [{"port": 80}]})
        ).accepting(TABLE),
        SERVICES.get().accepting(TABLE),
        DEPLOYMENTS.create(deployment()).accepting(TABLE),
        BUDGETS.create(
            BUDGETS.object("b", spec={"minAvailable": "50%", "selector": {"matchLabels": {"a": "b"}}})
        ).accepting(TABLE),
        RUNS.create(run()).accepting(TABLE),
        RUNS.get().accepting(TABLE),
        RUNS.patch(
            {"status": {"phase": "Running", "activity": "one", "score": 5, "message": "m"}}, "r", "status"
        ).accepting(TABLE),
        EVENTS.create(
            EVENTS.object(
                "e",
                metadata={"namespace": "${ns}"},
                involvedObject={"kind": "Pod", "name": "p", "namespace": "${ns}"},
                reason="Why",
                message="What ",
                type="Normal",
            )
        ).accepting(TABLE),
        NAMESPACES.get("${ns}").accepting(TABLE),
    ),
    "metadata only": (
        *LABELLED[:2],
        LEASES.get("a").accepting(PARTIAL),
        LEASES.get().accepting(PARTIAL_LIST),
        LEASES.get().accepting(PARTIAL).roughly(),
        LEASES.get("a").accepting(PARTIAL_LIST).roughly(),
        RUNS.create(run()).accepting(PARTIAL),
        RUNS.get().accepting(PARTIAL_LIST),
    ),
    "formats": (
        *LABELLED[:1],
        LEASES.get("a").accepting("*/*"),
        LEASES.get("a").accepting("application/*"),
        LEASES.get("a").accepting("application/json"),
        LEASES.get("a").accepting("text/html,application/json;q=0.9"),
        LEASES.get("a").accepting("application/json;as=Nothing;v=v1;g=meta.k8s.io"),
        LEASES.get("a").accepting("application/json;as=Nothing;v=v1;g=meta.k8s.io,application/json"),
        LEASES.get("a").accepting("text/html"),
        LEASES.get("a").accepting("application/xml"),
        LEASES.get("a").accepting("image/png, */*"),
    ),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_reading(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)

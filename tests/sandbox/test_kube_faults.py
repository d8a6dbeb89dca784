"""The API server misbehaves exactly as it was told to, and the clients of the product see it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from hypothesis import given
from hypothesis import strategies as st
from kube_samples import Client, config_map, pod

from gate.cli import main
from gate.cluster.api import Api
from gate.cluster.said import Expired
from gate.errors import Conflict, GateError, Temporary
from gate.sandbox.kubernetes.access.tokens import Tokens
from gate.sandbox.kubernetes.api.rest import Api as Server
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.faults.file import STATUSES, FaultForm, RuleForm, read
from gate.sandbox.kubernetes.faults.plan import Asked, Plan, Rule, Verb
from gate.sandbox.kubernetes.faults.port import EventFault, EventFaultKind, Fault, When
from gate.sandbox.kubernetes.faults.streams import WatchCut, disturbed
from gate.sandbox.kubernetes.registry.registry import Registry
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS
from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.rights.users import ADMINISTRATOR, User
from gate.sandbox.kubernetes.serving.server import ApiServer
from gate.sandbox.kubernetes.store.store import Store
from gate.sandbox.shipped import crds

CONFIG_MAPS_PATH = "/api/v1/namespaces/default/configmaps"
SOON = timedelta(seconds=2)
RESOURCES = tuple(Registry())


@contextmanager
def suffering(folder: Path, *rules: Rule, seed: str = "") -> Iterator[tuple[Kubernetes, Api]]:
    """An API server under these rules, and the product's client of it."""
    with Kubernetes(faults=Plan(rules, seed=seed)) as kubernetes:
        config = folder / "kubeconfig"
        config.write_text(kubernetes.kubeconfig())
        yield kubernetes, Api.from_environment(str(config))


def rule(fault: Fault | EventFault, *, name: str = "it", **more: Any) -> Rule:
    return Rule(name=name, fault=fault, **more)


def asks(path: str, method: str = "GET", *, user: str = "someone", **query: str) -> Request:
    return Request(method=method, path=path, query=query, headers={}, user=User(name=user))


# ------------------------------------------------------------------------------------------------- one request


@pytest.mark.parametrize(
    ("code", "error"), [(409, Conflict), (410, Expired), (429, Temporary), (500, Temporary), (503, Temporary)]
)
def test_an_error_reaches_the_client_instead_of_the_work(code: int, error: type[Exception], tmp_path: Path) -> None:
    told = rule(Fault(status=code, retry_after=1), verbs=(Verb.CREATE,), resources=("configmaps",), times=1)
    with suffering(tmp_path, told) as (kubernetes, api):
        with pytest.raises(error, match="the sandbox was told to fail"):
            api.create("configmaps", "default", config_map())
        assert kubernetes.store.list(CONFIG_MAPS)[0] == []
        api.create("configmaps", "default", config_map())


def test_an_error_says_when_to_come_back() -> None:
    with Kubernetes(faults=lambda _: Fault(status=429, retry_after=1)) as kubernetes:
        answer = requests.get(f"{kubernetes.admin_url}{CONFIG_MAPS_PATH}", timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.json()["reason"] == "TooManyRequests"
    assert answer.json()["details"] == {"retryAfterSeconds": 1}


@pytest.mark.parametrize("fault", [Fault(cut=True, when=When.AFTER), Fault(status=504, when=When.AFTER)])
def test_work_that_was_done_although_the_client_heard_of_a_failure_meets_the_second_attempt(
    fault: Fault, tmp_path: Path
) -> None:
    with suffering(tmp_path, rule(fault, verbs=(Verb.CREATE,), times=1)) as (_, api):
        with pytest.raises(Temporary):
            api.create("configmaps", "default", config_map())
        with pytest.raises(Conflict):
            api.create("configmaps", "default", config_map())


def test_a_connection_that_is_cut_before_the_work_leaves_nothing(tmp_path: Path) -> None:
    with suffering(tmp_path, rule(Fault(cut=True), verbs=(Verb.CREATE,))) as (kubernetes, api):
        with pytest.raises(Temporary, match="does not answer"):
            api.create("configmaps", "default", config_map())
        assert kubernetes.store.list(CONFIG_MAPS)[0] == []


def test_a_slow_answer_is_the_true_one() -> None:
    waited: list[float] = []
    store = Store()
    tokens = Tokens(store)
    slow = ApiServer(Server(store, tokens=tokens), faults=lambda _: Fault(delay=7.0), sleep=waited.append)
    slow.start()
    headers = {"Authorization": f"Bearer {tokens.for_user(ADMINISTRATOR)}"}
    assert requests.get(f"{slow.url}/healthz", headers=headers, timeout=5).text == "ok"
    slow.stop()
    assert waited == [7.0]


def test_a_server_that_stops_waits_for_no_delay() -> None:
    asked = Plan([rule(Fault(delay=300.0))])
    with Kubernetes(faults=asked) as kubernetes:
        begun = Client(kubernetes.admin_url)
        with pytest.raises(requests.Timeout):
            requests.get(f"{kubernetes.admin_url}{CONFIG_MAPS_PATH}", timeout=0.1)
        begun.close()
    assert asked.struck == {"it": 1}


def test_a_server_can_be_told_in_the_middle_and_forgets_it_when_told(kubernetes: Kubernetes, api: Api) -> None:
    kubernetes.suffer(Plan([rule(Fault(status=500))]))
    with pytest.raises(Temporary):
        api.list("configmaps")
    kubernetes.suffer(None)
    assert api.list("configmaps")[0] == []


# -------------------------------------------------------------------------------------------- the events of a watch


@contextmanager
def watched(fault: EventFault, folder: Path, **more: Any) -> Iterator[Iterator[tuple[str, str]]]:
    """(type, name) of what comes through a watch of three ConfigMaps a, b, c that were made after its beginning."""
    with suffering(folder, rule(fault, **more)) as (kubernetes, api):
        _, version = api.list("configmaps")
        for name in "abc":
            kubernetes.store.create(CONFIG_MAPS, config_map(name))
        events = api.watch("configmaps", "", version, lasting=timedelta(seconds=1))
        yield ((event.type, event.object["metadata"].get("name", "")) for event in events)


def names(events: Iterator[tuple[str, str]]) -> str:
    return "".join(name for _, name in events)


def test_an_event_comes_twice(tmp_path: Path) -> None:
    with watched(EventFault(kind=EventFaultKind.DUPLICATE), tmp_path, names=("b",)) as events:
        assert names(events) == "abbc"


def test_an_event_comes_after_the_next(tmp_path: Path) -> None:
    with watched(EventFault(kind=EventFaultKind.REORDER), tmp_path, times=1) as events:
        assert names(events) == "bac"


def test_an_event_that_nothing_follows_is_not_lost(tmp_path: Path) -> None:
    with watched(EventFault(kind=EventFaultKind.REORDER), tmp_path, names=("c",)) as events:
        assert names(events) == "abc"


def test_a_lost_event_cuts_the_watch_where_it_should_have_been(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []
    with (
        watched(EventFault(kind=EventFaultKind.DROP), tmp_path, names=("b",)) as events,
        pytest.raises(Temporary, match="the watch of configmaps"),
    ):
        seen.extend(events)
    assert seen == [] or names(iter(seen)) == "a"


def test_versions_expire_in_the_middle_of_a_watch(tmp_path: Path) -> None:
    with (
        watched(EventFault(kind=EventFaultKind.EXPIRE), tmp_path, names=("b",)) as events,
        pytest.raises(Expired, match="too old"),
    ):
        assert names(events) == "a"


def line(kind: str, name: str, number: int = 0) -> bytes:
    return json.dumps({"type": kind, "object": {"metadata": {"name": name, "resourceVersion": str(number)}}}).encode()


def played(lines: list[bytes], **by_name: EventFault) -> list[bytes]:
    """What a client has got when the stream ends or is cut; a delay shows as `...`."""
    got: list[bytes] = []

    def decide(changed: dict[str, Any]) -> EventFault | None:
        return by_name.get(changed["metadata"]["name"])

    with pytest.raises(WatchCut) if any(f.kind is EventFaultKind.DROP for f in by_name.values()) else nothing():
        got.extend(disturbed((each for each in lines), decide, lambda _: got.append(b"...")))
    return got


@contextmanager
def nothing() -> Iterator[None]:
    yield


def test_what_is_late_makes_all_that_follows_late() -> None:
    a, b = line("ADDED", "a"), line("ADDED", "b")
    assert played([a, b], a=EventFault(kind=EventFaultKind.LATE, delay=1.0)) == [b"...", a, b]


def test_events_about_one_object_keep_their_order() -> None:
    first, second = line("ADDED", "a", 1), line("DELETED", "a", 2)
    assert b"".join(played([first, second], a=EventFault(kind=EventFaultKind.REORDER))) == first + second


def test_a_bookmark_never_overtakes_an_event_that_is_held_back() -> None:
    event, bookmark = line("ADDED", "a", 1), line("BOOKMARK", "", 2)
    assert played([event, bookmark], a=EventFault(kind=EventFaultKind.REORDER)) == [event, bookmark]


def test_a_cut_comes_before_both_of_two_that_would_be_swapped() -> None:
    lines = [line("ADDED", name) for name in "ab"]
    faults = {"a": EventFault(kind=EventFaultKind.REORDER), "b": EventFault(kind=EventFaultKind.DROP)}
    assert played(lines, **faults) == []


# ------------------------------------------------------------------------------------------------- which ones


@pytest.mark.parametrize(
    ("request_", "verb", "resource", "namespace", "name"),
    [
        (asks("/api/v1/pods"), "list", "pods", "", ""),
        (asks("/api/v1/namespaces/a/pods", watch="1"), "watch", "pods", "a", ""),
        (asks("/api/v1/namespaces/a/pods/p"), "get", "pods", "a", "p"),
        (asks("/api/v1/namespaces/a/pods/p/log"), "get", "pods/log", "a", "p"),
        (asks("/api/v1/namespaces"), "list", "namespaces", "", ""),
        (asks("/api/v1/namespaces/a", "DELETE"), "delete", "namespaces", "a", "a"),
        (asks("/api/v1/namespaces/a/status", "PUT"), "update", "namespaces/status", "a", "a"),
        (asks("/apis/apps/v1/namespaces/a/deployments", "POST"), "create", "deployments", "a", ""),
        (asks("/apis/apps/v1/namespaces/a/deployments", "DELETE"), "deletecollection", "deployments", "a", ""),
        (asks("/apis/apps/v1/namespaces/a/deployments/d/scale", "PATCH"), "patch", "deployments/scale", "a", "d"),
        (asks("/api/v1/namespaces/a/pods/p", watch="1"), "get", "pods", "a", "p"),
        (asks("/api/v1/namespaces/a/pods", fieldSelector="metadata.name=p"), "list", "pods", "a", "p"),
        (asks("/api/v1/namespaces/a/pods", watch="1", fieldSelector="metadata.name=p"), "watch", "pods", "a", "p"),
        (asks("/api/v1/namespaces/a/pods/p/exec", "POST"), "create", "pods/exec", "a", "p"),
        (asks("/api/v1/namespaces/a/services/s/proxy/page", "GET"), "get", "services/proxy", "a", "s"),
    ],
)
def test_a_request_says_what_it_is_about(
    request_: Request, verb: str, resource: str, namespace: str, name: str
) -> None:
    asked = Asked.of(request_)
    assert asked is not None
    assert (asked.verb, asked.resource, asked.namespace, asked.name) == (verb, resource, namespace, name)


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1", "/apis/apps/v1", "/openapi/v3", "/healthz"])
def test_what_is_about_no_resource_is_left_alone(path: str) -> None:
    assert Plan([rule(Fault(cut=True))])(asks(path)) is None


def test_a_method_that_is_no_verb_is_left_alone() -> None:
    assert Plan([rule(Fault(cut=True))])(asks("/api/v1/pods", "OPTIONS")) is None


def test_a_rule_about_pods_is_not_about_their_logs() -> None:
    plan = Plan([rule(Fault(cut=True), resources=("pods",))])
    assert plan(asks("/api/v1/namespaces/a/pods/p")) is not None
    assert plan(asks("/api/v1/namespaces/a/pods/p/log")) is None


@pytest.mark.parametrize(
    "more",
    [
        {"verbs": (Verb.LIST,)},
        {"resources": ("deployments",)},
        {"resources": ("deployments.apps",)},
        {"resources": ("*.apps",)},
        {"namespaces": ("sh*",)},
        {"users": ("system:serviceaccount:chaos-gate:*",)},
    ],
    ids=str,
)
def test_each_word_of_a_rule_narrows_it(more: dict[str, Any]) -> None:
    plan = Plan([rule(Fault(cut=True), **more)])
    gate = "system:serviceaccount:chaos-gate:gate"
    assert plan(asks("/apis/apps/v1/namespaces/shop/deployments", user=gate)) is not None
    assert plan(asks("/api/v1/namespaces/production/pods/p", user="anybody")) is None


def test_a_rule_about_events_hits_only_watches_and_only_the_objects_that_it_names() -> None:
    twice = EventFault(kind=EventFaultKind.DUPLICATE)
    plan = Plan([rule(twice, namespaces=("shop",), names=("checkout-*",))])
    assert plan(asks("/api/v1/pods")) is None
    watch = plan(asks("/api/v1/pods", watch="true"))
    assert watch is not None
    assert watch.events is not None
    assert watch.events(pod("checkout-1") | {"metadata": {"namespace": "shop", "name": "checkout-1"}}) is twice
    assert watch.events(pod("checkout-1")) is None


def test_of_several_rules_the_first_answers_and_all_delay() -> None:
    plan = Plan(
        [
            rule(Fault(delay=1.0), name="slow"),
            rule(Fault(status=429), name="busy"),
            rule(Fault(status=500, delay=2.0), name="broken"),
        ]
    )
    assert plan(asks("/api/v1/pods")) == Fault(delay=3.0, status=429)


def drawn(*rules: Rule, seed: str, of: Callable[[Fault | None], object], requests_: int = 200) -> list[object]:
    plan = Plan(rules, seed=seed)
    return [of(plan(asks("/api/v1/pods"))) for _ in range(requests_)]


@given(seed=st.text(max_size=70), share=st.floats(0, 1), other=st.floats(0, 1))
def test_a_rule_that_is_added_changes_nothing_about_the_others(seed: str, share: float, other: float) -> None:
    busy = rule(Fault(status=429), name="busy", share=share, times=20)
    slow = rule(Fault(delay=1.0), name="slow", share=other)

    def status(fault: Fault | None) -> object:
        return fault.status if fault else None

    alone = drawn(busy, seed=seed, of=status, requests_=50)
    assert alone == drawn(slow, busy, seed=seed, of=status, requests_=50)
    assert alone == drawn(busy, seed=seed, of=status, requests_=50)


def test_about_the_share_of_requests_is_hit_and_another_seed_hits_others() -> None:
    busy = rule(Fault(status=429), share=0.25)
    one, two = (drawn(busy, seed=seed, of=bool) for seed in ("one", "two"))
    assert 30 <= one.count(True) <= 70
    assert one != two


def test_no_rule_strikes_more_often_than_it_says() -> None:
    plan = Plan([rule(Fault(status=429), times=3)])
    assert [bool(plan(asks("/api/v1/pods"))) for _ in range(5)] == [True] * 3 + [False] * 2
    assert plan.struck == {"it": 3}


# ------------------------------------------------------------------------------------------------- the file

GOOD = """\
seed: 7
rules:
  - {name: busy, verbs: [list], resources: [pods], users: ["*:gate"], share: 20%, fault: {answer: 429, retryAfter: 2s}}
  - {name: torn, verbs: [create], namespaces: [shop], times: 2, fault: {cut: after}}
  - {name: slow, fault: {delay: 300ms}}
  - {name: late, names: [a], fault: {event: late, by: 1s}}
"""


def test_a_file_becomes_a_plan() -> None:
    plan = read(GOOD, "faults.yaml", RESOURCES)
    assert list(plan.struck) == ["busy", "torn", "slow", "late"]
    assert plan(asks("/api/v1/namespaces/shop/pods", "POST")) == Fault(delay=0.3, cut=True, when=When.AFTER)


@pytest.mark.parametrize("code", STATUSES)
def test_every_status_of_the_file_is_one_that_the_server_gives(code: int, tmp_path: Path) -> None:
    plan = read(
        f"rules: [{{name: it, verbs: [{'create' if code == 409 else 'list'}], fault: {{answer: {code}}}}}]",
        "f",
        RESOURCES,
    )
    with Kubernetes(faults=plan) as kubernetes:
        method = "POST" if code == 409 else "GET"
        answer = requests.request(method, f"{kubernetes.admin_url}{CONFIG_MAPS_PATH}", json=config_map(), timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (code, code)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: []", "f:1:1: rules: must not be empty"),
        ("rule: []", 'f:1:1: rule: there is no field "rule"; did you mean rules?'),
        ("rules: [{name: a}]", "f:1:9: rules[0].fault: is missing"),
        (
            "rules:\n  - {name: a, verb: [list], fault: {delay: 1s}}",
            'f:2:15: rules[0].verb: there is no field "verb"; did you mean verbs?',
        ),
        (
            "rules:\n  - name: a\n    verbs: [lst]\n    fault: {delay: 1s}",
            'f:3:13: rules[0].verbs[0]: "lst" is not one of get, list, watch, create,',
        ),
        (
            "rules:\n  - {name: a, resources: [deployment], fault: {delay: 1s}}",
            "did you mean deployments?",
        ),
        (
            "rules:\n  - {name: a, fault: {event: duplicat}}",
            '"duplicat" is not one of duplicate, reorder, late, drop, expire; did you mean duplicate?',
        ),
        (
            "rules: [{name: a, fault: {answer: 404}}]",
            "f:1:27: rules[0].fault.answer: 404 is no fault of a server's; there are 409, 410, 429, 500, 502, 503, 504",
        ),
        (
            "rules: [{name: a, fault: {answer: 500, cut: after}}]",
            "f:1:19: rules[0].fault: must say one of answer, cut, delay, event, and it says answer and cut",
        ),
        ("rules: [{name: a, fault: {delay: 1}}]", "'1' is not a duration; write 1s for seconds"),
        ("rules: [{name: a, fault: {delay: 2h}}]", "no client waits for more than 10m"),
        ("rules: [{name: a, fault: {cut: after, when: after}}]", "when and retryAfter belong to answer"),
        ("rules: [{name: a, fault: {answer: 429, retryAfter: 200ms}}]", "whole seconds"),
        ("rules: [{name: a, fault: {event: late}}]", "write event: late, by: 200ms"),
        ("rules: [{name: a, verbs: [list], fault: {event: drop}}]", "events come in watches only"),
        ("rules: [{name: a, share: 20, fault: {cut: before}}]", "'20' is not a percentage; write it like 1%"),
        ("rules: [{name: a, times: 0, fault: {cut: before}}]", "f:1:19: rules[0].times: 0 is no limit"),
        (
            "rules:\n  - {name: a, fault: {cut: before}}\n  - {name: a, fault: {cut: after}}",
            'f:3:6: rules[1].name: "a" is the name of rules[0], too',
        ),
        (
            "rules:\n  - {name: a, resources: [pods, pods/lgo], fault: {delay: 1s}}",
            'f:2:33: rules[0].resources[1]: "pods/lgo": "lgo" is not a subresource of pods, which has attach,',
        ),
        ("rules: [{name: a, resources: [pods/lgo], fault: {delay: 1s}}]", "did you mean log?"),
        ("rules: [{name: a, resources: [secrets/status], fault: {delay: 1s}}]", "of secrets, which has none"),
        ("rules: [{name: a, resources: ['*/foo'], fault: {delay: 1s}}]", '"foo" is not a subresource of *, which has'),
        (
            "rules: [{name: a, resources: [deployments.ap], fault: {delay: 1s}}]",
            "did you mean deployments.apps?",
        ),
        ("rules: [{name: a, resources: ['*.ap'], fault: {delay: 1s}}]", '"*.ap" is not one of '),
        ("rules: [{name: a, resources: [leases.coordination.k8s.oi], fault: {delay: 1s}}]", "coordination.k8s.io?"),
        ("rules: [{name: a, resources: [widgets.example.com/log], fault: {delay: 1s}}]", "is not one of"),
        (
            "rules: [{name: a, verbs: [list], resources: [pods, pods/log], fault: {delay: 1s}}]",
            'f:1:52: rules[0].resources[1]: "pods/log" is only asked for with get, never with list',
        ),
        (
            "rules: [{name: a, resources: [pods/status], fault: {event: drop}}]",
            '"pods/status" is only asked for with get, patch, update, never with watch',
        ),
        (
            "rules: [{name: a, verbs: [create], names: [x], fault: {delay: 1s}}]",
            "f:1:9: rules[0]: the address of a create names no object, so names would never match; leave names out",
        ),
        (
            "rules: [{name: a, verbs: [get, deletecollection], names: [x], resources: ['*/*'], fault: {delay: 1s}}]",
            "rules[0]: the address of a deletecollection names no object",
        ),
        (
            "rules: [{name: a, verbs: [watch, update], fault: {answer: 409}}]",
            "f:1:9: rules[0]: no server answers 409 to watch; write verbs: [create, update, patch, delete, deletecoll",
        ),
        ("rules: [{name: a, fault: {answer: 409}}]", "no server answers 409 to get, list, watch; write verbs:"),
        ("rules: [{name: a, verbs: [create], fault: {answer: 410}}]", "no server answers 410 to create; write"),
        ("seed: 1.5\nrules: [{name: a, fault: {delay: 1s}}]", "f:1:1: seed: must be a whole number or text; put"),
        ("seed: true\nrules: [{name: a, fault: {delay: 1s}}]", "f:1:1: seed: must be a whole number or text; put"),
        ("rules: [", "f:2:1: this cannot be read as YAML"),
        ("", "f:1:1: must hold one document, and holds 0"),
        ("rules: a", 'f:1:1: rules: must be a list, not "a"'),
    ],
)
def test_every_mistake_in_a_file_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(GateError) as refused:
        read(text, "f", RESOURCES)
    assert said in str(refused.value)
    assert all(line.startswith("f:") for line in str(refused.value).splitlines())


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(GateError) as refused:
        read("sed: 1\nrules:\n  - {name: a, fault: {cut: now}}\n", "f", RESOURCES)
    assert [each.partition(": ")[0] for each in str(refused.value).splitlines()] == ["f:3:23", "f:1:1"]


@pytest.mark.parametrize("word", ["widgets.example.com", "widgets.example.com/status", "*.example.com/*"])
def test_a_resource_that_comes_later_is_named_with_its_group(word: str) -> None:
    read(f"rules: [{{name: a, resources: ['{word}'], fault: {{cut: before}}}}]", "f", RESOURCES)


@pytest.mark.parametrize(
    "word", ["pods", "pods/*", "*", "*/status", "deployments.apps/scale", "*.apps", "pods/exec", "pods/portforward"]
)
def test_a_word_that_some_request_matches_is_let_through(word: str) -> None:
    read(f"rules: [{{name: a, resources: ['{word}'], fault: {{cut: before}}}}]", "f", RESOURCES)


def test_one_of_several_verbs_is_enough_for_a_word() -> None:
    text = "rules: [{name: a, verbs: [list, get], resources: [pods, pods/log, pods/proxy], fault: {cut: before}}]"
    read(text, "f", RESOURCES)


def test_what_is_created_below_an_object_may_be_limited_by_its_name() -> None:
    text = "rules: [{name: a, verbs: [create], resources: [pods/eviction], names: [p], fault: {answer: 429}}]"
    plan = read(text, "f", RESOURCES)
    assert plan(asks("/api/v1/namespaces/a/pods/p/eviction", "POST")) == Fault(status=429)
    assert plan(asks("/api/v1/namespaces/a/pods/q/eviction", "POST")) is None


def test_the_sample_of_the_documentation_is_right_and_uses_every_fault() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    section = page.partition("## When Kubernetes misbehaves\n")[2].partition("\n## ")[0]
    (sample,) = re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    with Kubernetes(crds=crds()) as kubernetes:
        read(sample, "docs/sandbox.md", kubernetes.store.registry)
    faults = [rule["fault"] for rule in yaml.safe_load(sample)["rules"]]
    assert {key for fault in faults for key in fault} >= {"answer", "cut", "delay", "event"}
    assert {fault["event"] for fault in faults if "event" in fault} == set(EventFaultKind)
    explained = set(re.findall(r"`(\w+)`", section)) | {
        word for pair in re.findall(r"`(\w+): (\w+)`", section) for word in pair
    }
    fields = [*RuleForm.model_fields.values(), *FaultForm.model_fields.values()]
    assert {field.alias for field in fields} | set(EventFaultKind) | set(Verb) | set(When) <= explained
    assert set(map(str, STATUSES)) <= set(re.findall(r"\d{3}", section))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"rules: [{name: a, fault: {cut: now}}]", "1:27: rules[0].fault.cut:"),
        ("# für\n# é".encode() + b"\xff", "2:4: is not UTF-8; save it as UTF-8"),
        (b"rules: [{name: a, resources: [chaosrun], fault: {cut: after}}]", "did you mean chaosruns?"),
    ],
)
def test_the_command_refuses_a_file_with_a_mistake_before_anything_starts(
    content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "faults.yaml"
    file.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        main(["sandbox", "--folder", str(tmp_path / "sandbox"), "--faults", str(file)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {file}:")
    assert said in line
    assert not (tmp_path / "sandbox").exists()

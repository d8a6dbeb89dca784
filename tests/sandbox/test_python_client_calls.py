"""The Kubernetes project's Python client: what it asks less often, on both grounds, and of containers on one."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client import ApiClient, ApiException, AppsV1Api, BatchV1Api, CoreV1Api, PolicyV1Api
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL, WSClient

from tests import builders
from tests.grounds import IMAGES, Ground

Eventually = Callable[[Callable[[], Any]], Any]


def _connection(ground: Ground) -> Iterator[ApiClient]:
    with config.new_client_from_config(str(ground.kubeconfig)) as made:
        yield made


@pytest.fixture
def connection(cluster: Ground) -> Iterator[ApiClient]:
    yield from _connection(cluster)


@pytest.fixture
def core(connection: ApiClient) -> CoreV1Api:
    return CoreV1Api(connection)


def pod(name: str, *command: str) -> dict[str, Any]:
    box: dict[str, Any] = {"name": "main", "image": IMAGES[0], **({"command": list(command)} if command else {})}
    spec = {"containers": [box], "restartPolicy": "Never", "terminationGracePeriodSeconds": 0}
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def refusal(call: Any, *arguments: Any, **more: Any) -> Any:
    """The Status with which the server refuses the call."""
    with pytest.raises(ApiException) as refused:
        call(*arguments, **more)
    return json.loads(refused.value.body) | {"code": refused.value.status}


def test_an_eviction_is_refused_until_the_budget_allows_it(
    core: CoreV1Api, connection: ApiClient, namespace: str, eventually: Eventually
) -> None:
    policy = PolicyV1Api(connection)
    core.create_namespaced_pod(namespace, pod("one"))
    budget = client.V1PodDisruptionBudget(
        metadata=client.V1ObjectMeta(name="one"),
        spec=client.V1PodDisruptionBudgetSpec(
            min_available=1, selector=client.V1LabelSelector(match_labels={"app": "one"})
        ),
    )
    policy.create_namespaced_pod_disruption_budget(namespace, budget)
    eventually(
        lambda: policy.read_namespaced_pod_disruption_budget_status("one", namespace).status.current_healthy == 1
    )
    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name="one", namespace=namespace))
    said = refusal(core.create_namespaced_pod_eviction, "one", namespace, eviction)
    assert (said["code"], said["reason"]) == (429, "TooManyRequests")
    assert said["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    assert said["details"]["causes"] == [
        {
            "reason": "DisruptionBudget",
            "message": "The disruption budget one needs 1 healthy pods and has 1 currently",
        }
    ]
    policy.patch_namespaced_pod_disruption_budget("one", namespace, {"spec": {"minAvailable": 0}})
    eventually(
        lambda: policy.read_namespaced_pod_disruption_budget_status("one", namespace).status.disruptions_allowed == 1
    )
    core.create_namespaced_pod_eviction("one", namespace, eviction, dry_run="All")
    assert core.read_namespaced_pod("one", namespace).metadata.deletion_timestamp is None
    core.create_namespaced_pod_eviction("one", namespace, eviction)
    eventually(lambda: core.list_namespaced_pod(namespace).items == [])
    assert refusal(core.create_namespaced_pod_eviction, "one", namespace, eviction)["code"] == 404


def test_a_job_runs_to_its_end_and_goes_with_its_pod(
    core: CoreV1Api, connection: ApiClient, namespace: str, eventually: Eventually
) -> None:
    batch = BatchV1Api(connection)
    template = {"spec": pod("any", "true")["spec"]}
    made = batch.create_namespaced_job(namespace, {"metadata": {"name": "hello"}, "spec": {"template": template}})
    assert (made.spec.completions, made.spec.parallelism, made.spec.backoff_limit) == (1, 1, 6)
    following = watch.Watch()
    for event in following.stream(
        batch.list_namespaced_job, namespace, field_selector="metadata.name=hello", timeout_seconds=30
    ):
        if any(each.type == "Complete" for each in event["object"].status.conditions or ()):
            following.stop()
    done = batch.read_namespaced_job_status("hello", namespace).status
    assert (done.succeeded, done.failed, done.active) == (1, None, None)
    assert [each.type for each in done.conditions] == ["SuccessCriteriaMet", "Complete"]
    (only,) = core.list_namespaced_pod(namespace, label_selector="batch.kubernetes.io/job-name=hello").items
    assert (only.status.phase, only.metadata.owner_references[0].name) == ("Succeeded", "hello")
    batch.delete_namespaced_job("hello", namespace, propagation_policy="Foreground")
    eventually(lambda: not batch.list_namespaced_job(namespace).items + core.list_namespaced_pod(namespace).items)


def test_a_job_that_is_deleted_as_an_orphan_leaves_its_pod(
    core: CoreV1Api, connection: ApiClient, namespace: str, eventually: Eventually
) -> None:
    batch = BatchV1Api(connection)
    template = {"spec": pod("any", "true")["spec"]}
    batch.create_namespaced_job(namespace, {"metadata": {"name": "hello"}, "spec": {"template": template}})
    eventually(lambda: batch.read_namespaced_job_status("hello", namespace).status.succeeded == 1)
    batch.delete_namespaced_job("hello", namespace, propagation_policy="Orphan")
    eventually(lambda: not batch.list_namespaced_job(namespace).items)
    (left,) = core.list_namespaced_pod(namespace).items
    assert not left.metadata.owner_references


def test_a_watch_ends_by_itself_and_goes_on_where_it_was(core: CoreV1Api, namespace: str) -> None:
    version = core.list_namespaced_config_map(namespace, label_selector="of=test").metadata.resource_version
    made = {"metadata": {"name": "a", "labels": {"of": "test"}}, "data": {"n": "1"}}
    core.create_namespaced_config_map(namespace, made)
    following = watch.Watch()

    def seen(since: str) -> list[tuple[str, str]]:
        events = following.stream(
            core.list_namespaced_config_map,
            namespace,
            label_selector="of=test",
            resource_version=since,
            timeout_seconds=1,
        )
        return [(event["type"], event["object"].data["n"]) for event in events]

    assert seen(version) == [("ADDED", "1")]
    after = following.resource_version
    core.patch_namespaced_config_map("a", namespace, {"data": {"n": "2"}})
    assert seen(after) == [("MODIFIED", "2")]


def test_a_watch_from_a_version_that_never_was_is_refused(core: CoreV1Api, namespace: str) -> None:
    said = refusal(core.list_namespaced_config_map, namespace, watch=True, resource_version="x", timeout_seconds=1)
    assert (said["code"], "reason" in said) == (500, False)
    assert said["message"] == 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'


@pytest.mark.parametrize(
    ("media", "patch", "hosts"),
    [
        ("application/merge-patch+json", {"spec": {"hostAliases": [{"ip": "10.0.0.9", "hostnames": ["c"]}]}}, ["c"]),
        (
            "application/strategic-merge-patch+json",
            {"spec": {"hostAliases": [{"ip": "10.0.0.9", "hostnames": ["c"]}]}},
            ["c", "a", "b"],
        ),
        (
            "application/json-patch+json",
            [{"op": "add", "path": "/spec/template/spec/hostAliases/1/hostnames/-", "value": "c"}],
            ["a", "b", "c"],
        ),
    ],
    ids=["merge", "strategic merge", "JSON"],
)
def test_a_patch_is_read_by_its_kind(
    connection: ApiClient, namespace: str, media: str, patch: Any, hosts: list[str]
) -> None:
    apps = AppsV1Api(connection)
    wanted = builders.deployment("web", namespace, replicas=0, paused=True)
    wanted["spec"]["template"]["spec"]["hostAliases"] = [
        {"ip": "10.0.0.1", "hostnames": ["a"]},
        {"ip": "10.0.0.2", "hostnames": ["b"]},
    ]
    apps.create_namespaced_deployment(namespace, wanted)
    body = patch if isinstance(patch, list) else {"spec": {"template": patch}}
    patched = apps.patch_namespaced_deployment("web", namespace, body, _content_type=media)
    aliases = patched.spec.template.spec.host_aliases
    assert [host for alias in aliases for host in alias.hostnames] == hosts


def test_a_patch_of_no_known_kind_is_refused(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "a"}})
    said = refusal(core.patch_namespaced_config_map, "a", namespace, {}, _content_type="application/json")
    assert (said["code"], said["reason"]) == (415, "UnsupportedMediaType")


def test_a_rehearsal_is_judged_like_the_real_thing_and_changes_nothing(core: CoreV1Api, namespace: str) -> None:
    def a(**data: Any) -> dict[str, Any]:
        return {"metadata": {"name": "a"}, "data": data}

    made = core.create_namespaced_config_map(namespace, a(n="1"), dry_run="All")
    assert (made.metadata.uid is not None, made.metadata.resource_version) == (True, None)
    assert refusal(core.read_namespaced_config_map, "a", namespace)["code"] == 404
    assert (
        refusal(core.create_namespaced_config_map, namespace, {"metadata": {"name": "A"}}, dry_run="All")["code"] == 422
    )
    core.create_namespaced_config_map(namespace, a(n="1"))
    assert core.patch_namespaced_config_map("a", namespace, a(n="2"), dry_run="All").data == {"n": "2"}
    assert core.replace_namespaced_config_map("a", namespace, a(n="3"), dry_run="All").data == {"n": "3"}
    core.delete_namespaced_config_map("a", namespace, dry_run="All")
    assert core.read_namespaced_config_map("a", namespace).data == {"n": "1"}
    assert refusal(core.delete_namespaced_config_map, "a", namespace, dry_run="Some")["code"] == 422


def test_the_scale_is_read_replaced_and_patched(connection: ApiClient, namespace: str, eventually: Eventually) -> None:
    apps = AppsV1Api(connection)
    apps.create_namespaced_deployment(namespace, builders.deployment("web", namespace, replicas=1))
    eventually(lambda: apps.read_namespaced_deployment_status("web", namespace).status.available_replicas == 1)
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    assert (scale.spec.replicas, scale.status.selector, scale.api_version) == (1, "app=web", "autoscaling/v1")
    scale.spec.replicas = 2
    assert apps.replace_namespaced_deployment_scale("web", namespace, scale).spec.replicas == 2
    assert refusal(apps.replace_namespaced_deployment_scale, "web", namespace, scale)["reason"] == "Conflict"
    assert apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}}).spec.replicas == 3
    refused = refusal(apps.patch_namespaced_deployment_scale, "web", namespace, {"spec": {"replicas": -1}})
    assert (refused["code"], refused["details"]["causes"][0]["field"]) == (422, "spec.replicas")
    eventually(lambda: apps.read_namespaced_deployment_scale("web", namespace).status.replicas == 3)
    assert refusal(apps.read_namespaced_deployment_scale, "nothing", namespace)["code"] == 404


# What needs containers: on the sandbox only


@pytest.fixture
def here(lasting_sandbox: Ground) -> Iterator[CoreV1Api]:
    for made in _connection(lasting_sandbox):
        yield CoreV1Api(made)


@pytest.fixture
def place(lasting_sandbox: Ground, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own on the sandbox."""
    name = f"here-{abs(hash(request.node.nodeid))}"
    assert lasting_sandbox.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status_code == 201
    return name


def test_a_log_is_read_in_part_and_followed_to_its_end(here: CoreV1Api, place: str, eventually: Eventually) -> None:
    here.create_namespaced_pod(place, pod("one", "sh", "-c", "seq 3; sleep 0.5; echo end"))
    eventually(lambda: here.read_namespaced_pod("one", place).status.phase != "Pending")
    eventually(lambda: here.read_namespaced_pod_log("one", place).startswith("1\n2\n3\n"))
    following = watch.Watch()
    assert list(following.stream(here.read_namespaced_pod_log, "one", place)) == ["1", "2", "3", "end"]
    assert here.read_namespaced_pod_log("one", place, tail_lines=2) == "3\nend\n"
    assert here.read_namespaced_pod_log("one", place, limit_bytes=3) == "1\n2"
    assert here.read_namespaced_pod_log("one", place, since_seconds=60, container="main").endswith("end\n")
    lines = here.read_namespaced_pod_log("one", place, timestamps=True).splitlines()
    assert [line.split(" ")[1] for line in lines] == ["1", "2", "3", "end"]
    said = refusal(here.read_namespaced_pod_log, "one", place, previous=True)
    assert said["message"] == 'previous terminated container "main" in pod "one" not found'
    assert refusal(here.read_namespaced_pod_log, "one", place, container="c")["code"] == 400
    assert refusal(here.read_namespaced_pod_log, "none", place)["code"] == 404


@pytest.fixture
def run(here: CoreV1Api, place: str, eventually: Eventually) -> Iterator[Callable[..., WSClient]]:
    """Runs commands in a pod. The client never closes its sockets, so this does."""
    here.create_namespaced_pod(place, pod("one", "sleep", "infinity"))
    eventually(lambda: here.read_namespaced_pod("one", place).status.phase == "Running")
    opened: list[WSClient] = []

    def start(*command: str, stdin: bool = False) -> WSClient:
        streams = {"stdin": stdin, "stdout": True, "stderr": True, "tty": False}
        call = here.connect_get_namespaced_pod_exec
        opened.append(stream(call, "one", place, command=list(command), _preload_content=False, **streams))
        return opened[-1]

    yield start
    for each in opened:
        each.sock.shutdown()


def test_a_command_has_outputs_and_an_exit_code(run: Callable[..., WSClient]) -> None:
    done = run("sh", "-c", "echo out; echo err >&2; exit 7")
    done.run_forever(timeout=10)
    assert (done.read_stdout(), done.read_stderr(), done.returncode) == ("out\n", "err\n", 7)


def test_a_command_answers_to_what_it_is_told(run: Callable[..., WSClient]) -> None:
    talking = run("sh", "-c", "while read line; do echo told $line; done", stdin=True)
    for word in ("one", "two"):
        talking.write_stdin(f"{word}\n")
        assert talking.readline_stdout(timeout=10) == f"told {word}"
    assert talking.is_open()
    talking.close()


def test_a_program_that_is_not_there_is_a_failure_with_the_reason(run: Callable[..., WSClient]) -> None:
    unknown = run("no-such-program")
    unknown.run_forever(timeout=10)
    why = json.loads(unknown.read_channel(ERROR_CHANNEL))["message"]
    assert 'exec: "no-such-program": executable file not found in $PATH' in why


@pytest.mark.parametrize(("name", "container", "code"), [("none", None, 404), ("one", "other", 400)])
def test_a_command_for_nobody_is_refused_with_the_servers_words(
    here: CoreV1Api, place: str, name: str, container: str | None, code: int
) -> None:
    here.create_namespaced_pod(place, pod("one", "sleep", "infinity"))
    more = {"container": container} if container else {}
    with pytest.raises(ApiException) as refused:
        stream(here.connect_get_namespaced_pod_exec, name, place, command=["true"], stdout=True, **more)
    assert f"{code} " in refused.value.reason

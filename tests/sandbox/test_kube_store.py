"""The store keeps objects as the API server does."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kube_samples import config_map, deployment, pod

from gate.sandbox.kubernetes.language.errors import AlreadyExists, Conflict, Forbidden, Gone, Invalid, NotFound
from gate.sandbox.kubernetes.language.objects import moment_of
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS
from gate.sandbox.kubernetes.store.changes import ChangeType
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.sandbox.kubernetes.store.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def store() -> Store:
    return Store(clock=lambda: NOON, random=Random(7))


def test_a_new_object_gets_identity_defaults_and_a_version(store: Store) -> None:
    made = store.create(DEPLOYMENTS, deployment())
    meta = made["metadata"]
    assert meta["uid"]
    assert meta["generation"] == 1
    assert meta["creationTimestamp"] == "2026-01-01T12:00:00Z"
    assert meta["resourceVersion"] == str(store.revision)
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}


def test_nobody_can_change_a_stored_object_through_what_was_given_or_taken(store: Store) -> None:
    given_object = config_map(a="1")
    store.create(CONFIG_MAPS, given_object)["data"]["a"] = "2"
    given_object["data"]["a"] = "3"
    store.get(CONFIG_MAPS, "default", "settings")["data"]["a"] = "4"
    assert store.get(CONFIG_MAPS, "default", "settings")["data"] == {"a": "1"}


def test_generated_names_differ(store: Store) -> None:
    body = {"metadata": {"generateName": "web-", "namespace": "default"}}
    names = {store.create(CONFIG_MAPS, body)["metadata"]["name"] for _ in range(50)}
    assert len(names) == 50
    assert all(len(name) == len("web-") + 5 for name in names)


def test_a_name_is_taken_once(store: Store) -> None:
    store.create(CONFIG_MAPS, config_map())
    with pytest.raises(AlreadyExists, match='configmaps "settings" already exists'):
        store.create(CONFIG_MAPS, config_map())


def test_an_object_needs_its_namespace(store: Store) -> None:
    stray = config_map()
    stray["metadata"]["namespace"] = "nowhere"
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        store.create(CONFIG_MAPS, stray)


def test_a_terminating_namespace_takes_nothing_new(store: Store) -> None:
    store.delete(NAMESPACES, "", "default")
    with pytest.raises(Forbidden, match="because it is being terminated"):
        store.create(CONFIG_MAPS, config_map())


def test_a_stale_version_is_a_conflict(store: Store) -> None:
    first = store.create(CONFIG_MAPS, config_map(a="1"))
    store.update(CONFIG_MAPS, first | {"data": {"a": "2"}})
    with pytest.raises(Conflict, match="the object has been modified; please apply your changes to the latest"):
        store.update(CONFIG_MAPS, first | {"data": {"a": "3"}})


def test_an_update_without_a_version_replaces_whatever_is_there(store: Store) -> None:
    store.create(CONFIG_MAPS, config_map(a="1"))
    assert store.update(CONFIG_MAPS, config_map(a="2"))["data"] == {"a": "2"}


def test_writing_what_is_there_changes_nothing(store: Store) -> None:
    made = store.create(CONFIG_MAPS, config_map(a="1"))
    before = store.revision
    assert store.update(CONFIG_MAPS, made) == made
    assert store.revision == before


def test_the_generation_counts_changes_of_the_spec_only(store: Store) -> None:
    store.create(DEPLOYMENTS, deployment())

    def generation_after(change: dict[str, object], subresource: str | None = None) -> int:
        done = store.patch(DEPLOYMENTS, "default", "web", lambda now: now | change, subresource)
        return done["metadata"]["generation"]

    spec = store.get(DEPLOYMENTS, "default", "web")["spec"]
    meta = store.get(DEPLOYMENTS, "default", "web")["metadata"]
    assert generation_after({"status": {"replicas": 1}}, "status") == 1
    assert generation_after({"metadata": meta | {"labels": {"a": "b"}, "resourceVersion": None}}) == 1
    assert generation_after({"spec": spec | {"replicas": 5}}) == 2


def test_annotations_of_a_deployment_raise_its_generation_unless_they_come_with_the_status(store: Store) -> None:
    def annotate(text: str, subresource: str | None) -> int:
        def change(now: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
            now["metadata"]["annotations"] = {"note": text}
            return now

        done = store.patch(DEPLOYMENTS, "default", "web", change, subresource)
        assert done["metadata"]["annotations"] == {"note": text}
        return done["metadata"]["generation"]

    store.create(DEPLOYMENTS, deployment())
    assert annotate("by the controller", "status") == 1
    assert annotate("by somebody", None) == 2


def test_spec_and_status_are_written_apart(store: Store) -> None:
    made = store.create(DEPLOYMENTS, deployment())
    both = made | {"spec": made["spec"] | {"replicas": 9}, "status": {"replicas": 9}}
    assert store.update(DEPLOYMENTS, both)["status"] == {}
    both["metadata"].pop("resourceVersion")
    both["spec"]["replicas"] = 4
    after = store.update(DEPLOYMENTS, both, "status")
    assert (after["spec"]["replicas"], after["status"]) == (9, {"replicas": 9})


def test_finalizers_hold_an_object_until_the_last_is_gone(store: Store) -> None:
    held = config_map()
    held["metadata"]["finalizers"] = ["example.com/wait"]
    store.create(CONFIG_MAPS, held)
    asked = store.delete(CONFIG_MAPS, "default", "settings")
    assert asked["metadata"]["deletionTimestamp"]
    assert store.get(CONFIG_MAPS, "default", "settings")
    asked["metadata"]["finalizers"] = []
    store.update(CONFIG_MAPS, asked)
    with pytest.raises(NotFound):
        store.get(CONFIG_MAPS, "default", "settings")


def test_no_finalizer_is_added_to_what_is_being_deleted(store: Store) -> None:
    held = config_map()
    held["metadata"]["finalizers"] = ["example.com/wait"]
    store.create(CONFIG_MAPS, held)
    asked = store.delete(CONFIG_MAPS, "default", "settings")
    asked["metadata"]["finalizers"].append("example.com/more")
    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being deleted"):
        store.update(CONFIG_MAPS, asked)


def test_a_pod_on_a_node_waits_for_its_kubelet(store: Store) -> None:
    store.create(PODS, pod(nodeName="here", terminationGracePeriodSeconds=7))
    asked = store.delete(PODS, "default", "one")
    assert asked["metadata"]["deletionGracePeriodSeconds"] == 7
    assert moment_of(asked["metadata"]["deletionTimestamp"]) == NOON + timedelta(seconds=7)
    assert store.delete(PODS, "default", "one") == asked, "asking again changes nothing"
    store.delete(PODS, "default", "one", Deletion(grace=0))
    with pytest.raises(NotFound):
        store.get(PODS, "default", "one")


def test_a_pod_without_a_node_goes_at_once(store: Store) -> None:
    store.create(PODS, pod())
    store.delete(PODS, "default", "one")
    with pytest.raises(NotFound):
        store.get(PODS, "default", "one")


@pytest.mark.parametrize("precondition", [Deletion(uid="another"), Deletion(revision="1")])
def test_a_deletion_keeps_to_its_preconditions(store: Store, precondition: Deletion) -> None:
    store.create(CONFIG_MAPS, config_map())
    with pytest.raises(Conflict, match="does not match"):
        store.delete(CONFIG_MAPS, "default", "settings", precondition)


def test_a_rehearsal_leaves_nothing_behind(store: Store) -> None:
    before = store.revision
    assert store.create(CONFIG_MAPS, config_map(), dry_run=True)["metadata"]["uid"]
    assert store.revision == before
    with pytest.raises(NotFound):
        store.get(CONFIG_MAPS, "default", "settings")


def test_a_list_and_a_watch_from_it_miss_and_repeat_nothing(store: Store) -> None:
    store.create(CONFIG_MAPS, config_map("a"))
    items, revision = store.list(CONFIG_MAPS)
    store.create(CONFIG_MAPS, config_map("b"))
    with store.subscribe([CONFIG_MAPS], since=revision) as watch:
        store.delete(CONFIG_MAPS, "default", "a")
        seen = [watch.next(0), watch.next(0), watch.next(0)]
    assert [item["metadata"]["name"] for item in items] == ["a"]
    told = [(change.type, change.object["metadata"]["name"]) for change in seen if change]
    assert told == [(ChangeType.ADDED, "b"), (ChangeType.DELETED, "a")]


def test_a_watch_from_before_the_history_is_gone() -> None:
    store = Store(history=2)
    for number in range(5):
        store.create(CONFIG_MAPS, config_map(f"c{number}"))
    with pytest.raises(Gone, match="too old resource version"):
        store.subscribe([CONFIG_MAPS], since=store.revision - 3)
    store.subscribe([CONFIG_MAPS], since=store.revision - 2).close()


def test_closing_a_watch_ends_its_iteration(store: Store) -> None:
    watch = store.subscribe()
    store.create(CONFIG_MAPS, config_map())
    watch.close()
    assert len(list(watch)) == 1
    assert watch.next(0) is None


def test_what_comes_first_in_a_selector_decides_nothing(store: Store) -> None:
    store.create(PODS, pod("a", {"app": "web", "tier": "front"}))
    store.create(PODS, pod("b", {"app": "web"}))

    def names(selector: str) -> list[str]:
        items, _ = store.list(PODS, labels=LabelSelector.parse(selector))
        return [item["metadata"]["name"] for item in items]

    assert names("app=web") == ["a", "b"]
    assert names("app=web,!tier") == ["b"]
    assert names("tier in (front,back),app") == ["a"]
    assert names("tier notin (front)") == ["b"]
    assert names("tier!=front") == ["b"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["write", "delete"])), max_size=25), st.data())
def test_any_moment_of_the_history_can_be_listed_again(steps: list[tuple[str, str]], data: st.DataObject) -> None:
    store = Store(clock=lambda: NOON)
    moments = {store.revision: {}}
    present: dict[str, str] = {}
    for number, (name, step) in enumerate(steps):
        if step == "write" and name in present:
            store.update(CONFIG_MAPS, config_map(name, n=str(number)))
            present[name] = str(number)
        elif step == "write":
            store.create(CONFIG_MAPS, config_map(name, n=str(number)))
            present[name] = str(number)
        elif name in present:
            store.delete(CONFIG_MAPS, "default", name)
            del present[name]
        moments[store.revision] = dict(present)
    revision = data.draw(st.sampled_from(sorted(moments)))
    entries, _ = store.entries(CONFIG_MAPS, at=revision)
    assert {entry.shared["metadata"]["name"]: entry.shared["data"]["n"] for entry in entries} == moments[revision]


def test_what_somebody_controls_is_found_until_it_is_let_go_or_gone(store: Store) -> None:
    def made(name: str, uid: str) -> None:
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": uid, "controller": True}
        store.create(CONFIG_MAPS, {"metadata": {"name": name, "namespace": "default", "ownerReferences": [owner]}})

    def found(uid: str, namespace: str = "default") -> list[str]:
        return [entry.shared["metadata"]["name"] for entry in store.controlled(CONFIG_MAPS, namespace, [uid])]

    def let_go(obj: dict[str, Any]) -> dict[str, Any]:
        obj["metadata"]["ownerReferences"][0]["controller"] = False
        return obj

    for name in ("c", "a", "b"):
        made(name, "u")
    made("d", "v")
    assert (found("u"), found("v"), found(""), found("u", "kube-system")) == (["a", "b", "c"], ["d"], [], [])
    store.patch(CONFIG_MAPS, "default", "a", let_go)
    store.delete(CONFIG_MAPS, "default", "b")
    assert (found("u"), found("")) == (["c"], ["a"])

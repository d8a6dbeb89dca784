"""The versions of an object share what they have in common, and are still the objects that were stored."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from kube_samples import config_map, deployment

from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS, DEPLOYMENTS
from gate.sandbox.kubernetes.store.sharing import sparing
from gate.sandbox.kubernetes.store.store import Store

objects = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(new=objects, before=st.none() | objects)
@example(new={"a": {"b": 1}}, before={"a": {"b": True}})
@example(new={"a": [1.0]}, before={"a": [1]})
@example(new={"a": {"b": 1, "c": 2}}, before={"a": {"c": 2, "b": 1}})
def test_what_is_shared_is_the_same_to_the_last_byte(new: dict, before: dict | None) -> None:
    assert json.dumps(sparing(new, before)) == json.dumps(new)


def test_what_a_change_leaves_as_it_was_is_kept_once() -> None:
    store = Store()
    store.create(DEPLOYMENTS, deployment())
    first = store.entry(DEPLOYMENTS, "default", "web")
    store.patch(DEPLOYMENTS, "default", "web", lambda now: now | {"status": {"observedGeneration": 1}}, "status")
    second = store.entry(DEPLOYMENTS, "default", "web")
    assert second.shared["spec"] is first.shared["spec"]
    assert (first.shared["status"], second.shared["status"]) == ({}, {"observedGeneration": 1})


def test_the_version_before_can_be_read_after_it_has_been_replaced() -> None:
    store = Store()
    store.create(CONFIG_MAPS, config_map(n="1"))
    first = store.entry(CONFIG_MAPS, "default", "settings")
    read = first.encoded
    store.update(CONFIG_MAPS, config_map(n="2"))
    assert (first.encoded, first.copy()["data"]) == (read, {"n": "1"})

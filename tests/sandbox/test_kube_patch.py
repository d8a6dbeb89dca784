"""The three patches do what their definitions say."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sandbox.kubernetes.language.errors import ApiError
from gate.sandbox.kubernetes.language.patch import json_patch, merge_patch, strategic_merge_patch

values = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)
mappings = st.dictionaries(st.text("abc", min_size=1, max_size=2), values, max_size=4)


def difference(before: object, after: object) -> object:
    """The merge patch from one document without nulls to another."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    gone = dict.fromkeys(before.keys() - after.keys())
    return gone | {
        key: difference(before.get(key), value)
        for key, value in after.items()
        if key not in before or before[key] != value or type(before[key]) is not type(value)
    }


@given(mappings, mappings)
def test_a_merge_patch_made_from_two_documents_leads_from_one_to_the_other(before: object, after: object) -> None:
    assert merge_patch(before, difference(before, after)) == after


@given(mappings, mappings)
def test_no_patch_changes_what_it_is_applied_to(before: dict[str, object], patch: dict[str, object]) -> None:
    kept = copy.deepcopy(before)
    merge_patch(before, patch)
    strategic_merge_patch(before, patch, "ConfigMap")
    json_patch(before, [{"op": "add", "path": "/new", "value": 1}])
    assert before == kept


@given(mappings, values)
def test_what_a_json_patch_adds_it_can_remove(document: dict[str, object], value: object) -> None:
    key = "x/y~z"
    pointer = "/x~1y~0z"
    added = json_patch(document, [{"op": "add", "path": pointer, "value": value}])
    assert added == document | {key: value}
    assert json_patch(added, [{"op": "test", "path": pointer, "value": value}]) == added
    assert json_patch(added, [{"op": "remove", "path": pointer}]) == document


def test_json_patch_moves_copies_and_appends() -> None:
    document = {"list": [1, 2, 3], "deep": {"a": "b"}}
    operations = [
        {"op": "add", "path": "/list/1", "value": 9},
        {"op": "add", "path": "/list/-", "value": 4},
        {"op": "move", "from": "/deep/a", "path": "/deep/c"},
        {"op": "copy", "from": "/list/0", "path": "/first"},
        {"op": "replace", "path": "/list/0", "value": 0},
    ]
    assert json_patch(document, operations) == {"list": [0, 9, 2, 3, 4], "deep": {"c": "b"}, "first": 1}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing/deep", "value": 1},
        {"op": "add", "path": "/missing/deep", "value": 1},
        {"op": "add", "path": "/list/7", "value": 1},
        {"op": "test", "path": "/list/0", "value": True},
    ],
)
def test_a_json_patch_that_does_not_fit_is_refused(operation: dict[str, object]) -> None:
    with pytest.raises(ApiError) as refusal:
        json_patch({"list": [1]}, [operation])
    assert refusal.value.code == 422


@pytest.mark.parametrize("operation", [{"op": "add"}, {"op": "jump", "path": "/a"}, {"path": "/a"}, "text"])
def test_what_is_no_operation_of_a_json_patch_is_refused(operation: object) -> None:
    with pytest.raises(ApiError) as refusal:
        json_patch({}, [operation])
    assert refusal.value.code == 422


def test_a_json_patch_takes_missing_members_for_null_as_the_real_server_does() -> None:
    operations = [
        {"op": "replace", "path": "/new", "value": 1},
        {"op": "test", "path": "/none", "value": None},
        {"op": "copy", "from": "/none", "path": "/copied"},
    ]
    assert json_patch({}, operations) == {"new": 1, "copied": None}


def pod_with(*containers: dict[str, object], **spec: object) -> dict[str, object]:
    return {"spec": {"containers": list(containers), **spec}}


def test_a_strategic_merge_knows_containers_by_name_and_variables_by_theirs() -> None:
    before = pod_with({"name": "a", "image": "i:1", "env": [{"name": "X", "value": "1"}]}, {"name": "b", "image": "j"})
    patch = pod_with({"name": "a", "image": "i:2", "env": [{"name": "Y", "value": "2"}]})
    after = strategic_merge_patch(before, patch, "Pod")
    env = [{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}]  # what is new comes first
    assert after == pod_with({"name": "a", "image": "i:2", "env": env}, {"name": "b", "image": "j"})


def test_a_strategic_merge_replaces_lists_without_a_key() -> None:
    before = pod_with({"name": "a", "command": ["x", "y"]})
    after = strategic_merge_patch(before, pod_with({"name": "a", "command": ["z"]}), "Pod")
    assert after == pod_with({"name": "a", "command": ["z"]})


def test_a_strategic_merge_deletes_one_element() -> None:
    before = pod_with({"name": "a"}, {"name": "b"})
    after = strategic_merge_patch(before, pod_with({"name": "a", "$patch": "delete"}), "Pod")
    assert after == pod_with({"name": "b"})


def test_a_strategic_merge_replaces_a_whole_list_or_mapping_when_told_to() -> None:
    before = pod_with({"name": "a"}, {"name": "b"}, nodeSelector={"x": "y"})
    patch = pod_with({"$patch": "replace"}, {"name": "c"}, nodeSelector={"$patch": "replace", "z": "w"})
    assert strategic_merge_patch(before, patch, "Pod") == pod_with({"name": "c"}, nodeSelector={"z": "w"})


def test_a_strategic_merge_orders_elements_as_told() -> None:
    before = pod_with({"name": "a"}, {"name": "server-side"}, {"name": "b"})
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}],
            "containers": [{"name": "c"}],
        }
    }
    names = [each["name"] for each in strategic_merge_patch(before, patch, "Pod")["spec"]["containers"]]
    assert [name for name in names if name != "server-side"] == ["b", "c", "a"]
    assert "server-side" in names


def test_a_strategic_merge_takes_scalars_out_of_a_list() -> None:
    before = {"metadata": {"finalizers": ["a", "b"]}}
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}}
    assert strategic_merge_patch(before, patch, "Pod") == {"metadata": {"finalizers": ["c", "b"]}}


def test_a_strategic_merge_keeps_only_the_retained_keys() -> None:
    before = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge_patch(before, patch, "Deployment") == {"spec": {"strategy": {"type": "Recreate"}}}


def test_an_element_without_its_merge_key_is_refused() -> None:
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        strategic_merge_patch(pod_with({"name": "a"}), pod_with({"image": "x"}), "Pod")


@given(mappings)
def test_directives_never_stay_in_the_document(patch: dict[str, object]) -> None:
    after = strategic_merge_patch({}, {"metadata": {"annotations": patch | {"$retainKeys": ["a"]}}}, "Pod")
    assert not [key for key in after["metadata"]["annotations"] if key.startswith("$")]

"""A key has another value for a while, and whoever else changed it meanwhile has the last word."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from pydantic import ValidationError

from gate.errors import Permanent
from gate.faults import config_change
from gate.faults.config_change import KEPT
from gate.model import Undo
from tests.builders import config_map
from tests.faults.application import RECORD, Application

MODE = {"configMap": "settings", "key": "mode", "value": "wild"}
TOKEN = {"secret": "key", "key": "token", "value": "new-secret"}


def mode(web: Application) -> str | None:
    found: str | None = (web.read("configmaps", "settings").get("data") or {}).get("mode")
    return found


def token(web: Application) -> str:
    return b64decode(web.read("secrets", "key")["data"]["token"]).decode()


def planned(web: Application, settings: dict[str, Any]) -> Undo:
    (undo,) = web.plan("config-change", **settings)
    return undo


def test_the_key_has_another_value_and_then_its_own(web: Application) -> None:
    undo = planned(web, MODE)
    web.inject(undo)
    assert mode(web) == "wild"
    assert config_change.prove(undo, web.api) == f'"mode" of ConfigMap {web.namespace}/settings has another value'
    web.revert(undo)
    assert mode(web) == "calm"


def test_without_a_value_the_key_is_missing(web: Application) -> None:
    undo = planned(web, {"configMap": "settings", "key": "mode"})
    web.inject(undo)
    assert mode(web) is None
    assert str(config_change.prove(undo, web.api)).endswith("is missing")
    web.revert(undo)
    assert mode(web) == "calm"


def test_a_key_that_there_was_not_is_gone_again(web: Application) -> None:
    undo = planned(web, MODE | {"key": "debug"})
    web.inject(undo)
    web.revert(undo)
    assert web.read("configmaps", "settings")["data"] == {"mode": "calm"}


def test_what_a_secret_held_is_in_no_record(web: Application) -> None:
    undo = planned(web, TOKEN)
    web.inject(undo)
    assert token(web) == "new-secret"
    record = json.dumps(RECORD.write(undo))
    assert "old-secret" not in record
    assert b64encode(b"old-secret").decode() not in record
    web.revert(undo)
    assert token(web) == "old-secret"
    assert KEPT not in web.read("secrets", "key")["metadata"].get("annotations", {})


def test_what_somebody_else_wrote_meanwhile_is_left_to_them(web: Application) -> None:
    of_map, of_secret = planned(web, MODE), planned(web, TOKEN)
    for undo in (of_map, of_secret):
        web.inject(undo)
    web.change("configmaps", "settings", {"data": {"mode": "theirs"}})
    web.change("secrets", "key", {"data": {"token": b64encode(b"theirs").decode()}})
    for undo in (of_map, of_secret):
        assert "by somebody else meanwhile" in web.revert(undo)
    assert (mode(web), token(web)) == ("theirs", "theirs")
    assert KEPT not in web.read("secrets", "key")["metadata"].get("annotations", {})


@pytest.mark.parametrize(("settings", "resource"), [(MODE, "configmaps"), (TOKEN, "secrets")])
def test_what_was_changed_after_the_plan_is_not_touched(
    settings: dict[str, Any], resource: str, web: Application
) -> None:
    undo = planned(web, settings)
    name, key = undo.target.name, settings["key"]
    web.change(resource, name, {"data": {key: "dGhlaXJz"}})
    with pytest.raises(Permanent, match="was changed meanwhile"):
        web.inject(undo)
    assert web.read(resource, name)["data"][key] == "dGhlaXJz"


def test_other_keys_may_change_meanwhile_and_stay_so(web: Application) -> None:
    undo = planned(web, MODE)
    web.change("configmaps", "settings", {"data": {"other": "1"}})
    web.inject(undo)
    web.change("configmaps", "settings", {"data": {"other": "2"}})
    web.revert(undo)
    assert web.read("configmaps", "settings")["data"] == {"mode": "calm", "other": "2"}


def test_a_secret_whose_former_value_is_lost_is_said_to_be_lost(web: Application) -> None:
    undo = planned(web, TOKEN)
    web.inject(undo)
    web.change("secrets", "key", {"metadata": {"annotations": {KEPT: None}}})
    with pytest.raises(Permanent, match="put it back by hand"):
        web.revert(undo)


def test_what_no_pod_would_feel_is_not_done(web: Application) -> None:
    web.api.create("configmaps", web.namespace, config_map("elsewhere", web.namespace, mode="calm"))
    with pytest.raises(Permanent, match=r'no pod of .* reads "mode" of ConfigMap .*elsewhere from a volume'):
        web.plan("config-change", **MODE | {"configMap": "elsewhere"})
    assert web.plan("config-change", **MODE | {"configMap": "nowhere"}) == []
    assert web.plan("config-change", **MODE | {"value": "calm"}) == []


@pytest.mark.parametrize(
    ("volume", "mount", "felt"),
    [
        ({"configMap": {"name": "settings"}}, {}, True),
        ({"configMap": {"name": "settings", "items": [{"key": "mode", "path": "m"}]}}, {}, True),
        ({"projected": {"sources": [{"configMap": {"name": "settings"}}]}}, {}, True),
        ({"configMap": {"name": "settings", "items": [{"key": "other", "path": "m"}]}}, {}, False),
        ({"configMap": {"name": "settings"}}, {"subPath": "mode"}, False),
        ({"configMap": {"name": "other"}}, {}, False),
        ({"secret": {"secretName": "settings"}}, {}, False),
        ({"configMap": {"name": "settings"}}, {"name": "another volume"}, False),
    ],
)
def test_only_what_is_mounted_as_a_whole_changes_while_a_pod_runs(
    volume: dict[str, Any], mount: dict[str, Any], felt: bool
) -> None:
    containers = [{"name": "main", "volumeMounts": [{"name": "it", "mountPath": "/it", **mount}]}]
    pod = {"spec": {"volumes": [{"name": "it", **volume}], "containers": containers}}
    assert config_change._is_mounted(pod, config_change.Settings.model_validate(MODE), "settings") is felt


def test_what_cannot_change_is_said_before_anything_is_done(web: Application) -> None:
    web.change("configmaps", "settings", {"immutable": True})
    with pytest.raises(Permanent, match="immutable"):
        web.plan("config-change", **MODE)


@pytest.mark.parametrize(
    "settings",
    [
        {"key": "a"},
        {"configMap": "a", "secret": "b", "key": "c"},
        {"configMap": "a"},
        {"configMap": "a", "key": ""},
        {"env": "A", "key": "a"},
        {"env": "A", "configMap": "a"},
        {"configMap": "a", "key": "b", "container": "main"},
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config_change.Settings.model_validate(settings)

"""What a fault proxy in a sidecar is told, what it does then, and that it ends it by itself."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from gate.errors import Permanent, Temporary
from gate.faults.network import NETWORK
from gate.faults.network.settings import KINDS, SIDECAR, Through
from gate.model import Undo
from gate.proxy.behaviours import BEHAVIOURS, Outage, Ramp, Transient, behaviour, kind_of
from gate.proxy.mix import fault
from tests.faults.application import Application, Eventually

on_the_sandbox = pytest.mark.parametrize(
    ("cluster", "settings"), [("sandbox", {"proxy": "upstream"})], indirect=["cluster"]
)
"""No command can be run in containers that are played by kwok."""

OTHERS = {"dummy"} | {kind_of(each) for each in (Transient(), Outage(), Ramp())}
"""What is no fault of a step by itself: a step begins and ends at its own times."""


def examples(settings: type[Through]) -> dict[str, Any]:
    """A document with every field of a fault that its kind has of its own, as the reference shows it."""
    schema = settings.model_json_schema()["properties"]
    names = {name: field.alias or name for name, field in settings.model_fields.items()}
    own = {alias for name, alias in names.items() if name not in Through.model_fields}
    return {"proxy": "inventory"} | {name: schema[name]["examples"][0] for name in own}


def test_every_behaviour_of_the_proxy_that_a_step_can_use_is_a_fault() -> None:
    assert KINDS.keys() == BEHAVIOURS.keys() - OTHERS


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_says_is_what_the_proxy_does_by_itself(kind: str) -> None:
    said = KINDS[kind].model_validate({"proxy": "inventory"}).behaviour()
    assert behaviour({kind: said}, "fault") == BEHAVIOURS[kind]()


@pytest.mark.parametrize("kind", KINDS)
def test_the_proxy_understands_every_field_that_an_author_can_write(kind: str) -> None:
    document = examples(KINDS[kind])
    found = behaviour({kind: KINDS[kind].model_validate(document).behaviour()}, "fault")
    for name, value in document.items():
        if name != "proxy":
            assert behaviour({kind: {name: value}}, "fault") in {
                found,
                replace(BEHAVIOURS[kind](), **_one(found, name)),
            }


def _one(found: Any, name: str) -> dict[str, Any]:
    field = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return {field: getattr(found, field)}


@pytest.mark.parametrize(
    "wrong", [{"requests": "0%"}, {"requests": "101%"}, {"time": "0s"}, {"stream": "sideways"}, {}]
)
def test_a_delay_that_cannot_be_is_refused_before_anybody_is_asked(wrong: dict[str, Any]) -> None:
    document = wrong and {"proxy": "inventory", **wrong}
    with pytest.raises(ValidationError):
        KINDS["delay"].model_validate(document)


def test_nobody_listens_for_some_connections_only_cannot_be() -> None:
    with pytest.raises(ValidationError, match="leave requests out"):
        KINDS["refuse"].model_validate({"proxy": "inventory", "requests": "30%"})


@on_the_sandbox
@pytest.mark.parametrize("kind", ["network-refuse", "network-blackout", "network-error"])
def test_each_of_them_is_felt_and_healed(kind: str, web: Application, eventually: Eventually, settings: Any) -> None:
    (undo,) = web.plan(kind, **settings)
    assert NETWORK[kind].prove(undo, web.api) is None
    web.inject(undo)
    eventually(lambda: NETWORK[kind].prove(undo, web.api))
    assert "is healed" in web.revert(undo)


@on_the_sandbox
def test_a_delay_is_counted_by_the_proxy_that_makes_it(web: Application, eventually: Eventually, settings: Any) -> None:
    (undo,) = web.plan("network-delay", time="20ms", **settings)
    assert fault(json.loads(undo.settings["fault"]), "fault").share == 1_000_000
    web.inject(undo)
    eventually(lambda: NETWORK["network-delay"].prove(undo, web.api))
    assert f"the proxy upstream in {SIDECAR} of Pod {web.namespace}/" in str(
        NETWORK["network-delay"].prove(undo, web.api)
    )
    assert "is healed" in web.revert(undo)
    assert "knows nothing of it" in web.revert(undo)


@on_the_sandbox
def test_whom_an_earlier_attempt_has_hit_proves_nothing_for_the_next_one(
    web: Application, eventually: Eventually, settings: Any
) -> None:
    (first,) = web.plan("network-reset", **settings)
    web.inject(first)
    eventually(lambda: NETWORK["network-reset"].prove(first, web.api))
    web.revert(first)
    (second,) = web.plan("network-reset", **settings)
    assert second.settings["name"] == first.settings["name"]
    assert NETWORK["network-reset"].prove(second, web.api) is None


@on_the_sandbox
def test_a_fault_that_nobody_ends_ends_when_its_time_is_over(
    web: Application, eventually: Eventually, settings: Any
) -> None:
    (undo,) = web.plan("network-hang", **settings)
    assert json.loads(undo.settings["fault"])["ttl"] == "31s"
    short = {**json.loads(undo.settings["fault"]), "ttl": "500ms"}
    web.inject(replace(undo, settings={**undo.settings, "fault": json.dumps(short)}))
    eventually(lambda: faults(web, undo) == [])


@on_the_sandbox
def test_a_proxy_that_there_is_not_is_named_with_those_that_there_are(web: Application, settings: Any) -> None:
    with pytest.raises(Permanent, match='has no proxy "inventroy"; it has upstream'):
        web.plan("network-reset", proxy="inventroy")
    with pytest.raises(Permanent, match='no container "beside-me"; it has main, beside, fault-proxy, caller'):
        web.plan("network-reset", container="beside-me", **settings)


@on_the_sandbox
def test_a_proxy_that_died_has_taken_the_fault_along(web: Application, eventually: Eventually, settings: Any) -> None:
    (undo,) = web.plan("network-reset", **settings)
    web.inject(undo)
    assert faults(web, undo) == [undo.settings["name"]]
    for each in web.plan("container-kill", container=SIDECAR, percent="100%"):
        web.inject(each)
    eventually(lambda: faults(web, undo) == [])
    assert web.revert(undo)


def faults(web: Application, undo: Undo) -> list[str] | None:
    """What the proxy knows of, by name; None while it does not answer."""
    ask = ["chaos-gate", "proxy", "ask", "GET", "/v1/proxies/upstream"]
    try:
        said = web.api.execute(web.namespace, undo.target.name, SIDECAR, ask, changing=False)
    except (Permanent, Temporary):
        return None
    return [each["name"] for each in json.loads(said).get("faults", [])]

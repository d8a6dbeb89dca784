"""Scripts that Hypothesis makes up of evictions: pods that run, budgets that guard them, and what is done to both.

What a budget allows follows its pods a moment later. So these scripts know what will be: after each step they wait
until the budgets say so, and a ground that never does fails.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.differential.player import Ask, Script
from tests.differential.samples import evict, pod
from tests.differential.words import BUDGETS, PODS

NAMES = ("a", "b")
GUARD = "x"
"""There is one budget at most: of two over the same pods, the real server counts for whichever it finds first."""
SHOWN = ("spec", "status.conditions", "status.disruptionsAllowed", "status.expectedPods", "status.desiredHealthy")

SPECS: tuple[dict[str, Any], ...] = (
    *({"minAvailable": number} for number in (0, 1, 1, 2, 3)),
    {"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
    {"minAvailable": "50%"},
    {"maxUnavailable": 1},
)
WAYS: tuple[tuple[dict[str, str], dict[str, Any]], ...] = (
    ({}, {}),
    ({}, {}),
    ({}, {"deleteOptions": {"gracePeriodSeconds": 0}}),
    ({"dryRun": "All"}, {}),
)


@dataclass(slots=True)
class Model:
    """What there is, as far as it decides about an eviction."""

    pods: set[str] = field(default_factory=set)
    guards: dict[str, int | None] = field(default_factory=dict)
    """How many pods each budget wants; None: a share of those that somebody looks after, which are none."""

    def allowed(self, wanted: int | None) -> int:
        return max(0, len(self.pods) - wanted) if wanted is not None else 0

    def lets_go(self, name: str) -> bool:
        return name in self.pods and (
            not self.guards or (len(self.guards) == 1 and self.allowed(*self.guards.values()) > 0)
        )

    def settled(self) -> Script:
        """Wait until every budget has seen what there is now."""
        return tuple(self._seen(name, wanted).show(*SHOWN) for name, wanted in self.guards.items())

    def _seen(self, name: str, wanted: int | None) -> Ask:
        there = len(self.pods)
        return BUDGETS.get(name).until(
            status__currentHealthy=there,
            status__expectedPods=0 if wanted is None else there,
            status__desiredHealthy=wanted or 0,
            status__disruptionsAllowed=self.allowed(wanted),
        )


def _wanted(spec: dict[str, Any]) -> int | None:
    number = spec.get("minAvailable")
    return number if isinstance(number, int) else None


def _evict(draw: st.DrawFn, model: Model) -> Script:
    name = draw(st.sampled_from((*NAMES, "nobody")))
    query, fields = draw(st.sampled_from(WAYS))
    asked = evict(name, query, **fields)
    if not query and model.lets_go(name):
        model.pods.discard(name)
        return asked, PODS.get(name).until(code=404)
    return (asked,)


def _run(draw: st.DrawFn, model: Model) -> Script:
    name = draw(st.sampled_from(NAMES))
    model.pods.add(name)
    return _running(name)


def _stop(draw: st.DrawFn, model: Model) -> Script:
    name = draw(st.sampled_from(NAMES))
    model.pods.discard(name)
    return PODS.delete(name, gracePeriodSeconds="0").show("code", "kind"), PODS.get(name).until(code=404)


def _guard(draw: st.DrawFn, model: Model) -> Script:
    name, spec = GUARD, draw(st.sampled_from(SPECS))
    model.guards.setdefault(name, _wanted(spec))
    return (BUDGETS.create(BUDGETS.object(name, spec={"selector": {"matchLabels": {"app": "web"}}, **spec})),)


def _guard_otherwise(draw: st.DrawFn, model: Model) -> Script:
    name, spec = GUARD, draw(st.sampled_from(SPECS))
    if name in model.guards:
        model.guards[name] = _wanted(spec)
    whole = {"minAvailable": None, "maxUnavailable": None, **spec}
    return (BUDGETS.patch({"spec": whole}, name).show("code", "spec", "message", "metadata.generation"),)


def _unguard(_draw: st.DrawFn, model: Model) -> Script:
    model.guards.pop(GUARD, None)
    return (BUDGETS.delete(GUARD),)


STEPS: tuple[Callable[[st.DrawFn, Model], Script], ...] = (
    *(_evict, _evict, _evict),
    *(_run, _stop, _guard, _guard_otherwise, _unguard),
)


def _running(name: str) -> Script:
    return (
        PODS.create(pod(name, metadata={"labels": {"app": "web"}})).show("code", "message"),
        PODS.get(name).until(status__phase="Running", status__containerStatuses__0__ready=True).show("code"),
    )


@st.composite
def evictions(draw: st.DrawFn, most: int = 6) -> Script:
    """Two pods under a budget, and then anything."""
    model = Model(pods=set(NAMES))
    script = [*_running("a"), *_running("b"), *_guard(draw, model), *model.settled()]
    for _ in range(draw(st.integers(1, most))):
        script += draw(st.sampled_from(STEPS))(draw, model)
        script += model.settled()
    return tuple(script)

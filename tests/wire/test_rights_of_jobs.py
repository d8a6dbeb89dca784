"""Where Jobs execute runs, the gate may break nothing, and the team's account may, in its own namespace alone."""

from collections.abc import Callable

import pytest
import yaml

from gate.cluster.api import Api
from gate.errors import Denied
from gate.sandbox.shipped import rights
from tests.wire.job_world import Shop, rights_of_jobs

OWN = {"chaosgates", "chaosruns", "chaosgates/status", "chaosruns/status", "leases", "events", "configmaps"}
"""What the gate writes: its own objects, who leads and who executes, what it tells people, and the mode."""
LOOKING = {"get", "list", "watch"}


def kills(api: Api, namespace: str, pod: dict[str, dict[str, str]]) -> None:
    api.delete("pods", namespace, pod["metadata"]["name"], uid=pod["metadata"]["uid"])


def evicts(api: Api, namespace: str, pod: dict[str, dict[str, str]]) -> None:
    api.evict(namespace, pod["metadata"]["name"], uid=pod["metadata"]["uid"])


def scales(api: Api, namespace: str, _pod: object) -> None:
    api.patch("deployments", namespace, "web", {"spec": {"replicas": 3}})


def labels(api: Api, namespace: str, pod: dict[str, dict[str, str]]) -> None:
    api.patch("pods", namespace, pod["metadata"]["name"], {"metadata": {"labels": {"a": "b"}}})


ACTS = [kills, evicts, scales, labels]


def test_what_the_gate_is_given_everywhere_breaks_nothing() -> None:
    (role,) = (
        each for each in rights_of_jobs() if (each["kind"], each["metadata"]["name"]) == ("ClusterRole", "chaos-gate")
    )
    hurts = {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if verb not in LOOKING and resource not in OWN
    }
    assert hurts == set()


def test_no_other_role_for_the_gate_is_bound_by_the_manifest() -> None:
    bound = {each["roleRef"]["name"] for each in rights_of_jobs() if "roleRef" in each}
    assert bound == {"chaos-gate", "chaos-gate-mode", "system:auth-delegator"}


def test_what_teams_may_be_given_besides_is_the_same_in_both_manifests() -> None:
    kinds = ("config", "copies", "detours", "ephemeral", "exec", "jobs", "nodes")
    optional = {f"chaos-gate-{kind}" for kind in kinds}
    ours, others = (
        {
            name: each["rules"]
            for each in manifests
            if (name := each["metadata"]["name"]) in optional and "rules" in each
        }
        for manifests in (rights_of_jobs(), list(yaml.safe_load_all(rights().read_text())))
    )
    assert ours.keys() == optional
    assert ours == others


def test_the_gate_may_not_do_what_the_teams_account_may(shop: Shop) -> None:
    gate, team = shop.as_gate(), shop.as_team()
    shop.eventually(lambda: may(gate, "jobs", shop.namespace) and may(team, "leases", shop.namespace))
    for act in ACTS:
        pod = shop.pods()[0]
        with pytest.raises(Denied):
            act(gate, shop.namespace, pod)
        act(team, shop.namespace, pod)


def test_the_teams_account_may_nothing_elsewhere(shop: Shop) -> None:
    team = shop.as_team()
    shop.eventually(lambda: may(team, "leases", shop.namespace))
    for act in (kills, scales):
        with pytest.raises(Denied):
            act(team, "default", {"metadata": {"name": "web", "uid": "u"}})
    with pytest.raises(Denied):
        team.list("chaosruns")


def test_who_is_given_the_role_for_zones_sees_nodes_and_changes_none(shop: Shop) -> None:
    team, (node, *_) = shop.as_team(), shop.api.list("nodes")[0]
    name = node["metadata"]["name"]
    shop.eventually(lambda: may(team, "leases", shop.namespace))
    with pytest.raises(Denied):
        team.get("nodes", "", name)
    with shop.seeing_zones():
        shop.eventually(lambda: may(team, "nodes", ""))
        assert (team.get("nodes", "", name) or {})["metadata"]["name"] == name
        with pytest.raises(Denied):
            team.patch("nodes", "", name, {"spec": {"unschedulable": True}})


def may(api: Api, resource: str, namespace: str) -> bool:
    """Rights are known a moment after they were given."""
    look: Callable[[], object] = {
        "jobs": lambda: api.list("jobs", namespace),
        "leases": lambda: api.get("leases", namespace, "nobody"),
        "nodes": lambda: api.get("nodes", namespace, "nobody"),
    }[resource]
    try:
        look()
    except Denied:
        return False
    return True

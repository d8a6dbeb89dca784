"""How many pods each ReplicaSet may have: never too few available, never too many, and always on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sandbox.kubernetes.controllers.rollout import MAX_REPLICAS, Bounds, grown, proportional, shrunk


def a_deployment(replicas, surge="25%", unavailable="25%", strategy="RollingUpdate"):
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"spec": {"replicas": replicas, "strategy": {"type": strategy, "rollingUpdate": rolling}}}


def a_replica_set(name, replicas, available=None, noted=None):
    annotations = {} if noted is None else {MAX_REPLICAS: str(noted)}
    return {
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"replicas": replicas},
        "status": {"availableReplicas": replicas if available is None else available},
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "maximum", "minimum"),
    [
        (3, "25%", "25%", 4, 3),
        (10, "25%", "25%", 13, 8),
        (4, 2, 1, 6, 3),
        (1, "25%", "25%", 2, 1),
        (5, 0, 0, 5, 4),
        (2, 0, 5, 2, 0),
        (0, "25%", "25%", 0, 0),
    ],
)
def test_percentages_round_surge_up_and_unavailable_down(replicas, surge, unavailable, maximum, minimum):
    bounds = Bounds.of(a_deployment(replicas, surge, unavailable))
    assert (bounds.maximum, bounds.minimum) == (maximum, minimum)


def test_recreate_grows_to_the_whole_size_at_once():
    assert grown(a_deployment(5, strategy="Recreate"), [], 0) == 5


def test_pods_that_are_no_use_go_before_available_ones():
    new = a_replica_set("new", 1, available=0)
    broken, sound = a_replica_set("broken", 2, available=0), a_replica_set("sound", 3)
    assert shrunk(a_deployment(3, surge=3, unavailable=0), new, [broken, sound]) == {"broken": 0}


@given(
    replicas=st.integers(1, 30),
    surge=st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda n: f"{n}%")),
    unavailable=st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda n: f"{n}%")),
)
def test_a_rolling_update_keeps_its_bounds_and_ends(replicas, surge, unavailable):
    deployment = a_deployment(replicas, surge, unavailable)
    bounds = Bounds.of(deployment)
    new, old = a_replica_set("new", 0), a_replica_set("old", replicas)
    steps = 0
    while new["spec"]["replicas"] != replicas or old["spec"]["replicas"]:
        before = (new["spec"]["replicas"], old["spec"]["replicas"])
        new["spec"]["replicas"] = grown(deployment, [old, new], new["spec"]["replicas"])
        for name, size in shrunk(deployment, new, [old]).items():
            assert name == "old"
            old["spec"]["replicas"] = size
            old["status"]["availableReplicas"] = size
        assert new["spec"]["replicas"] + old["spec"]["replicas"] <= bounds.maximum
        assert new["status"]["availableReplicas"] + old["status"]["availableReplicas"] >= bounds.minimum
        was_available = new["status"]["availableReplicas"]
        new["status"]["availableReplicas"] = new["spec"]["replicas"]
        stuck = before == (new["spec"]["replicas"], old["spec"]["replicas"])
        assert not stuck or was_available != new["status"]["availableReplicas"]
        steps += 1
        assert steps <= 4 * replicas + 4


@given(
    sizes=st.lists(st.integers(1, 20), min_size=2, max_size=4),
    wanted=st.integers(0, 60),
)
def test_scaling_in_the_middle_of_a_rollout_shares_out_exactly_what_the_bounds_allow(sizes, wanted):
    before = sum(sizes)
    replica_sets = [a_replica_set(f"rs{n}", size, noted=before) for n, size in enumerate(sizes)]
    deployment = a_deployment(wanted)
    after = proportional(deployment, replica_sets) or {f"rs{n}": size for n, size in enumerate(sizes)}
    assert all(size >= 0 for size in after.values())
    # What rounding leaves over is taken from the largest, which cannot give more than it has (nor in the real one).
    allowed = Bounds.of(deployment).maximum if wanted else 0
    assert sum(after.values()) == allowed or (sum(after.values()) > allowed and 0 in after.values())

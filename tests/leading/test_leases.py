"""Who executes a run: a lease is somebody's until it has not changed for its time, measured on one's own clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from urllib3.exceptions import HTTPError

from gate.cluster.api import Api
from gate.cluster.leases import LASTS, Leases
from gate.cluster.said import Json
from gate.errors import Temporary
from tests.faults.application import through
from tests.grounds import Ground

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
Hold = Callable[[Leases], bool]


class Clock:
    """A clock that the test sets."""

    reading = 1000.0

    def __call__(self) -> float:
        return self.reading


@pytest.fixture
def api(cluster: Ground) -> Api:
    return cluster.api


@pytest.fixture
def owner(api: Api, namespace: str) -> Json:
    made = api.create("configmaps", namespace, {"metadata": {"name": "owner"}})
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": made["metadata"]["uid"]}


@pytest.fixture
def hold(namespace: str, owner: Json) -> Hold:
    """Each time at another time of day, and at an earlier one."""
    days = count()
    return lambda leases: leases.hold(namespace, "run", LONG_AGO - timedelta(days=next(days)), owner)


def test_nobody_takes_a_lease_that_goes_on_changing_whatever_times_stand_in_it(api: Api, hold: Hold) -> None:
    clock = Clock()
    ours, theirs = Leases(api, "ours", clock), Leases(api, "theirs", clock)
    assert hold(theirs)
    for _ in range(3):
        assert not hold(ours)
        clock.reading += LASTS.total_seconds() - 0.1
        assert hold(theirs)
    assert not hold(ours)


def test_a_holder_that_is_not_heard_is_followed_once_its_time_is_over(api: Api, hold: Hold) -> None:
    clock = Clock()
    ours, theirs = Leases(api, "ours", clock), Leases(api, "theirs", clock)
    assert hold(theirs)
    assert not hold(ours)
    clock.reading += LASTS.total_seconds() - 0.1
    assert not hold(ours)
    clock.reading += 0.1
    assert hold(ours)
    assert not hold(theirs)


def test_who_has_watched_does_not_have_to_wait_anew(api: Api, hold: Hold, namespace: str) -> None:
    clock = Clock()
    ours, theirs = Leases(api, "ours", clock), Leases(api, "theirs", clock)
    assert ours.watch(namespace, "run")
    assert hold(theirs)
    assert not ours.watch(namespace, "run")
    clock.reading += LASTS.total_seconds()
    assert ours.watch(namespace, "run")
    assert hold(ours)


def test_a_lease_that_was_released_is_taken_at_once(api: Api, hold: Hold, namespace: str) -> None:
    clock = Clock()
    ours, theirs = Leases(api, "ours", clock), Leases(api, "theirs", clock)
    assert hold(theirs)
    theirs.release(namespace, "run")
    assert hold(ours)


def test_a_beat_that_was_written_and_not_answered_takes_nothing_from_its_holder(
    cluster: Ground, api: Api, hold: Hold
) -> None:
    clock, answers = Clock(), count()

    def lost() -> None:
        if next(answers) == 1:  # the first one made the lease
            raise HTTPError("cut")

    ours, theirs = Leases(through(cluster.kubeconfig, after=lost), "ours", clock), Leases(api, "theirs", clock)
    assert hold(ours)
    with pytest.raises(Temporary):
        hold(ours)
    assert hold(ours)
    assert not hold(theirs)


def test_who_finds_his_lease_gone_has_lost_it(api: Api, hold: Hold, namespace: str) -> None:
    """Somebody else may have had it in between, done what was to be done, and released it."""
    clock = Clock()
    ours, theirs = Leases(api, "ours", clock), Leases(api, "theirs", clock)
    assert hold(ours)
    assert not hold(theirs)
    clock.reading += LASTS.total_seconds()
    assert hold(theirs)
    theirs.release(namespace, "run")
    assert not hold(ours)

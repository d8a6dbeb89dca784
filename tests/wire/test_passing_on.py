"""What a replica hears that does not lead comes to the one that does, soon and once, whatever is away meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from gate.cluster.api import Api
from gate.cluster.heard import CONFIG_MAP, Heard
from gate.errors import Permanent, Temporary
from gate.wire.passing_on import KEPT, MOST, PassingOn
from tests.clocks import HandClock

OWN = "default"


@dataclass
class Replica:
    """What one replica has looked at."""

    api: Api
    clock: HandClock
    leads: bool = False
    away: bool = False
    refused: bool = False
    fetched: int = 0
    looked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        heard = Heard(self.api.fenced(self._reach), OWN)
        self.passing = PassingOn(
            heard, leads=lambda: self.leads, fetch=self._fetch, look=self.looked.append, now=self.clock.now
        )

    def _reach(self) -> None:
        if self.away:
            raise Temporary("Kubernetes is away")
        if self.refused:
            raise Permanent("Kubernetes never takes that")

    def _fetch(self) -> None:
        self.fetched += 1


@pytest.fixture
def replica(api: Api, clock: HandClock) -> Callable[..., Replica]:
    return lambda **how: Replica(api, clock, **how)


def kept(api: Api) -> int:
    return len((api.get("configmaps", OWN, CONFIG_MAP) or {}).get("data") or {})


def test_what_one_hears_the_leader_looks_at_once_and_again_when_it_is_heard_again(replica, clock: HandClock) -> None:
    leader, other = replica(leads=True), replica()
    for times in (1, 2):
        other.passing.look("shop/checkout")
        other.passing.fetch()
        for _ in range(2):
            other.passing.step()
            leader.passing.step()
        assert (leader.looked, leader.fetched) == (["shop/checkout"] * times, times)
        assert (other.looked, other.fetched) == (["shop/checkout"] * times, times)
        clock.advance(timedelta(seconds=5))


def test_the_leader_leaves_nothing_for_others(api: Api, replica) -> None:
    leader = replica(leads=True)
    leader.passing.look("shop/checkout")
    leader.passing.step()
    assert leader.looked == ["shop/checkout"]
    assert api.get("configmaps", OWN, CONFIG_MAP) is None


def test_what_several_hear_is_all_kept(replica) -> None:
    leader, others = replica(leads=True), [replica() for _ in range(3)]
    for number, each in enumerate(others):
        each.passing.look(f"shop/{number}")
    for each in others:
        each.passing.step()
    leader.passing.step()
    assert sorted(leader.looked) == ["shop/0", "shop/1", "shop/2"]


def test_what_cannot_be_kept_just_now_is_kept_later(replica) -> None:
    leader, other = replica(leads=True), replica(away=True)
    other.passing.look("shop/checkout")
    with pytest.raises(Temporary):
        other.passing.step()
    other.away = False
    other.passing.step()
    leader.passing.step()
    assert leader.looked == ["shop/checkout"]


def test_what_can_never_be_kept_does_not_stop_what_is_heard_later(replica) -> None:
    leader, other = replica(leads=True), replica(refused=True)
    other.passing.look("shop/checkout")
    with pytest.raises(Permanent):
        other.passing.step()
    other.refused = False
    other.passing.look("shop/cart")
    other.passing.step()
    leader.passing.step()
    assert leader.looked == ["shop/cart"]


def test_whoever_begins_to_lead_looks_at_what_nobody_may_have_looked_at(replica) -> None:
    other = replica()
    other.passing.look("shop/checkout")
    other.passing.step()
    next_one = replica(leads=True)
    next_one.passing.step()
    assert next_one.looked == ["shop/checkout"]


def test_old_words_go(api: Api, replica, clock: HandClock) -> None:
    leader, other = replica(leads=True), replica()
    other.passing.look("shop/checkout")
    other.passing.step()
    clock.advance(KEPT + timedelta(seconds=1))
    other.passing.look("shop/cart")
    other.passing.step()
    leader.passing.step()
    assert kept(api) == 1
    leader.passing.step()
    assert leader.looked == ["shop/checkout", "shop/cart"]


def test_there_are_never_too_many(api: Api, replica) -> None:
    other = replica()
    for number in range(MOST + 5):
        other.passing.look(f"shop/{number}")
    other.passing.step()
    assert kept(api) == MOST


def test_what_somebody_else_wrote_there_is_passed_over(api: Api, replica) -> None:
    api.create("configmaps", OWN, {"metadata": {"name": CONFIG_MAP}, "data": {"a": "odd", "b": ""}})
    leader, other = replica(leads=True), replica()
    other.passing.look("shop/checkout")
    other.passing.step()
    leader.passing.step()
    assert leader.looked == ["shop/checkout"]

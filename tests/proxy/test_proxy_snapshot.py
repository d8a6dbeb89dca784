"""The snapshot: each change a generation, the same again none; what has a time ends by itself."""

from dataclasses import replace

import pytest

from gate.errors import Absent
from gate.proxy.behaviours import Dummy
from gate.proxy.mix import fault
from gate.proxy.snapshot import Snapshot
from gate.proxy.spec import Spec, spec


def proxy(**more: object) -> Spec:
    return spec({"name": "inventory", "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", **more}, "proxy")


EMPTY = Snapshot(seed="s")
TTL = {"percent": "20%", "error": {}, "ttl": "10s"}
LEASE = {"percent": "20%", "delay": {}, "lease": {"owner": "run-1", "time": "5s"}}


def test_the_same_again_is_no_new_generation_and_stays_in_force_since_when_it_was() -> None:
    once = EMPTY.put(proxy(mix="5:error"), 1.0)
    again = once.put(proxy(mix="5:error"), 9.0)
    assert (once.generation, again.generation) == (1, 1)
    assert [fault.since for fault in again.proxy("inventory").everything()] == [1.0]


def test_a_changed_fault_begins_anew_and_its_neighbour_does_not() -> None:
    once = EMPTY.put(proxy(mix="5:error,5:delay"), 1.0)
    again = once.put(proxy(mix="5:error,6:delay"), 9.0)
    assert again.generation == 2
    assert [fault.since for fault in again.proxy("inventory").everything()] == [1.0, 9.0]


def test_a_time_to_live_ends_a_fault_and_its_place_stays_empty() -> None:
    before = EMPTY.put(proxy(mix=[TTL, {"percent": "20%", "reset": {}}]), 100.0)
    assert before.next_change(100.0) == 110.0
    assert before.healed(109.9) is before
    after = before.healed(110.0)
    assert after.generation == 2
    error, reset = after.proxy("inventory").everything()
    assert isinstance(error.does, Dummy)
    assert error.share == 200_000
    assert reset == [*before.proxy("inventory").everything()][1]
    assert after.next_change(110.0) is None


def test_an_independent_fault_whose_time_is_over_is_gone() -> None:
    assert EMPTY.put(proxy(faults=[TTL]), 0.0).healed(10.0).proxy("inventory").faults == ()


def test_the_same_said_again_lives_for_its_time_from_then_on() -> None:
    again = EMPTY.put(proxy(mix=[TTL]), 0.0).put(proxy(mix=[TTL]), 9.0)
    assert again.healed(10.0) is again
    assert again.healed(19.0) is not again


def test_a_neighbour_that_is_said_renews_no_time_of_the_others() -> None:
    now = EMPTY.put(proxy(faults=[TTL, LEASE]), 0.0)
    for at in (2.0, 4.0):
        one = now.proxy("inventory")
        now = now.put(
            replace(one, faults=(*one.faults[:2], fault({"name": "new", "drip": {"size": int(at)}}, "f"))), at
        )
    assert [each.ends for each in now.proxy("inventory").faults] == [10.0, 5.0, None]


def test_a_lease_renewed_after_the_same_was_said_again_lasts_no_shorter_for_it() -> None:
    held = {**LEASE, "ttl": "10s"}
    now = EMPTY.put(proxy(faults=[held]), 0.0).put(proxy(faults=[held]), 4.0).renew("run-1", 8.0)
    assert [each.ends for each in now.proxy("inventory").faults] == [13.0]


def test_a_lease_lives_while_its_owner_renews_it_and_no_generation_passes() -> None:
    held = EMPTY.put(proxy(mix=[LEASE]), 0.0).renew("run-1", 4.0)
    assert held.generation == 1
    assert held.next_change(4.0) == 9.0
    assert held.healed(9.0) is not held


def test_a_lease_that_lapsed_and_one_that_never_was_cannot_be_renewed() -> None:
    held = EMPTY.put(proxy(mix=[LEASE]), 0.0)
    with pytest.raises(Absent, match="lease run-1"):
        held.renew("run-1", 5.0)
    with pytest.raises(Absent, match="lease run-2"):
        held.renew("run-2", 1.0)


def test_a_lease_does_not_outlive_the_time_to_live() -> None:
    held = EMPTY.put(proxy(mix=[LEASE | {"ttl": "6s"}]), 0.0).renew("run-1", 4.0)
    assert held.next_change(4.0) == 6.0


def test_a_proxy_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(Absent, match="proxy stock: there is none; there are inventory"):
        EMPTY.put(proxy(), 0.0).remove("stock")


def test_another_seed_is_another_generation() -> None:
    assert EMPTY.reseeded("t").generation == 1
    assert EMPTY.reseeded("s").generation == 0

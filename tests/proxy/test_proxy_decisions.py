"""The decision: the same for the same seed, proxy and identity, whatever else happens."""

import itertools
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.proxy.behaviours import Delay, Error, kind_of
from gate.proxy.decision import decide
from gate.proxy.explain import counting, explain, identities
from gate.proxy.spec import Request, Spec, spec

GET = Request(method="GET", path="/buy/7?x=1", headers={"x-team": "payments"})
KINDS = st.sampled_from(["error", "delay", "reset", "hang", "slow", "corrupt", "dummy"])
FEW = settings(max_examples=40)


def proxy(**more: object) -> Spec:
    return spec({"name": "inventory", "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", **more}, "proxy")


def hit(one: Spec, seed: str, names: list[str], request: Request | None = None, age: float = 0.0) -> dict[str, str]:
    """Identity -> the faults that strike it, of those that are struck."""
    found = explain(one, seed, names, request, age=age)
    return {each.identity: "+".join(act.fault for act in each.acts) for each in found if each.acts}


NAMES = [f"request-{n}" for n in range(2000)]


@FEW
@given(names=st.lists(st.text(max_size=20), unique=True), seed=st.text(min_size=1, max_size=80), data=st.data())
def test_the_order_of_arrival_changes_no_decision(names: list[str], seed: str, data: st.DataObject) -> None:
    one = proxy(mix="30:error,20:delay")
    assert hit(one, seed, names) == hit(one, seed, data.draw(st.permutations(names)))


def test_another_seed_and_another_proxy_decide_differently() -> None:
    one = proxy(mix="50:error")
    assert hit(one, "a", NAMES) != hit(one, "b", NAMES)
    assert hit(one, "a", NAMES) != hit(proxy(name="stock", mix="50:error"), "a", NAMES)


@FEW
@given(shares=st.lists(st.integers(0, 30), max_size=3), added=st.integers(0, 10))
def test_a_fault_added_to_the_end_of_a_mix_changes_nobody_who_was_hit(shares: list[int], added: int) -> None:
    faults = [{"name": f"f{n}", "percent": share, "error": {}} for n, share in enumerate(shares)]
    before = hit(proxy(mix=faults), "seed", NAMES[:60])
    after = hit(proxy(mix=[*faults, {"name": "new", "percent": added, "delay": {}}]), "seed", NAMES[:60])
    assert {name: fault for name, fault in after.items() if fault != "new"} == before


def test_an_independent_fault_changes_no_decision_of_the_others() -> None:
    a, b = {"name": "a", "percent": "40%", "delay": {}}, {"name": "b", "percent": "40%", "slow": {}}
    alone = hit(proxy(faults=[a], mix="10:error"), "seed", NAMES)
    both = hit(proxy(faults=[b, a], mix="10:error"), "seed", NAMES)
    assert {name for name, faults in both.items() if "a" in faults} == {n for n, f in alone.items() if "a" in f}
    assert {name for name, faults in both.items() if "error" in faults} == {n for n, f in alone.items() if "error" in f}
    assert any({"a", "b"} <= set(faults.split("+")) for faults in both.values())


def test_a_mix_is_exclusive_and_close_to_its_shares() -> None:
    found = Counter(hit(proxy(mix="5:error,10:delay,20:dummy"), "seed", NAMES).values())
    assert found.keys() == {"error", "delay"}
    assert 60 < found["error"] < 140
    assert 150 < found["delay"] < 250


@FEW
@given(share=st.integers(0, 100), more=st.integers(0, 100))
def test_a_share_that_grows_keeps_those_it_had(share: int, more: int) -> None:
    small, large = sorted([share, more])
    grown = hit(proxy(mix=f"{large}:error"), "seed", NAMES[:60])
    assert hit(proxy(mix=f"{small}:error"), "seed", NAMES[:60]).items() <= grown.items()


@FEW
@given(name=st.text(max_size=40), kind=KINDS)
def test_nothing_hits_nobody_and_everything_hits_all(name: str, kind: str) -> None:
    assert hit(proxy(mix=f"0:{kind}"), "seed", [name]) == {}
    assert bool(hit(proxy(mix=f"100:{kind}"), "seed", [name])) == (kind != "dummy")


def test_rules_choose_by_method_path_and_header_and_the_first_that_matches_counts() -> None:
    rules = [
        {"where": {"method": "post"}, "mix": [{"name": "p", "error": {}}]},
        {"where": {"path": "/buy/*", "header": "X-Team: payments"}, "mix": [{"name": "q", "delay": {}}]},
        {"where": {"path": "/buy/*"}, "mix": [{"name": "r", "reset": {}}]},
    ]
    one = proxy(protocol="http", rules=rules, mix=[{"name": "rest", "hang": {}}])
    other = Request(method="GET", path="/buy/7", headers={"x-team": "stock"})
    assert hit(one, "s", ["x"], GET) == {"x": "q"}
    assert hit(one, "s", ["x"], other) == {"x": "r"}
    assert hit(one, "s", ["x"], Request(method="POST", path="/", headers={})) == {"x": "p"}
    assert hit(one, "s", ["x"], Request(method="GET", path="/", headers={})) == {"x": "rest"}


def test_transient_strikes_the_first_that_it_picks() -> None:
    one = proxy(mix=[{"transient": {"first": 3, "by": {"reset": {}}}}])
    assert list(hit(one, "s", list(identities(one, 6)))) == ["1", "2", "3"]


def test_an_outage_comes_and_goes_and_says_when() -> None:
    one = proxy(mix=[{"outage": {"every": "10s", "bad": "2s"}}])
    assert [bool(hit(one, "s", ["x"], age=at)) for at in (0, 1.9, 2, 9.9, 10, 12)] == [1, 1, 0, 0, 1, 0]
    assert [one.next_change(at) for at in (0, 1.9, 2, 9.9, 10)] == [2, 2, 10, 10, 12]


def test_a_ramp_grows_to_its_share_and_never_lets_go() -> None:
    one = proxy(mix=[{"percent": "50%", "ramp": {"over": "100s"}}])
    cohorts = [set(hit(one, "s", NAMES, age=age)) for age in (0, 25, 50, 100, 500)]
    assert all(earlier <= later for earlier, later in itertools.pairwise(cohorts))
    assert not cohorts[0]
    assert 180 < len(cohorts[1]) < 320
    assert (
        cohorts[3] == cohorts[4] == set(hit(proxy(mix=[{"percent": "50%", "name": "ramp", "error": {}}]), "s", NAMES))
    )


def test_a_decision_carries_the_parameters() -> None:
    one = proxy(mix=[{"percent": 50, "delay": {"time": "400ms"}}, {"percent": 50, "error": {"status": 500}}])
    found = {kind_of(act.does): act.does for each in explain(one, "s", NAMES[:50], None, age=0) for act in each.acts}
    assert isinstance(found["delay"], Delay)
    assert found["delay"].time.total_seconds() == 0.4
    assert isinstance(found["error"], Error)
    assert found["error"].status == 500


def test_what_a_request_is_called_is_all_that_counts() -> None:
    one = proxy(mix="50:error")
    decisions = {decide(one, "s", "same", now=at, turn=counting(Counter())).acts for at in range(50)}
    assert len(decisions) == 1

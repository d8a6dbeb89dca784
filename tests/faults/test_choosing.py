"""Which pods are hit: the same ones for the same seed, as many as asked for, and only where asked for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gate.faults.choosing import Choice, choose
from gate.model import Target
from tests.faults.application import step

NODES = ("n1", "n2", "n3")
ZONES = {"n1": "east", "n2": "west", "n3": "east"}


def target(uid: str, node: str = "n1") -> Target:
    return Target(kind="Pod", namespace="default", name=f"pod-{uid}", uid=uid, node=node)


uids = st.sets(st.text("abcdef0123456789", min_size=4, max_size=8), min_size=1, max_size=20)
pods = uids.flatmap(
    lambda names: st.tuples(*(st.builds(target, st.just(uid), st.sampled_from(NODES)) for uid in sorted(names)))
)
choices = st.builds(
    lambda number, place: Choice.model_validate({**number, **place}),
    st.one_of(
        st.just({}),
        st.integers(1, 20).map(lambda count: {"count": count}),
        st.integers(1, 100).map(lambda share: {"percent": f"{share}%"}),
    ),
    st.one_of(
        st.just({}),
        st.sampled_from(NODES).map(lambda node: {"node": node}),
        st.sampled_from(["east", "west", "north"]).map(lambda zone: {"zone": zone}),
    ),
)
STEP = step("pod-kill")


def fitting(choice: Choice, among: tuple[Target, ...]) -> set[Target]:
    return {pod for pod in among if choice.node in {"", pod.node} and choice.zone in {"", ZONES[pod.node]}}


@given(pods, choices, st.text(max_size=5), st.randoms(use_true_random=False))
def test_the_same_seed_and_pods_give_the_same_victims_in_any_order(
    among: tuple[Target, ...], choice: Choice, seed: str, random: Any
) -> None:
    shuffled = random.sample(among, len(among))
    assert choose(choice, STEP, among, seed, ZONES.__getitem__) == choose(
        choice, STEP, shuffled, seed, ZONES.__getitem__
    )


@given(pods, choices, st.text(max_size=5))
def test_there_are_as_many_victims_as_asked_for_or_none_and_all_where_asked_for(
    among: tuple[Target, ...], choice: Choice, seed: str
) -> None:
    victims = choose(choice, STEP, among, seed, ZONES.__getitem__)
    here = fitting(choice, among)
    assert set(victims) <= here
    assert len(set(victims)) == len(victims)
    wanted = choice.of(len(here))
    assert len(victims) == (wanted if wanted <= len(here) else 0)


@given(st.integers(1, 100), st.integers(1, 500))
def test_a_share_is_rounded_down_but_is_at_least_one_pod(percent: int, number: int) -> None:
    assert Choice(percent=f"{percent}%").of(number) == max(1, number * percent // 100)


@given(pods, st.text(max_size=5), st.data())
def test_another_pod_more_moves_no_victim_but_the_one_that_it_displaces(
    among: tuple[Target, ...], seed: str, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(among)))
    choice, newcomer = Choice(count=count), target("newcomer")
    before = choose(choice, STEP, among, seed, ZONES.__getitem__)
    after = choose(choice, STEP, (*among, newcomer), seed, ZONES.__getitem__)
    assert len(set(before) - set(after)) <= 1
    assert [pod for pod in after if pod != newcomer] == before[: len(after) - (newcomer in after)]


def test_different_seeds_hit_different_pods() -> None:
    among = [target(f"{number:04}") for number in range(10)]
    hit = {choose(Choice(), STEP, among, str(seed), ZONES.__getitem__)[0] for seed in range(60)}
    assert len(hit) > 5


def test_a_zone_is_asked_for_only_where_it_matters() -> None:
    def nobody(node: str) -> str:
        raise AssertionError(node)

    assert choose(Choice(count=1), STEP, [target("a")], "seed", nobody)


@pytest.mark.parametrize(
    "settings", [{"count": 1, "percent": "10%"}, {"count": 0}, {"percent": "0%"}, {"percent": 10}, {"nodes": "n1"}]
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Choice.model_validate(settings)

"""Proxies as documents: what is said is read, what is read can be written, and a mistake is told in one line."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.errors import Permanent
from gate.proxy.behaviours import BEHAVIOURS, behaviour, kind_of, written
from gate.proxy.spec import address, document, spec

FEW = settings(max_examples=40)
BASE = {"name": "inventory", "listen": "127.0.0.1:8666", "upstream": "inventory.shop:80"}

TIMES = st.integers(1, 10**6).map(lambda n: f"{n}ms")
SIZES = st.integers(1, 10**9)
STREAMS = st.sampled_from(["up", "down", "both"])
PLAIN = st.one_of(
    st.just({"dummy": {}}),
    st.fixed_dictionaries({"delay": st.fixed_dictionaries({}, optional={"time": TIMES, "stream": STREAMS})}),
    st.fixed_dictionaries(
        {"error": st.fixed_dictionaries({}, optional={"status": st.integers(400, 599), "retryAfter": TIMES})}
    ),
    st.fixed_dictionaries({"reset": st.fixed_dictionaries({}, optional={"after": TIMES})}),
    st.fixed_dictionaries({"hang": st.fixed_dictionaries({}, optional={"end": TIMES})}),
    st.fixed_dictionaries({"slow": st.fixed_dictionaries({}, optional={"rate": SIZES, "stream": STREAMS})}),
    st.fixed_dictionaries({"drip": st.fixed_dictionaries({}, optional={"size": SIZES, "every": TIMES})}),
    st.fixed_dictionaries({"truncate": st.fixed_dictionaries({}, optional={"after": st.integers(0, 10**9)})}),
)
ANY = PLAIN | st.builds(lambda by, first: {"transient": {"first": first, "by": by}}, PLAIN, SIZES)


@FEW
@given(ANY)
def test_a_behaviour_that_is_written_is_read_again(given_one: dict[str, Any]) -> None:
    read = behaviour(given_one, "x")
    assert behaviour(written(read), "x") == read


@pytest.mark.parametrize("kind", BEHAVIOURS)
def test_every_behaviour_has_defaults_and_says_what_the_client_sees(kind: str) -> None:
    assert kind_of(behaviour(kind, "x")) == kind
    assert (BEHAVIOURS[kind].__doc__ or "").strip().endswith(".")


@FEW
@given(st.lists(st.tuples(ANY, st.integers(0, 25)), max_size=4), st.booleans())
def test_a_proxy_that_is_written_is_read_again(faults: list[tuple[dict[str, Any], int]], http: bool) -> None:
    listed = [{"name": f"f{n}", "percent": share, "ttl": "9s", **one} for n, (one, share) in enumerate(faults)]
    more: dict[str, Any] = (
        {"protocol": "http", "rules": [{"where": {"method": "GET"}, "mix": "1:error"}]} if http else {}
    )
    read = spec({**BASE, **more, "mix": listed[:2], "faults": listed[2:]}, "proxy")
    assert spec(document(read), "proxy") == read


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"listen": "8666"}, "listen: '8666' is not an address; write it like 127.0.0.1:8666"),
        ({"listen": "127.0.0.1:70000"}, "listen: '127.0.0.1:70000' is not an address"),
        ({"upstream": "127.0.0.1:8666"}, "is both where it listens and where it leads; name the real upstream"),
        ({"upstream": "127.0.0.1:0"}, "upstream 127.0.0.1:0 has no port"),
        ({"protocol": "https"}, 'protocol: "https" is not one of tcp, http; did you mean http?'),
        ({"enabled": "yes"}, "enabled: 'yes' is not"),
        ({"colour": "red"}, 'colour: "colour" is not one of name, listen'),
        ({"name": "a/b"}, "'a/b' is not a name"),
        ({"mix": "60:error,50:delay"}, "mix: the shares of a mix are 110% together; they may be 100% at most"),
        ({"mix": "101:error"}, "mix[0].percent: '101.000000%' is more than 100%"),
        ({"mix": "5:eror"}, 'mix: "eror" is not one of dummy, delay, error'),
        ({"mix": "5-error"}, "mix: '5-error' is not a share; write it like 5:error"),
        ({"mix": [{"percent": "-5%", "error": {}}]}, "mix[0].percent: '-5%' is not a percentage; write it like 1%"),
        ({"mix": [{"delay": {"time": "-5s"}}]}, "mix[0].delay.time: '-5s' is not a duration"),
        ({"mix": [{"delay": {"tme": "5s"}}]}, 'mix[0].delay.tme: "tme" is not one of time, jitter, per, stream'),
        ({"mix": [{"error": {"status": 200}}]}, "mix[0].error.status: 200 is not from 400 to 599"),
        ({"mix": [{"error": {"status": True}}]}, "mix[0].error.status: True is not a whole number"),
        ({"mix": [{"error": {}, "delay": {}}]}, "mix[0]: says error, delay; it has to be exactly one"),
        ({"mix": [{"percent": "5%"}]}, "mix[0]: says no behaviour; it has to be exactly one"),
        ({"mix": [{"outage": {"every": "1s", "bad": "2s"}}]}, "mix[0].outage: bad, 2s, has to be more than nothing"),
        ({"mix": [{"ramp": {"by": {"ramp": {}}}}]}, "mix[0].ramp.by: ramp cannot stand within another behaviour"),
        ({"mix": "50:refuse"}, "mix: refuse is for all connections or for none: give it 100%"),
        ({"mix": [{"error": {}, "lease": {"owner": "x"}}]}, "mix[0].lease.time: is missing"),
        ({"mix": 5}, "mix: 5 is neither a list nor words like 5:error,10:delay"),
        ({"mix": "5:delay,5:delay"}, 'two faults are called "delay"; give each a name of its own'),
        ({"rules": [{"where": {"method": "GET"}, "mix": "5:error"}]}, "a rule with where needs protocol: http"),
        ({"rules": [{"were": {}, "mix": ""}]}, "rules[0]: a rule says mix, and where"),
        ({"faults": {}}, "faults: {} is not a list"),
    ],
)
def test_a_mistake_is_one_line_that_names_place_and_remedy(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Permanent) as error:
        spec({**BASE, **change}, "proxy")
    assert message in str(error.value)
    assert str(error.value).startswith("proxy")
    assert "\n" not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*BEHAVIOURS, "mix", "percent", "by", "time", "name"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@FEW
@given(st.dictionaries(st.sampled_from(["listen", "upstream", "mix", "rules", "faults", "protocol", "name"]), JSON))
def test_whatever_json_comes_is_a_proxy_or_a_mistake(change: dict[str, Any]) -> None:
    try:
        read = spec({**BASE, **change}, "proxy")
    except Permanent:
        return
    assert spec(document(read), "proxy") == read


@FEW
@given(st.text(max_size=30))
def test_whatever_text_comes_is_an_address_or_a_mistake(text: str) -> None:
    try:
        read = address(text, "listen")
    except Permanent:
        return
    assert address(str(read), "listen") == read

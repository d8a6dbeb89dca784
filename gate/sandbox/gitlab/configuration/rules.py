"""The rules of a job in `.gitlab-ci.yml`: the first whose condition holds says whether and how the job runs. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gate.sandbox.gitlab.configuration.keywords import BadConfig, known, one_of, truth

Variables = Mapping[str, str]
Condition = Callable[[Variables], bool]

WHEN = ("on_success", "on_failure", "always", "manual", "never")

_TOKEN = re.compile(
    r"""\s*(?: (?P<op>\|\||&&|==|!=|=~|!~|\(|\)) | \$(?P<variable>\w+) | "(?P<double>[^"]*)" | '(?P<single>[^']*)'
    | /(?P<regex>(?:[^/\\]|\\.)*)/(?P<flags>[ims]*) | (?P<null>null)\b )""",
    re.VERBOSE,
)
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. Without a condition it always holds."""

    condition: Condition | None
    when: str
    allow_failure: bool | None


def read(value: Any, where: str) -> tuple[Rule, ...]:
    """Raises `BadConfig`."""
    if not isinstance(value, list):
        raise BadConfig(f"{where}:rules config should be an array")
    return tuple(_rule(each, f"{where}:rules:rule") for each in value)


def _rule(value: Any, where: str) -> Rule:
    known(value, {"if", "when", "allow_failure"}, where)
    when = one_of(value.get("when", "on_success"), WHEN, f"{where} when")
    allow = value.get("allow_failure")
    return Rule(
        condition=_Reader(str(value["if"]), where).condition() if "if" in value else None,
        when=when,
        allow_failure=None if allow is None else truth(allow, f"{where} allow_failure"),
    )


def first_that_holds(rules: tuple[Rule, ...], variables: Variables) -> Rule | None:
    """The rule that decides; None: the job is not in this pipeline."""
    rule = next((each for each in rules if each.condition is None or each.condition(variables)), None)
    return None if rule is None or rule.when == "never" else rule


class _Reader:
    """Reads one condition, by recursive descent: `||` binds less than `&&`, and that less than a comparison."""

    def __init__(self, text: str, where: str) -> None:
        self._complaint = f"{where} if: invalid expression syntax"
        self._tokens: list[re.Match[str]] = []
        at = 0
        while text[at:].strip():
            token = _TOKEN.match(text, at)
            if token is None:
                raise BadConfig(self._complaint)
            self._tokens.append(token)
            at = token.end()

    def condition(self) -> Condition:
        """The whole of it. Raises `BadConfig`."""
        whole = self._any()
        if self._tokens:
            raise BadConfig(self._complaint)
        return whole

    def _any(self) -> Condition:
        left = self._all()
        while self._next("||"):
            left = _either(left, self._all())
        return left

    def _all(self) -> Condition:
        left = self._one()
        while self._next("&&"):
            left = _both(left, self._one())
        return left

    def _one(self) -> Condition:
        if self._next("("):
            inner = self._any()
            if not self._next(")"):
                raise BadConfig(self._complaint)
            return inner
        left = self._value()
        for sign, compare in _COMPARISONS.items():
            if self._next(sign):
                return _compared(left, self._value(), compare)
        return lambda variables: bool(left(variables))

    def _value(self) -> Callable[[Variables], Any]:
        if not self._tokens or self._tokens[0]["op"]:
            raise BadConfig(self._complaint)
        token = self._tokens.pop(0)
        if (name := token["variable"]) is not None:
            return lambda variables: variables.get(name)
        if (regex := token["regex"]) is not None:
            flags = re.NOFLAG
            for flag in token["flags"]:
                flags |= _FLAGS[flag]
            pattern = re.compile(regex, flags)
            return lambda _: pattern
        text = None if token["null"] else token["double"] if token["double"] is not None else token["single"]
        return lambda _: text

    def _next(self, sign: str) -> bool:
        if self._tokens and self._tokens[0]["op"] == sign:
            self._tokens.pop(0)
            return True
        return False


def _either(left: Condition, right: Condition) -> Condition:
    return lambda variables: left(variables) or right(variables)


def _both(left: Condition, right: Condition) -> Condition:
    return lambda variables: left(variables) and right(variables)


def _compared(
    left: Callable[[Variables], Any], right: Callable[[Variables], Any], compare: Callable[[Any, Any], bool]
) -> Condition:
    return lambda variables: compare(left(variables), right(variables))


def _matches(text: Any, pattern: Any) -> bool:
    return text is not None and isinstance(pattern, re.Pattern) and pattern.search(text) is not None


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "=~": _matches,
    "!~": lambda left, right: not _matches(left, right),
}

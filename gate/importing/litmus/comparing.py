"""What a Litmus comparator asks of an answer, as an `expect` of ours; or in one clause why it cannot be asked."""

import re
from typing import Any

from gate.importing.account import Part

Criterion = dict[str, Any] | str
TEXT = {"contains": "{}", "equal": "^{}$", "equals": "^{}$", "==": "^{}$"}


def of_text(comparator: Part) -> Criterion:
    """For `type: string`; a regular expression says it."""
    criteria, value = comparator["criteria"].text, comparator["value"].text
    if criteria in TEXT:
        pattern = TEXT[criteria].format(re.escape(value))
    elif criteria == "matches":
        pattern = value
    elif criteria.lower() == "oneof":
        pattern = f"^({'|'.join(re.escape(each.strip()) for each in value.strip('[]').split(','))})$"
    else:
        return f'what an answer may not be ("{criteria}") cannot be said; say what it must be'
    _kept(comparator, f"expect: output {pattern}")
    return {"output": pattern}


def of_number(comparator: Part) -> Criterion:
    """For `type: int` and `float`."""
    criteria, written = comparator["criteria"].text, comparator["value"].text
    numbers = [float(each) for each in re.findall(r"-?[0-9]+(?:\.[0-9]+)?", written)]
    if not numbers:
        return f'"{written}" is no number'
    number = int(numbers[0]) if numbers[0].is_integer() else numbers[0]
    exactly: dict[str, dict[str, Any]] = {
        "==": {"equals": number},
        ">=": {"atLeast": number},
        "<=": {"atMost": number},
    }
    if criteria in exactly:
        _kept(comparator, f"expect: {exactly[criteria]}")
        return exactly[criteria]
    if criteria == "between" and len(numbers) == 2:
        between = {"atLeast": min(numbers), "atMost": max(numbers)}
        _kept(comparator, f"expect: {between}")
        return between
    return _beyond(comparator, criteria, number)


def _beyond(comparator: Part, criteria: str, number: float) -> Criterion:
    """`>` and `<`: of whole numbers the next one; of others the bound itself is good here."""
    if criteria not in {">", "<"}:
        return f'"{criteria}" of a number cannot be said; say equals, atLeast or atMost'
    step = 1 if comparator["type"].text == "int" and isinstance(number, int) else 0
    bound = {"atLeast": number + step} if criteria == ">" else {"atMost": number - step}
    if step:
        _kept(comparator, f"expect: {bound}")
    else:
        comparator["criteria"].differs(f"expect: {bound}: the bound itself is good, too")
        _kept(comparator, f"expect: {bound}")
    return bound


def _kept(comparator: Part, why: str) -> None:
    for key in ("criteria", "value", "type"):
        comparator[key].kept(why)

"""Label selectors of Kubernetes: does an object with these labels match? Pure."""

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]


def selects(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """A selector as objects hold it. None selects nothing, an empty one everything.

    An operator that nobody knows selects: who asks wants to know what may be meant.
    """
    if selector is None:
        return False
    wanted = (selector.get("matchLabels") or {}).items()
    expressions = selector.get("matchExpressions") or ()
    return wanted <= labels.items() and all(_holds(each, labels) for each in expressions)


def from_text(text: str) -> dict[str, str]:
    """`app=web,tier=front` as labels; a part without a value or with `!=` is left out, to select more."""
    pairs = (part.partition("=") for part in text.split(","))
    return {key.strip(): value.lstrip("=").strip() for key, _, value in pairs if value and not key.endswith("!")}


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, values = expression.get("key", ""), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return True

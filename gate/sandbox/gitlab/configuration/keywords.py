"""The forms that values in a `.gitlab-ci.yml` may have, each with GitLab's complaint where one has another. Pure."""

from collections.abc import Collection
from typing import Any


class BadConfig(ValueError):
    """The file cannot be run; the text is what GitLab would show in place of a pipeline."""


def known(value: Any, keys: Collection[str], where: str) -> None:
    """A mapping with no other keys than these. Raises `BadConfig`."""
    if not isinstance(value, dict):
        raise BadConfig(f"{where} config should be a hash")
    if strange := sorted(str(key) for key in set(value) - set(keys)):
        raise BadConfig(
            f"{where} config contains unknown keys: {', '.join(strange)} (the sandbox knows {sorted(keys)})"
        )


def texts(value: Any, where: str) -> tuple[str, ...]:
    """One string or several. Raises `BadConfig`."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise BadConfig(f"{where} config should be a string or an array of strings")
    return tuple(items)


def text(value: Any, where: str) -> str:
    """One string. Raises `BadConfig`."""
    if not isinstance(value, str):
        raise BadConfig(f"{where} config should be a string")
    return value


def truth(value: Any, where: str) -> bool:
    """Yes or no. Raises `BadConfig`."""
    if not isinstance(value, bool):
        raise BadConfig(f"{where} should be a boolean value")
    return value


def one_of(value: Any, choices: Collection[str], where: str) -> str:
    """One of these words. Raises `BadConfig`."""
    if value not in choices:
        raise BadConfig(f"{where} should be one of {', '.join(choices)}")
    return str(value)


def variables(value: Any, where: str) -> dict[str, str]:
    """Names with values. Raises `BadConfig`."""
    if not isinstance(value, dict) or not all(isinstance(item, str | int) for item in value.values()):
        raise BadConfig(f"{where} variables config should be a hash of key value pairs")
    return {str(key): str(item) for key, item in value.items()}

"""What an experiment says once and refers to by `${name}`: its configuration, as far as the file has the values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.importing.account import Part

REFERENCE = re.compile(r"\$\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Configuration:
    """By name; secrets are in none."""

    values: Mapping[str, Any]

    @staticmethod
    def of(root: Part) -> "Configuration":
        """A value that an environment variable has is known only by its default."""
        values: dict[str, Any] = {}
        written = root["configuration"].value
        for name in written if isinstance(written, dict) else ():
            part = root["configuration"][name]
            if not isinstance(part.value, dict):
                part.kept("filled in where it is used")
                values[name] = part.value
            elif part["default"]:
                part.differs(f"its default, {part['default'].text}; there are no variables of an environment here")
                values[name] = part["default"].value
            else:
                part.left_out("its value is not in the file; what refers to it is left out, too")
        return Configuration(values)

    def filled(self, value: Any) -> Any:
        """The value with every reference that is known filled in; one that is all of a text keeps its type."""
        if isinstance(value, dict):
            return {key: self.filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        if not isinstance(value, str):
            return value
        whole = REFERENCE.fullmatch(value)
        if whole and whole[1].strip() in self.values:
            return self.values[whole[1].strip()]
        return REFERENCE.sub(lambda found: str(self.values.get(found[1].strip(), found[0])), value)


def open_reference(value: Any) -> str:
    """The first name that nobody fills in; empty if there is none."""
    if isinstance(value, dict):
        return next((name for inner in value.values() if (name := open_reference(inner))), "")
    if isinstance(value, list):
        return next((name for inner in value if (name := open_reference(inner))), "")
    found = REFERENCE.search(value) if isinstance(value, str) else None
    return found[1].strip() if found else ""

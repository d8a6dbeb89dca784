"""Variables that authors give to containers of their own."""

import re

FACTS = "CHAOS_GATE_"
"""How the names of our own variables begin."""


def own_variables(given: dict[str, str]) -> dict[str, str]:
    """Raises `ValueError` for a name that cannot be one, or is ours."""
    for name in given:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError(f'"{name}" cannot be the name of a variable')
        if name.startswith(FACTS):
            raise ValueError(f'"{name}": what begins with {FACTS} is set by the gate')
    return given

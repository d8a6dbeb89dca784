"""The kubectls that the tests ask with: the machine's, and the one that was built with the control plane."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.control_plane import build


def here() -> dict[str, Path | str | None]:
    """Both by their names, and where they are on this machine."""
    return {"machine's": shutil.which("kubectl"), "built": build.program("kubectl")}


def each() -> list[Any]:
    """Their names as parameters. `make test` asks with the first one that is here; the others carry `thorough`."""
    names = sorted(here(), key=lambda name: here()[name] is None)
    return [pytest.param(name, marks=pytest.mark.thorough if number else ()) for number, name in enumerate(names)]


def program(name: str) -> str:
    """Where that one is; skips the test where it is not."""
    found = here()[name]
    if found is None:
        pytest.skip(f"there is no {name} kubectl here; `make control-plane` builds one")
    return str(found)

"""The Litmus files in the shared reference folder, read in place where they are."""

import os
from pathlib import Path

import pytest

REFERENCE = Path(os.environ.get("CHAOS_GATE_REFERENCE") or Path(__file__).parents[3] / "shared" / "reference")
FOLDER = REFERENCE / "litmus-samples"
REASON = "the reference folder with the samples of Litmus is not here"


def _parameters(files: list[Path]) -> list[object]:
    """One for each file; where there are none, one that is skipped and says so."""
    return [pytest.param(file, id=file.stem) for file in files] or [
        pytest.param(FOLDER, marks=pytest.mark.skip(reason=REASON))
    ]


def samples() -> list[object]:
    """Those that Litmus 3 takes."""
    return _parameters(sorted(FOLDER.glob("*.yaml")))


def legacy() -> list[object]:
    """Those that are written as Litmus 1 and 2 wanted them."""
    return _parameters(sorted((FOLDER / "legacy-docs").glob("*.yaml")))

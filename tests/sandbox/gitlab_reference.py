"""The GitLab contract in the shared reference folder, read in place where it is."""

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("CHAOS_GATE_REFERENCE") or Path(__file__).parents[3] / "shared" / "reference")
CONTRACT = FOLDER / "gitlab" / "contract"


def transitions() -> list[dict[str, Any]]:
    """The pairs of states; none where the folder is missing."""
    path = CONTRACT / "commit_status_transitions.json"
    return list(json.loads(path.read_text())["table"]) if path.exists() else []

"""The GitLab contract in the shared reference folder, read in place where it is."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("CHAOS_GATE_REFERENCE") or Path(__file__).parents[3] / "shared" / "reference") / "gitlab"
CONTRACT = FOLDER / "contract"

needs_contract = pytest.mark.skipif(
    not CONTRACT.exists(), reason="the reference folder with the GitLab contract is not here"
)
needs_samples = pytest.mark.skipif(not FOLDER.exists(), reason="the reference folder with GitLab's JSON is not here")


def transitions() -> list[dict[str, Any]]:
    """The pairs of states; none where the folder is missing."""
    return list(_read("commit_status_transitions.json", {"table": []})["table"])


def cases() -> list[dict[str, Any]]:
    """The cases of commit statuses; none where the folder is missing."""
    return list(_read("commit_status_cases.json", []))


def signatures() -> dict[str, Any]:
    """Examples of signed webhooks; none where the folder is missing."""
    return dict(_read("webhook_signature.vectors.json", {}))


def sample(name: str) -> Any:
    """One JSON file of the reference folder."""
    return json.loads((FOLDER / name).read_text())


def _read(name: str, otherwise: Any) -> Any:
    path = CONTRACT / name
    return json.loads(path.read_text()) if path.exists() else otherwise

"""Evidence files of simulated runs, and ways to spoil them."""

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from gate.model import Run
from gate.reports.evidence import EvidenceFile, EvidenceFolder
from tests.running.simulation import SPEC, START, Stage

Lines = list[dict[str, Any]]
RUN = Run(namespace="shop", name="checkout-run", uid="0123456789abcdef", created=START, spec=SPEC)
KEEP = timedelta(days=30)


def record(folder: Path) -> EvidenceFile:
    """Of one more execution of the run."""
    return EvidenceFolder(folder, KEEP, lambda: START).of(RUN)


def played(folder: Path, stage: Stage | None = None) -> Path:
    """The file of a run from its beginning to its end."""
    stage = stage or Stage()
    stage.record = record(folder)
    stage.execute()
    stage.record.close()
    (file,) = folder.glob("shop/*.jsonl.gz")
    return file


def lines(file: Path) -> Lines:
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def written(file: Path, lines: Sequence[dict[str, Any]]) -> Path:
    """The lines as they are, whether they fit together or not."""
    file.write_bytes(gzip.compress(b"".join(_encode(line) for line in lines)))
    return file


def rechained(lines: Lines, change: Callable[[dict[str, Any]], None]) -> Lines:
    """The lines after a change, with hashes that fit, as somebody would make them who knows how."""
    before, whole, made = "", hashlib.sha256(), []
    for number, line in enumerate(lines):
        if line["kind"] == "end":
            line["content"] = {"lines": number, "whole": whole.hexdigest()}
        else:
            change(line)
        line["before"] = before
        whole.update(_encode(line))
        before = hashlib.sha256(_encode(line)).hexdigest()
        made.append(line)
    return made


def _encode(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def of(kind: str, lines: Lines) -> Lines:
    """What the lines of a kind say."""
    return [line["content"] for line in lines if line["kind"] == kind]

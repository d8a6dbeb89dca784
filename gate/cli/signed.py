"""Signed verdicts as `chaos-gate report verify` shows them: whether they are true, what they say, and of what."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.errors import GateError

if TYPE_CHECKING:
    from gate.reports.signed_verdict import SignedVerdict


def is_signed(file: Path) -> bool:
    """Evidence is compressed, and begins otherwise."""
    try:
        with file.open("rb") as opened:
            return opened.read(1) == b"{"
    except OSError as error:
        raise GateError(f"{file} cannot be read: {error.strerror}") from error


def verified(
    file: Path, key: Path | None, digests: Sequence[str], evidence: Sequence[Path]
) -> "tuple[list[SignedVerdict], list[str]]":
    """What each envelope of the file says, and what is wrong with it or with what it was compared with.

    Raises `GateError` for what cannot be read.
    """
    from gate.reports.envelope import Untrue, public_key
    from gate.reports.signed_verdict import read

    if key is None:
        raise click.UsageError("a signed verdict is checked with the public key of the gate; give --key FILE")
    if file.stat().st_size > LARGEST:
        raise GateError(f"{file} has more than {LARGEST} bytes; it is no file of signed verdicts")
    public, said, problems = public_key(key), [], []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            verdict = read(line, public)
        except Untrue as error:
            problems.append(f"line {number}: {error}")
        except GateError as error:
            raise GateError(f"{file}: line {number}: {error}") from error
        else:
            said.append(verdict)
            problems += _differences(verdict, digests, evidence)
    return said, problems


LARGEST = 16 * 1024 * 1024
"""Bytes."""


def as_json(verdicts: "Sequence[SignedVerdict]", problems: Sequence[str], now: datetime) -> str:
    """The same for programs."""
    from gate.reports.signed_verdict import VERDICT

    said = [VERDICT.write(each) | {"stands": _stands(each, now)} for each in verdicts]
    return json.dumps({"verdicts": said, "problems": list(problems)}, indent=2)


def in_words(verdicts: "Sequence[SignedVerdict]", problems: Sequence[str], now: datetime) -> Iterator[str]:
    """The same for people."""
    for each in verdicts:
        yield f"{each.workload.name}, version {each.version}"
        yield from (f"  {image.container}: {image.digest}" for image in each.images)
        reason = f" {each.reason}" if each.reason else ""
        yield f"  {each.verdict or 'not judged'}{reason}{f': {each.message}' if each.message else ''}"
        if each.at:
            yield f"  judged at {each.at:%Y-%m-%d %H:%M:%S} UTC, with the catalogue at {each.revision or 'no revision'}"
        for run in each.runs:
            yield f"  {run.verdict} {run.workflow} {run.document}, run {run.run}, evidence {run.evidence}"
        if stands := _stands(each, now):
            yield f"  OVERRIDDEN: {stands}"
    yield from (f"not as it should be: {problem}" for problem in problems)
    if not problems:
        yield "the gate has signed it"


def _stands(verdict: "SignedVerdict", now: datetime) -> str:
    from gate.tracking import overrides

    standing = overrides.standing(verdict.overrides, verdict.version, now)
    return overrides.in_words(standing) if standing else ""


def _differences(verdict: "SignedVerdict", digests: Sequence[str], evidence: Sequence[Path]) -> Iterator[str]:
    from gate.reports.verification import verify

    known = {image.digest for image in verdict.images}
    for digest in digests:
        if digest not in known:
            yield f"it is about {', '.join(sorted(known))}, not about {digest}"
    for file in evidence:
        seen = verify(file)
        if not seen.same:
            yield f"{file} is not as it should be: {'; '.join(seen.problems)}"
        elif seen.evidence not in {run.evidence for run in verdict.runs}:
            yield f"{file} is not the evidence that it was made from: {seen.run} has another hash, {seen.evidence}"

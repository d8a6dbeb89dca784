"""May these images run in production? Asked of signed verdicts, and of nothing else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gate.errors import GateError
from gate.model import ContainerImage, GateOverride, Verdict, Version, WorkloadName
from gate.quantities import in_words as in_figures
from gate.reports.signed_verdict import SignedVerdict, claimed, read
from gate.tracking.overrides import in_words, standing

DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")
LARGEST = 16 * 1024 * 1024
"""Bytes of a file."""
WAYS = "deploy one that has passed, or have it overridden (chaos-gate override) and bring the verdict that says so"
MOST_NAMED = 3
"""How much of what cannot be read is named in a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Whether the images may run, and why, with the remedy where they may not."""

    allowed: bool
    why: str
    overridden: bool = False
    """It has not passed, and people let it through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What may be a verdict, and cannot be used as one."""

    where: str
    why: str
    about: frozenset[ContainerImage] = frozenset()
    """The images that it says it is about, though nobody can be believed to have signed it; empty: any."""

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The signed verdicts in a folder, and what there is none in."""

    verdicts: Sequence[SignedVerdict]
    problems: Sequence[Unread] = ()


def found(folder: Path, key: Ed25519PublicKey) -> Found:
    """What is in the files of a folder now, a verdict in each line. Hidden ones are left out: a mounted ConfigMap has
    its older self among them. Raises `GateError` if the folder cannot be read.
    """
    verdicts: list[SignedVerdict] = []
    problems: list[Unread] = []
    try:
        files = sorted(each for each in folder.iterdir() if not each.name.startswith(".") and each.is_file())
    except OSError as error:
        raise GateError(f"the folder {folder} of the signed verdicts cannot be read: {error.strerror}") from error
    for file in files:
        try:
            lines = _lines(file)
        except OSError as error:
            problems.append(Unread(where=file.name, why=error.strerror or str(error)))
        except GateError as error:
            problems.append(Unread(where=file.name, why=str(error)))
        else:
            for number, line in lines:
                try:
                    verdicts.append(read(line, key))
                except GateError as error:
                    problems.append(Unread(where=f"{file.name}:{number}", why=str(error), about=claimed(line)))
    return Found(verdicts=verdicts, problems=problems)


def _lines(file: Path) -> list[tuple[int, bytes]]:
    if file.stat().st_size > LARGEST:
        raise GateError(f"it has more than {LARGEST} bytes")
    return [(number, line) for number, line in enumerate(file.read_bytes().splitlines(), 1) if line.strip()]


def rule(images: Mapping[str, str], known: Found, now: datetime, max_age: timedelta | None = None) -> Ruling:
    """Whether the images (container -> reference) may run. Several workloads may be of exactly this version; of each
    the newest verdict has to be PASSED, or an override to stand. A pass that is older than `max_age` is none. Nor is
    one while there is something that cannot be read and may be a newer failure.
    """
    digests = {name: DIGEST.search(image) for name, image in images.items()}
    if nameless := sorted(name for name, digest in digests.items() if digest is None):
        where = ", ".join(f"{name} ({images[name]})" for name in nameless)
        return Ruling(allowed=False, why=f"{where} is named without a digest; deploy what was judged, NAME@sha256:…")
    version = Version(images=tuple(ContainerImage(name, digest[1]) for name, digest in digests.items() if digest))
    about = [each for each in known.verdicts if each.version == version.key]
    if not about:
        return Ruling(allowed=False, why=f"there is no signed verdict about version {version.key}; {_remedy(known)}")
    by_workload: dict[WorkloadName, list[SignedVerdict]] = {}
    for each in about:
        by_workload.setdefault(each.workload.name, []).append(each)
    rulings = [
        _of_workload(said, now) for said in by_workload.values() if max_age is None or not _is_old(said, now, max_age)
    ]
    if not rulings:
        why = f"version {version.key} has passed, but longer than {in_figures(max_age or timedelta())} ago (--max-age)"
        return Ruling(allowed=False, why=f"{why}; have it judged once more, and bring its new verdict")
    ruling = min(rulings, key=lambda each: (each.allowed, not each.overridden))
    doubts = [each for each in known.problems if not each.about or each.about == frozenset(version.images)]
    if doubts and ruling.allowed and not ruling.overridden:
        why = f"{ruling.why}, but a newer verdict may stand in what cannot be read: {doubts[0]}"
        return Ruling(allowed=False, why=f"{why}; bring that file once more, or take it away, then deploy again")
    return ruling


def _newest(said: Sequence[SignedVerdict]) -> SignedVerdict:
    return max(said, key=_judged)


def _judged(said: SignedVerdict) -> datetime:
    return said.at or datetime.min.replace(tzinfo=UTC)


def _is_old(said: Sequence[SignedVerdict], now: datetime, max_age: timedelta) -> bool:
    newest = _newest(said)
    return newest.verdict is Verdict.PASSED and now - _judged(newest) > max_age


def _of_workload(said: Sequence[SignedVerdict], now: datetime) -> Ruling:
    """By what was said of one version as this workload runs it."""
    newest = _newest(said)
    if newest.verdict is Verdict.PASSED:
        return Ruling(allowed=True, why=f"version {newest.version} has passed")
    if override := standing(_last_words(said), newest.version, now):
        why = f"version {newest.version} is {in_words(override)}; it is {_verdict(newest)}"
        return Ruling(allowed=True, why=why, overridden=True)
    return Ruling(allowed=False, why=f"version {newest.version} is {_verdict(newest)}; {WAYS}")


def _last_words(said: Sequence[SignedVerdict]) -> Sequence[GateOverride]:
    """A gate adds each word to the end of its list: one that is followed by another in any of the lists is over, also
    if that one bears an earlier time, or the same.
    """
    followed = {each for one in said for each in one.overrides[:-1]}
    last = {one.overrides[-1] for one in said if one.overrides}
    return sorted(last - followed, key=lambda each: each.at)


def _verdict(said: SignedVerdict) -> str:
    if said.verdict is None:
        return "not judged"
    reason = f" ({said.reason})" if said.reason else ""
    return f"{said.verdict}{reason} with {said.workload.name}{f': {said.message}' if said.message else ''}"


def _remedy(known: Found) -> str:
    remedy = "bring the file that chaos-gate wait --verdict has left, then deploy again"
    if not known.problems:
        return remedy
    first = "; ".join(map(str, known.problems[:MOST_NAMED]))
    return f"{remedy}. What cannot be read ({len(known.problems)}): {first}"

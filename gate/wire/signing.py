"""Signs the verdicts of gates: for those who ask, and into files beside the evidence."""

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gate.config import Secret, Settings
from gate.errors import GateError
from gate.model import Gate
from gate.reports import signed_verdict
from gate.reports.envelope import key_id, private_key
from gate.reports.signed_verdict import SignedVerdict
from gate.tracking.overrides import in_question

log = logging.getLogger(__name__)

SUFFIX = ".verdict.json"


REMEMBERED = 5000
"""Gates of which it is known what is in their files. Beyond that all are looked at once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """What the files of a gate say, and by which key."""

    uid: str
    key: str
    verdicts: tuple[SignedVerdict, ...]


class Signing:
    """The key is read at each use, so that it can be rotated."""

    def __init__(self, key: Secret, folder: Path, keep: timedelta, now: Callable[[], datetime]) -> None:
        """Raises `GateError` if there is no key. Files of versions that a gate has forgotten go when they are older
        than `keep` and another one is written.
        """
        private_key(key(), str(key.file))
        self._key, self._folder, self._keep, self._now = key, folder, keep, now
        self._filed: dict[tuple[str, str], Filed] = {}

    def signed(self, gate: Gate, version: str) -> str | None:
        """The envelope of what there is to be said of a version; None if that is nothing. Raises `GateError`."""
        verdict = signed_verdict.verdict_of(gate, version)
        return signed_verdict.sign(verdict, private_key(self._key(), str(self._key.file))) if verdict else None

    def offered(self, gate: Gate, version: str) -> str | None:
        """The same for those who can do without: what cannot be signed just now is logged, and the answer goes on."""
        try:
            return self.signed(gate, version)
        except GateError as error:
            log.warning("verdict.unsigned workload=%s version=%s why=%r", gate.workload.name, version, str(error))
            return None

    def file(self, gate: Gate) -> None:
        """See to it that each version that the gate remembers has its file. Only what says something else than the last
        time is signed and looked at. What does not work is logged: no verdict depends on it, and the next comparison
        tries again.
        """
        status = gate.status
        versions = dict.fromkeys(filter(None, (in_question(status), *(each.version for each in status.judged))))
        verdicts = tuple(said for version in versions if (said := signed_verdict.verdict_of(gate, version)))
        try:
            key = private_key(self._key(), str(self._key.file))
            filed = Filed(uid=gate.uid, key=key_id(key.public_key()), verdicts=verdicts)
            if self._filed.get((gate.namespace, gate.name)) == filed:
                return
            folder = self._folder / gate.namespace
            for said in verdicts:
                envelope = f"{signed_verdict.sign(said, key)}\n"
                self._write(folder, f"{gate.name}.{said.version}{SUFFIX}", envelope.encode())
            self._clear(folder, gate, versions)
        except (OSError, GateError) as error:
            log.error("verdict.unwritten workload=%s why=%r", gate.workload.name, str(error))  # noqa: TRY400 - it says it
            return
        if len(self._filed) >= REMEMBERED:
            self._filed.clear()
        self._filed[gate.namespace, gate.name] = filed

    def _write(self, folder: Path, name: str, content: bytes) -> None:
        """Whole, or not at all; and not again if it is there."""
        file = folder / name
        with suppress(FileNotFoundError):
            if file.read_bytes() == content:
                return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = folder / f"{name}.part"
        part.write_bytes(content)
        part.rename(file)

    def _clear(self, folder: Path, gate: Gate, remembered: Collection[str]) -> None:
        oldest = (self._now() - self._keep).timestamp()
        for file in folder.glob(f"{gate.name}.*{SUFFIX}"):
            version = file.name.removeprefix(f"{gate.name}.").removesuffix(SUFFIX)
            if version in remembered or "." in version:  # with a point it is of a gate whose name goes on
                continue
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < oldest:
                    file.unlink()


def signing_of(settings: Settings, now: Callable[[], datetime]) -> Signing | None:
    """None where verdicts are not signed."""
    if settings.signing_key is None:
        return None
    return Signing(settings.signing_key, settings.evidence, settings.keep_evidence, now)

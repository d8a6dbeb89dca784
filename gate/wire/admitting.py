"""The admission webhook as a process: signed verdicts from a folder, over TLS whose files may change."""

import logging
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from gate.errors import GateError
from gate.reports.admitting import Ruling, found, rule
from gate.reports.envelope import public_key
from gate.web.admission import create_admission
from gate.web.server import Server
from gate.web.tls import Certificate

log = logging.getLogger(__name__)

LARGEST = 8 * 1024 * 1024
"""Bytes of a question: two objects, each as large as the API server takes them."""
THREADS = 16


def admission(
    verdicts: Path,
    key: Path,
    certificate: Path,
    private: Path,
    listen: tuple[str, int],
    now: Callable[[], datetime],
    max_age: timedelta | None = None,
) -> Server:
    """The webhook, not started yet. A pass that is older than `max_age` does not count. Raises `GateError` if one of
    the files is not there, or is none.
    """
    public_key(key)
    found(verdicts, public_key(key))
    try:
        tls = Certificate(certificate, private)
    except (OSError, ssl.SSLError) as error:
        raise GateError(f"{certificate} and {private} are no certificate with its key in PEM: {error}") from error

    def rules(images: Mapping[str, str]) -> Ruling:
        """Whoever cannot know says no."""
        try:
            ruling = rule(images, found(verdicts, public_key(key)), now(), max_age)
        except GateError as error:
            log.error("admission.blind why=%r", str(error))  # noqa: TRY400 - the sentence says it all
            why = f"nobody can tell whether this version has passed: {error}; mend that, then deploy again"
            return Ruling(allowed=False, why=why)
        log.info("admission.ruled allowed=%s images=%s why=%r", ruling.allowed, dict(images), ruling.why)
        return ruling

    host, port = listen
    return Server(create_admission(rules), host=host, port=port, threads=THREADS, largest=LARGEST, tls=tls)

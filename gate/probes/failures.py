"""What it says about the service when a question gets no answer: that it is bad, or nothing at all."""

import errno
import ssl
from http.client import BadStatusLine, HTTPException, IncompleteRead, RemoteDisconnected

from gate.errors import Absent, GateError
from gate.running.ports import Answer, NoSample

FAILURES = (GateError, OSError, HTTPException, ValueError)
"""What goes wrong between a question and its answer."""

OUR_OWN = {
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.EADDRNOTAVAIL,
    errno.EACCES,
    errno.EPERM,
    errno.ENETUNREACH,
    errno.ENETDOWN,
}
"""What keeps the gate's own machine from asking anybody."""


def unanswered(error: Exception) -> Answer | NoSample:
    """A service that does not answer is a bad answer; a question that could not be put is no sample."""
    ours = isinstance(error, OSError) and error.errno in OUR_OWN and not isinstance(error, ssl.SSLError)
    known = isinstance(error, Absent) or not isinstance(error, GateError)
    if ours or not known:
        return NoSample(why=plainly(error))
    return Answer(ok=False, detail=plainly(error))


def plainly(error: Exception) -> str:
    """The error in a few words that are the same each time, on one line."""
    return " ".join("".join(each if each.isprintable() else " " for each in _words(error)).split())


def _words(error: Exception) -> str:
    match error:
        case GateError() | TimeoutError():
            return str(error)
        case ssl.SSLCertVerificationError():
            return f"the certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {(error.reason or str(error)).lower().replace('_', ' ')}"
        case RemoteDisconnected():
            return "connection closed without an answer"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionResetError() | BrokenPipeError():
            return "connection reset"
        case IncompleteRead():
            return "the answer broke off"
        case BadStatusLine():
            return f"the answer is not HTTP: {str(error)[:60]}"
        case OSError() if error.strerror:
            return error.strerror.lower()
    return f"{type(error).__name__}: {str(error)[:120]}"

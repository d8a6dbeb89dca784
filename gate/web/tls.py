"""TLS for a server whose certificate is renewed while it runs."""

import logging
import ssl
from pathlib import Path
from typing import Any

from cheroot.errors import FatalSSLAlert
from cheroot.ssl.builtin import BuiltinSSLAdapter

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


class Certificate(BuiltinSSLAdapter):
    """The files are looked at with each connection, and read again when they have changed. While the two do not fit
    together, as in the middle of a renewal, the last ones that did are used.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises `OSError` or `ssl.SSLError` if they are no certificate and its key."""
        self._files = certificate, key
        super().__init__(str(certificate), str(key))
        self._read = self._stamp()

    def wrap(self, sock: Any) -> Any:
        """The handshake is left to whoever reads from it: this is done by the one thread that accepts connections."""
        try:
            now = self._stamp()
            if now != self._read:
                self.context.load_cert_chain(*map(str, self._files))
                self._read = now
                log.info("tls.renewed certificate=%s", self._files[0])
        except (OSError, ssl.SSLError) as error:
            log.warning("tls.not_renewed certificate=%s why=%r", self._files[0], str(error))
        try:
            return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}
        except OSError as error:  # whoever connected is gone again
            raise FatalSSLAlert(*error.args) from error

    def _stamp(self) -> Stamp:
        stats = [file.stat() for file in self._files]
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in stats)

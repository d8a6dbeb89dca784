"""OpenSSH's own server on the loopback, one process for each connection, with keys of its own."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
CONFIGURATION = """\
HostKey {folder}/host
AuthorizedKeysFile {folder}/client.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""
SEPARATED = Path("/run/sshd")
"""Where a server that root starts puts its part that talks to strangers."""


class Server:
    """Lets the key `client` in, to run git as this user."""

    def __init__(self, folder: Path) -> None:
        self.client_key = made(folder / "client")
        self.host_key = made(folder / "host").with_suffix(".pub").read_text()
        self._configuration = folder / "sshd_config"
        self._configuration.write_text(CONFIGURATION.format(folder=folder))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def known(self) -> str:
        """The line of this server in a file of known hosts."""
        return f"[127.0.0.1]:{self.port} {self.host_key}"

    def address(self, path: Path) -> str:
        return f"ssh://{getuser()}@127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for process in self._processes:
            process.terminate()
            process.wait()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # it was shut down
                return
            words = [str(SSHD), "-i", "-e", "-f", str(self._configuration)]
            with connection:
                self._processes.append(
                    subprocess.Popen(words, stdin=connection, stdout=connection, stderr=subprocess.DEVNULL)
                )


def made(file: Path) -> Path:
    """A new pair of keys."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(file)]
    subprocess.run(words, check=True)
    return file


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    if os.geteuid() == 0:
        SEPARATED.mkdir(mode=0o755, exist_ok=True)
    server = Server(folder)
    try:
        yield server
    finally:
        server.close()

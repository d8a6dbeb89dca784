"""A catalogue behind SSH: OpenSSH's own server, which is believed only if its key is among the known hosts."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.catalogue.sources import Source
from gate.errors import Temporary
from tests.catalogue.conftest import NOW, Mirrored
from tests.catalogue.ssh_server import SSHD, Server, made, serving
from tests.catalogues import Origin

pytestmark = pytest.mark.skipif(
    not (SSHD and shutil.which("ssh-keygen")), reason="there is no sshd on this machine; install openssh-server"
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with serving(folder) as running:
        yield running


@pytest.fixture
def known_hosts(tmp_path: Path) -> Path:
    file = tmp_path / "known hosts"
    file.touch()
    return file


@pytest.fixture
def source(server: Server, origin: Origin, known_hosts: Path) -> Source:
    address = server.address(origin.folder)
    return Source(address=address, ssh_key_file=server.client_key, known_hosts_file=known_hosts)


def test_a_server_is_believed_whose_key_is_known(
    server: Server, source: Source, known_hosts: Path, mirrored: Mirrored
) -> None:
    known_hosts.write_text(server.known)
    mirror = mirrored(source)
    revision = mirror.fetch()
    assert mirror.read(NOW).revision == revision


@pytest.mark.parametrize("known", ["nobody", "another key"])
def test_a_server_is_not_believed_that_is_unknown_or_has_another_key(
    server: Server, source: Source, known_hosts: Path, mirrored: Mirrored, tmp_path: Path, known: str
) -> None:
    if known == "another key":
        other = made(tmp_path / "other").with_suffix(".pub").read_text()
        known_hosts.write_text(server.known.replace(server.host_key, other))
    before = known_hosts.read_text()
    with pytest.raises(Temporary, match="Host key verification failed") as raised:
        mirrored(source).fetch()
    assert "\n" not in str(raised.value)
    assert known_hosts.read_text() == before


def test_another_key_does_not_get_in(
    server: Server, origin: Origin, known_hosts: Path, mirrored: Mirrored, tmp_path: Path
) -> None:
    known_hosts.write_text(server.known)
    stranger = Source(
        address=server.address(origin.folder), ssh_key_file=made(tmp_path / "stranger"), known_hosts_file=known_hosts
    )
    with pytest.raises(Temporary, match="Permission denied"):
        mirrored(stranger).fetch()

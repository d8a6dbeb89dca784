"""A catalogue behind HTTPS: real git over a real server, with a CA of its own and a token that stays in its file."""

from pathlib import Path

import pytest
import trustme

from gate.catalogue.sources import Source
from gate.errors import Temporary
from tests.catalogue.conftest import NOW, Mirrored
from tests.catalogue.https_server import Server, serving

PATH = "/catalogue/.git"


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "the token's file"
    file.write_text("glpat-s3cret\n")
    return file


def test_a_server_of_ones_own_ca_is_believed_with_that_ca_and_not_without(
    server: Server, ca_file: Path, mirrored: Mirrored
) -> None:
    mirror = mirrored(Source(address=server.address + PATH, ca_file=ca_file))
    revision = mirror.fetch()
    assert mirror.read(NOW).revision == revision
    with pytest.raises(Temporary, match="certificate"):
        mirrored(Source(address=server.address + PATH), "other").fetch()


def test_the_token_is_read_at_each_fetch_and_kept_nowhere_else(
    server: Server, ca_file: Path, token_file: Path, mirrored: Mirrored, tmp_path: Path
) -> None:
    server.token = "glpat-s3cret"
    mirror = mirrored(Source(address=server.address + PATH, ca_file=ca_file, token_file=token_file))
    mirror.fetch()
    server.token = "glpat-rotated"
    with pytest.raises(Temporary, match="Authentication failed") as raised:
        mirror.fetch()
    token_file.write_text("glpat-rotated\n")
    mirror.fetch()
    assert set(server.seen) == {"oauth2"}
    assert "glpat" not in str(raised.value)
    kept = [file for file in (tmp_path / "mirror").rglob("*") if file.is_file()]
    assert not [file for file in kept if b"glpat" in file.read_bytes()]


def test_a_deploy_token_has_the_name_that_stands_in_the_address(
    server: Server, ca_file: Path, token_file: Path, mirrored: Mirrored
) -> None:
    server.token = "glpat-s3cret"
    address = server.address.replace("https://", "https://gitlab+deploy-token-7@") + PATH
    mirrored(Source(address=address, ca_file=ca_file, token_file=token_file)).fetch()
    assert set(server.seen) == {"gitlab+deploy-token-7"}


def test_a_server_to_which_one_is_redirected_does_not_get_the_token(
    server: Server, authority: trustme.CA, ca_file: Path, token_file: Path, mirrored: Mirrored
) -> None:
    with serving(token_file.parent, authority) as stranger:
        stranger.token = "give it to me"
        server.elsewhere = stranger.address
        with pytest.raises(Temporary):
            mirrored(Source(address=server.address + PATH, ca_file=ca_file, token_file=token_file)).fetch()
        assert stranger.asked
        assert stranger.seen == []


def test_nobody_is_asked_for_a_password(server: Server, ca_file: Path, mirrored: Mirrored) -> None:
    server.token = "glpat-s3cret"
    with pytest.raises(Temporary, match="cannot be fetched") as raised:
        mirrored(Source(address=server.address + PATH, ca_file=ca_file)).fetch()
    assert "\n" not in str(raised.value)

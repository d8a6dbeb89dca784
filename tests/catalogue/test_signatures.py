"""Only commits count that are signed with a listed key: real SSH keys and real GPG keys."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gate.catalogue.repository import Repository
from gate.catalogue.sources import Source
from gate.errors import Permanent
from tests.catalogue.conftest import NOW, Mirrored
from tests.catalogue.ssh_server import made
from tests.catalogues import Origin

needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="there is no gpg on this machine")
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen on this machine")


def signed(origin: Origin, *settings: str, **environment: str) -> str:
    """A commit that is signed as git is told to."""
    words = ["git", "-C", str(origin.folder), *(word for each in settings for word in ("-c", each))]
    words += ["commit", "--quiet", "--allow-empty", "-S", "-m", "signed"]
    subprocess.run(words, check=True, env={**os.environ, **environment}, capture_output=True)
    head = subprocess.check_output(["git", "-C", str(origin.folder), "rev-parse", "HEAD"], text=True)
    return head.strip()


def signed_by(origin: Origin, key: Path) -> str:
    return signed(origin, "gpg.format=ssh", f"user.signingKey={key}")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return made(tmp_path / "author")


@pytest.fixture
def mirror(origin: Origin, key: Path, mirrored: Mirrored, tmp_path: Path) -> Repository:
    """Takes what the author has signed."""
    signers = tmp_path / "allowed signers"
    signers.write_text(f"author@example.org {key.with_suffix('.pub').read_text()}")
    return mirrored(Source(address=str(origin.folder), allowed_signers_file=signers))


def test_a_commit_that_somebody_listed_has_signed_is_taken(origin: Origin, mirror: Repository, key: Path) -> None:
    revision = signed_by(origin, key)
    mirror.fetch()
    assert mirror.read(NOW).revision == revision


@pytest.mark.parametrize("by", ["a stranger", "nobody"])
def test_a_commit_of_somebody_else_is_not_taken_and_the_one_before_stays(
    origin: Origin, mirror: Repository, key: Path, tmp_path: Path, by: str
) -> None:
    good = signed_by(origin, key)
    mirror.fetch()
    mirror.read(NOW)
    stranger = by == "a stranger"
    bad = signed_by(origin, made(tmp_path / "stranger")) if stranger else origin.commit(workflows__other_yaml="")
    mirror.fetch()
    catalogue = mirror.read(NOW)
    (newer,) = catalogue.not_taken
    assert (catalogue.revision, newer.revision) == (good, bad)
    assert "nobody whose key is listed has signed it" in str(newer)
    assert "\n" not in str(newer)


def test_where_there_is_none_before_nothing_is_taken(origin: Origin, mirror: Repository) -> None:
    mirror.fetch()
    with pytest.raises(Permanent, match="nobody whose key is listed has signed it"):
        mirror.read(NOW)


@pytest.fixture
def home() -> Iterator[Path]:
    """A keyring, with a short path: gpg has a socket there."""
    with TemporaryDirectory(prefix="gpg-") as folder:
        yield Path(folder)
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=False)


def gpg(home: Path, *words: str) -> str:
    whole = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "", *words]
    return subprocess.run(whole, check=True, capture_output=True, text=True).stdout


@needs_gpg
def test_keys_of_gpg_count_as_well_if_they_are_listed(
    origin: Origin, home: Path, mirrored: Mirrored, tmp_path: Path
) -> None:
    for who in ("author", "stranger"):
        gpg(home, "--quick-generate-key", f"{who}@example.org", "ed25519", "sign", "never")
    keys = tmp_path / "keys.asc"
    keys.write_text(gpg(home, "--armor", "--export", "author@example.org"))
    mirror = mirrored(Source(address=str(origin.folder), gpg_keys_file=keys))
    good = signed(origin, "gpg.format=openpgp", "user.signingKey=author@example.org", GNUPGHOME=str(home))
    mirror.fetch()
    assert mirror.read(NOW).revision == good
    signed(origin, "gpg.format=openpgp", "user.signingKey=stranger@example.org", GNUPGHOME=str(home))
    mirror.fetch()
    assert mirror.read(NOW).revision == good
    keys.write_text("no keys")
    signed(origin, "gpg.format=openpgp", "user.signingKey=author@example.org", GNUPGHOME=str(home))
    mirror.fetch()
    catalogue = mirror.read(NOW)
    assert catalogue.revision == good
    assert "cannot be imported" in str(catalogue.not_taken[0])

"""Whether a commit is signed with a key that is listed. git finds out, with gpg or ssh-keygen; nothing else counts."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, TimeoutExpired, run
from tempfile import TemporaryDirectory

import git

from gate.catalogue.settings import to_read
from gate.catalogue.sources import Source
from gate.errors import Permanent, Temporary

TIMEOUT = 30.0
"""Seconds."""


def verify(repo: git.Repo, revision: str, source: Source) -> None:
    """Raises `Permanent` if nobody who is listed has signed the commit, `Temporary` if that cannot be found out."""
    with _keyring(source.gpg_keys_file) as home:
        said = {
            "gpg.ssh.allowedSignersFile": str(source.allowed_signers_file or os.devnull),
            "gpg.x509.program": "false",
            "gpg.minTrustLevel": "fully",
        }
        environment = {**os.environ, **to_read(said), "GNUPGHOME": str(home)}
        words = [git.Git.GIT_PYTHON_GIT_EXECUTABLE or "git", "--git-dir", str(repo.git_dir), "verify-commit", revision]
        done = _done(words, "git", environment)
    if done.returncode:
        said_by_git = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise Permanent(f"nobody whose key is listed has signed it ({said_by_git or 'it has no signature'})")


@contextmanager
def _keyring(keys: Path | None) -> Iterator[Path]:
    """Where gpg finds the listed keys, and trusts them, and no others."""
    with TemporaryDirectory(prefix="chaos-gate-keys-") as folder:
        home = Path(folder)
        (home / "gpg.conf").write_text("trust-model always\nno-autostart\nno-auto-key-retrieve\n", encoding="utf-8")
        if keys:
            words = ["gpg", "--homedir", folder, "--batch", "--quiet", "--import", str(keys)]
            done = _done(words, "gpg")
            if done.returncode:
                why = " ".join(done.stderr.decode("utf-8", "replace").split())
                raise Temporary(f"signatures cannot be verified: {keys} cannot be imported: {why}")
        yield home


def _done(words: Sequence[str], program: str, environment: Mapping[str, str] | None = None) -> CompletedProcess[bytes]:
    """What the program said; `Temporary` if it could not be run, or did not end."""
    try:
        return run(words, check=False, env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, timeout=TIMEOUT)
    except OSError as error:
        raise Temporary(f"signatures cannot be verified: {program} cannot be run: {error.strerror}") from error
    except TimeoutExpired as error:
        why = f"{program} did not end within {TIMEOUT:.0f} s"
        raise Temporary(f"signatures cannot be verified: {why}") from error

"""A git command with bounds: how long it may take, and how much it may bring."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import Any

import git

from gate.errors import Temporary

LOOK = 0.1
"""Seconds between two looks at what has arrived."""
MOST_SAID = 64_000
"""Bytes of what git says that are read: whoever says more than that into a pipe waits, and is ended."""


def run(repo: git.Repo, words: Sequence[str], environment: Mapping[str, str], *, longest: float, most: int) -> None:
    """Raises `Temporary` with what git said if that did not work, took more than `longest` seconds or brought more
    than `most` bytes; then nothing of it is left, and none of its processes.
    """
    started: Any = repo.git.execute(
        [git.Git.GIT_PYTHON_GIT_EXECUTABLE or "git", *words],
        env=dict(environment),
        as_process=True,
        start_new_session=True,
    )
    process: Popen[bytes] = started.proc
    packs = Path(repo.git_dir) / "objects" / "pack"
    try:
        why = _waited(process, time.monotonic() + longest, lambda: _arriving(packs) > most)
    finally:
        with suppress(ProcessLookupError):  # also what it has started and left behind
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        said = _said(process)
    if code:
        for part in packs.glob("tmp_*"):
            part.unlink(missing_ok=True)
        raise Temporary(why or said or "git says nothing")


def _waited(process: Popen[bytes], deadline: float, is_too_much: Callable[[], bool]) -> str:
    """Why it has to end before it is done; empty if it is done."""
    while True:
        try:
            process.wait(LOOK)
        except TimeoutExpired:
            if time.monotonic() > deadline:
                return "git took too long"
            if is_too_much():
                return "it is too large"
        else:
            return ""


def _arriving(packs: Path) -> int:
    """Bytes of what is on its way."""
    total = 0
    for part in packs.glob("tmp_*"):
        with suppress(FileNotFoundError):
            total += part.stat().st_size
    return total


def _said(process: Popen[bytes]) -> str:
    """In one line, what git had to say."""
    said = b""
    if process.stderr:
        os.set_blocking(process.stderr.fileno(), False)
        said = process.stderr.read(MOST_SAID) or b""
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
    return " ".join(said.decode("utf-8", "replace").split())

"""Space of a file system is taken by a file without a name, so that it comes back with the process that has it."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from gate.errors import Permanent
from gate.faults import disk_fill
from gate.faults.stress import MARK
from gate.model import Undo
from tests.faults.application import Application, Eventually

MIB = 1024 * 1024

on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""No command can be run in containers that are played by kwok."""


def taken(folder: Path) -> int:
    """MiB on the disk of files of this folder that processes have open, and that have no name any more."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        links: list[Path] = []
        with contextlib.suppress(OSError):  # it may end while we look
            links += (process / "fd").iterdir()
        for link in links:
            with contextlib.suppress(OSError):
                if str(link.readlink()).startswith(f"{folder}/") and (status := link.stat()).st_nlink == 0:
                    found[status.st_ino] = status.st_blocks * 512 // MIB
    return sum(found.values())


@pytest.fixture
def undo(web: Application, tmp_path: Path) -> Iterator[Undo]:
    (undo,) = web.plan("disk-fill", size="20Mi", leave="0%", path=str(tmp_path))
    yield undo
    web.revert(undo)


@on_the_sandbox
def test_the_space_is_taken_and_no_file_is_seen(
    undo: Undo, web: Application, tmp_path: Path, eventually: Eventually
) -> None:
    web.inject(undo)
    web.feel(undo)
    assert "20 MiB of the disk are taken in main of Pod" in str(disk_fill.prove(undo, web.api))
    assert (taken(tmp_path), list(tmp_path.iterdir())) == (20, [])
    web.revert(undo)
    eventually(lambda: taken(tmp_path) == 0)


@on_the_sandbox
def test_it_comes_back_when_its_time_is_over(
    undo: Undo, web: Application, tmp_path: Path, eventually: Eventually
) -> None:
    short = replace(undo, settings={**undo.settings, "seconds": 5})
    web.inject(short)
    eventually(lambda: taken(tmp_path))
    eventually(lambda: not taken(tmp_path) and not web.programs())
    assert disk_fill.prove(short, web.api) is None


@on_the_sandbox
def test_it_comes_back_when_the_program_is_killed(
    undo: Undo, web: Application, tmp_path: Path, eventually: Eventually
) -> None:
    web.inject(undo)
    web.feel(undo)
    for pid in web.programs():
        os.kill(int(pid), signal.SIGKILL)
    eventually(lambda: not taken(tmp_path))
    assert list(tmp_path.iterdir()) == []


@on_the_sandbox
def test_what_was_killed_before_its_file_lost_its_name_is_found_by_that(
    undo: Undo, web: Application, tmp_path: Path
) -> None:
    somebodys = tmp_path / f"{MARK}of-somebody-else"
    for path in (tmp_path / f"{MARK}{undo.settings['mark']}", somebodys):
        path.write_bytes(bytes(100))
    web.revert(undo)
    assert list(tmp_path.iterdir()) == [somebodys]


@on_the_sandbox
def test_what_was_left_of_an_earlier_try_does_not_keep_it_from_the_next(
    undo: Undo, web: Application, tmp_path: Path
) -> None:
    (tmp_path / f"{MARK}{undo.settings['mark']}").write_bytes(bytes(100))
    web.inject(undo)
    web.feel(undo)
    assert list(tmp_path.iterdir()) == []


@on_the_sandbox
@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"size": "1024Gi", "leave": "0%"}, r"has room for \d+ MiB, without what is to stay free"),
        ({"size": "1Mi", "leave": "100%"}, r"has room for -\d+ MiB"),
        ({"size": "1Mi", "path": "/there/is/none"}, "there is no directory /there/is/none"),
        ({"size": "1Mi", "path": "/proc"}, "/proc is read-only|/proc has room for 0 MiB"),
    ],
)
def test_what_would_do_harm_or_cannot_be_is_refused(settings: dict[str, str], why: str, web: Application) -> None:
    (undo,) = web.plan("disk-fill", **settings)
    with pytest.raises(Permanent, match=why):
        web.inject(undo)
    assert web.programs() == []


@pytest.mark.parametrize("path", ["tmp", "../tmp", "/tmp\n/etc"])
def test_a_path_is_whole(path: str) -> None:
    with pytest.raises(ValidationError, match="path"):
        disk_fill.Settings.model_validate({"size": "1Mi", "path": path})

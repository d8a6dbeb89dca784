"""What is handed in is kept if it is what the run itself names, and nothing of it is left behind if it is not."""

import gzip
import io
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gate.errors import Permanent, Temporary
from gate.reports.chain import Unreadable, read
from gate.reports.evidence import Filed, filed
from gate.reports.shelf import AT_ONCE, WAITING, Shelf
from gate.running.runner import MOST_ATTEMPTS
from tests.reports.files import RUN, lines, played, rechained, written
from tests.running.simulation import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def file(tmp_path: Path, stage: Stage) -> Path:
    return played(tmp_path / "job", stage)


@pytest.fixture
def named(file: Path, stage: Stage) -> Filed:
    found = filed(stage.journal.status)
    assert found is not None
    assert found.file == file.name
    return found


def kept(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_that_its_run_names_is_kept_as_it_is(file: Path, named: Filed, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "gate")
    assert shelf.take(named, RUN.uid, io.BytesIO(file.read_bytes()))
    found = shelf.find(named.namespace, named.file)
    assert found is not None
    assert found.read_bytes() == file.read_bytes()
    assert found.stat().st_mode & 0o077 == 0


def test_one_that_is_there_is_not_taken_again(file: Path, named: Filed, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "gate")
    shelf.take(named, RUN.uid, io.BytesIO(file.read_bytes()))
    assert not shelf.take(named, RUN.uid, io.BytesIO(b"anything"))
    assert kept(tmp_path / "gate") == [f"shop/{file.name}"]


def cut_off(file: Path) -> bytes:
    return gzip.compress(gzip.decompress(file.read_bytes())[:-20])


def made_up(file: Path) -> bytes:
    """Each hash of it fits, and it is not what was written."""

    def better(line: dict[str, object]) -> None:
        if line["kind"] == "note":
            line["content"] = {**line["content"], "what": "all is well"}  # type: ignore[dict-item]  # it is JSON

    copy = file.with_suffix(".copy")
    return written(copy, rechained(lines(file), better)).read_bytes()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda _: b"no evidence at all", "is no evidence file"),
        (lambda _: b"", "is not finished"),
        (cut_off, "is not finished"),
        (lambda file: file.read_bytes()[:-30] + b"\0" * 30, "damaged|not finished|not as it was written"),
        (made_up, "and it has another one"),
    ],
)
def test_what_is_not_the_file_of_the_run_is_refused_and_forgotten(
    spoil: Callable[[Path], bytes], why: str, file: Path, named: Filed, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "gate")
    with pytest.raises(Permanent, match=why) as raised:
        shelf.take(named, RUN.uid, io.BytesIO(spoil(file)))
    assert str(tmp_path) not in str(raised.value)
    assert kept(tmp_path / "gate") == []


def test_the_file_of_another_run_is_refused(file: Path, named: Filed, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="about another run"):
        Shelf(tmp_path / "gate").take(named, "another", io.BytesIO(file.read_bytes()))


def test_a_hash_that_the_run_does_not_name_is_refused(file: Path, named: Filed, tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="has another one"):
        Shelf(tmp_path / "gate").take(replace(named, digest="0" * 64), RUN.uid, io.BytesIO(file.read_bytes()))


class Slow(io.BytesIO):
    """Comes when it is let."""

    def __init__(self, content: bytes, begun: threading.Semaphore, go: threading.Event) -> None:
        super().__init__(content)
        self._begun, self._go = begun, go

    def read(self, size: int | None = -1, /) -> bytes:
        self._begun.release()
        assert self._go.wait(60)
        return super().read(size)


def test_so_many_come_in_at_once_and_another_one_is_asked_to_come_again(
    file: Path, named: Filed, tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path / "gate", patience=timedelta(milliseconds=10))
    begun, go = threading.Semaphore(0), threading.Event()
    body = file.read_bytes()

    def take() -> None:
        shelf.take(named, RUN.uid, Slow(body, begun, go))

    threads = [threading.Thread(target=take) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    try:
        assert all(begun.acquire(timeout=60) for _ in threads)
        with pytest.raises(Temporary, match="hand it in again"):
            shelf.take(named, RUN.uid, io.BytesIO(body))
    finally:
        go.set()
        for thread in threads:
            thread.join()
    assert kept(tmp_path / "gate") == [f"shop/{file.name}"]


def test_who_comes_while_others_do_has_his_turn_after_one_of_them(file: Path, named: Filed, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "gate", patience=timedelta(seconds=60))
    begun, go = threading.Semaphore(0), threading.Event()
    body = file.read_bytes()
    taken: list[bool] = []

    def take() -> None:
        taken.append(shelf.take(named, RUN.uid, Slow(body, begun, go)))

    threads = [threading.Thread(target=take) for _ in range(AT_ONCE + WAITING)]
    for thread in threads:
        thread.start()
    try:
        assert all(begun.acquire(timeout=60) for _ in range(AT_ONCE))
        assert taken == []
    finally:
        go.set()
        for thread in threads:
            thread.join()
    assert len(taken) == AT_ONCE + WAITING


def test_no_run_has_more_files_than_it_can_have_executors(file: Path, named: Filed, tmp_path: Path) -> None:
    shelf, body = Shelf(tmp_path / "gate"), file.read_bytes()
    stem = named.file.removesuffix("1.jsonl.gz")
    for number in range(1, MOST_ATTEMPTS + 1):
        assert shelf.take(replace(named, file=f"{stem}{number}.jsonl.gz"), RUN.uid, io.BytesIO(body))
    one_more = replace(named, file=f"{stem}{MOST_ATTEMPTS + 1}.jsonl.gz")
    with pytest.raises(Permanent, match="more it cannot have"):
        shelf.take(one_more, RUN.uid, io.BytesIO(body))
    assert len(kept(tmp_path / "gate")) == MOST_ATTEMPTS
    assert not shelf.take(named, RUN.uid, io.BytesIO(body))
    other = replace(named, file=f"other{named.file}")
    assert shelf.take(other, RUN.uid, io.BytesIO(body))


def test_what_grows_without_end_when_it_is_unpacked_is_not_read_to_its_end(file: Path) -> None:
    size = len(gzip.decompress(file.read_bytes()))
    assert list(read(file, size))
    with pytest.raises(Unreadable, match="when it is unpacked"):
        list(read(file, size - 1))

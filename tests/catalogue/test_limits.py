"""How much a catalogue may be: what is too large is not even fetched where the server can leave it out."""

import os
import subprocess
import time
from pathlib import Path

import git
import pytest

from gate.catalogue import repository
from gate.catalogue.bounded import run
from gate.catalogue.folder import MOST_BYTES, MOST_FILES, MOST_VALUES, read_paths
from gate.catalogue.repository import Repository
from gate.catalogue.settings import to_fetch
from gate.catalogue.sources import Source
from gate.documents.loading import LARGEST
from gate.errors import Permanent, Temporary
from tests.catalogue.conftest import NOW, Mirrored
from tests.catalogues import Origin
from tests.documents.test_loading import SUBSCRIPTION
from tests.documents.vocabularies import WORDS


def imported(origin: Origin, *files: tuple[str, bytes]) -> str:
    """A commit with these files alone, made without a work tree."""
    stream = [b"commit refs/heads/main\ncommitter a <a@example.org> 1 +0000\ndata 0\ndeleteall\n"]
    stream += [b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data) for name, data in files]
    words = ["git", "-C", str(origin.folder), "fast-import", "--quiet", "--force"]
    subprocess.run(words, input=b"".join(stream), check=True)
    with git.Repo(origin.folder) as repo:
        return repo.commit("main").hexsha


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("can", [True, False], ids=["a server that can", "a server that cannot"])
def test_a_file_that_is_too_large_is_refused_and_left_out_where_the_server_can(
    origin: Origin, mirrored: Mirrored, tmp_path: Path, can: bool
) -> None:
    with git.Repo(origin.folder) as repo, repo.config_writer() as config:
        config.set_value("uploadpack", "allowFilter", str(can).lower())
    imported(
        origin,
        ("workflows/large.yaml", os.urandom(LARGEST + 1)),
        ("pictures/large.png", os.urandom(3 * LARGEST)),
        ("workflows/largest.yaml", b"#" * LARGEST),
    )
    mirror = mirrored(Source(address=origin.folder.as_uri()))
    mirror.fetch()
    loaded = mirror.read(NOW).loaded
    assert [str(each) for each in loaded.problems] == [
        f"workflows/large.yaml:1: has more than {LARGEST} bytes; split it into several files"
    ]
    assert (size(tmp_path / "mirror") < LARGEST) is can


def test_only_the_newest_commit_is_fetched(origin: Origin, mirror: Repository, tmp_path: Path) -> None:
    origin.commit(workflows__survives_yaml=None)
    mirror.fetch()
    with git.Repo(tmp_path / "mirror") as repo:
        assert repo.git.rev_list("--count", "--all") == "1"


def test_a_catalogue_of_200_mb_of_documents_does_not_take_the_place_of_the_one_before(
    origin: Origin, mirror: Repository
) -> None:
    good = mirror.fetch()
    mirror.read(NOW)
    document = b"#" * LARGEST
    large = imported(origin, *((f"workflows/{n}.yaml", document) for n in range(200)))
    mirror.fetch()
    catalogue = mirror.read(NOW)
    (newer,) = catalogue.not_taken
    assert (catalogue.revision, newer.revision) == (good, large)
    assert f"has {200 * LARGEST} bytes of documents; it may have {MOST_BYTES}; {good[:12]} stays in force" in str(newer)
    assert [each.name for each in catalogue.loaded.workflows] == ["survives"]


def test_a_catalogue_with_too_many_files_is_not_taken(origin: Origin, mirror: Repository) -> None:
    imported(origin, *((f"workflows/{n // 100}/{n}.yaml", b"") for n in range(MOST_FILES)))
    mirror.fetch()
    with pytest.raises(Permanent, match=f"has more than {MOST_FILES} files"):
        mirror.read(NOW)


def test_what_brings_too_much_is_cut_off_and_nothing_of_it_stays(
    origin: Origin, mirror: Repository, tmp_path: Path
) -> None:
    revision = mirror.fetch()
    before = size(tmp_path / "mirror")
    imported(origin, *((f"pictures/{n}.png", os.urandom(900_000)) for n in range(60)))
    words = ("fetch", "--depth=1", "origin", "refs/heads/main:refs/heads/main")
    environment = to_fetch(Source(address=str(origin.folder)), LARGEST)
    with git.Repo(tmp_path / "mirror") as repo, pytest.raises(Temporary, match="it is too large"):
        run(repo, words, environment, longest=60, most=1_000_000)
    assert size(tmp_path / "mirror") < before + 100_000
    assert mirror.read(NOW).revision == revision


@pytest.mark.parametrize("can", [True, False], ids=["a server that can", "a server that cannot"])
def test_many_fetches_leave_what_is_needed_and_nothing_else(
    origin: Origin, mirrored: Mirrored, tmp_path: Path, can: bool
) -> None:
    with git.Repo(origin.folder) as repo, repo.config_writer() as config:
        config.set_value("uploadpack", "allowFilter", str(can).lower())
    mirror = mirrored(Source(address=origin.folder.as_uri()))
    packs = tmp_path / "mirror" / "objects" / "pack"
    imported(origin, ("pictures/a.png", os.urandom(500_000)))
    mirror.fetch()
    imported(origin, ("workflows/large.yaml", os.urandom(LARGEST + 1)), ("subscriptions/a.yaml", SUBSCRIPTION.encode()))
    good = mirror.fetch()
    mirror.read(NOW)
    (pack, *_) = packs.glob("*.pack")
    for number in range(repository.MANY_PACKS + 1):
        name = packs / f"pack-{number:040x}.pack"
        name.write_bytes(pack.read_bytes())
        name.with_suffix(".idx").write_bytes(pack.with_suffix(".idx").read_bytes())
    bad = imported(origin, *((f"workflows/{n}.yaml", b"") for n in range(MOST_FILES + 1)))
    assert mirror.fetch() == bad
    catalogue = mirror.read(NOW)
    assert (catalogue.revision, [each.name for each in catalogue.loaded.subscriptions]) == (good, ["checkout"])
    assert len([*packs.glob("*.pack")]) == 1
    assert size(tmp_path / "mirror") < (500_000 if can else LARGEST + 1_000_000)
    assert len((tmp_path / "mirror" / "shallow").read_text().split()) <= 2
    revision = imported(origin, ("workflows/other.yaml", b""))
    assert mirror.fetch() == revision
    assert mirror.read(NOW).revision == revision


def test_a_mirror_that_cannot_be_made_smaller_is_fresh_all_the_same(
    origin: Origin, mirror: Repository, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mirror.fetch()
    for number in range(repository.MANY_PACKS + 1):
        (tmp_path / "mirror" / "objects" / "pack" / f"pack-{number:040x}.pack").mkdir()
    revision = origin.commit(workflows__other_yaml="")
    assert mirror.fetch() == revision
    assert "catalogue.untidy" in caplog.text
    assert mirror.read(NOW).revision == revision


def test_documents_that_take_long_to_read_are_not_taken_and_not_read_again(origin: Origin, mirror: Repository) -> None:
    good = mirror.fetch()
    mirror.read(NOW)
    document = b"---\n" + b"a: [\n" * 40_000
    long = imported(origin, *((f"workflows/{n}.yaml", document) for n in range(2 + 20 * MOST_VALUES // len(document))))
    mirror.fetch()
    (newer,) = mirror.read(NOW).not_taken
    assert (newer.revision, newer.instead) == (long, good)
    assert f"has more than {MOST_VALUES} values in its documents" in str(newer)
    started = time.thread_time()
    assert mirror.read(NOW).not_taken == (newer,)
    assert time.thread_time() - started < 1


def test_what_an_author_has_is_refused_as_the_gate_would(tmp_path: Path) -> None:
    for number in range(MOST_BYTES // LARGEST + 1):
        file = tmp_path / "workflows" / f"{number}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"#" * LARGEST)
    (tmp_path / "workflows" / "odd").symlink_to("0.yaml")
    (tmp_path / "subscriptions").symlink_to("workflows")
    said = [each.why for each in read_paths([tmp_path], WORDS).problems]
    link = "is a link; put the document itself here"
    assert said.count(link) == 2
    assert [each for each in said if "bytes of documents; a catalogue may have 20000000" in each]

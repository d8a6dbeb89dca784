"""Repositories that somebody made to do harm, or that hold what a catalogue must not: each has its one line."""

import subprocess
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import git
import pytest

from gate.catalogue.entries import entries
from gate.catalogue.repository import Repository
from gate.catalogue.sources import Source
from gate.errors import Permanent
from tests.catalogue.conftest import NOW, Mirrored
from tests.catalogues import Origin

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


def written(origin: Origin, kind: str, data: bytes) -> bytes:
    """The id of an object that git itself would not make."""
    words = ["git", "-C", str(origin.folder), "hash-object", "-t", kind, "--literally", "-w", "--stdin"]
    return bytes.fromhex(subprocess.run(words, input=data, check=True, capture_output=True).stdout.decode())


def tree(origin: Origin, *entries: tuple[bytes, bytes, bytes]) -> bytes:
    """Of mode, name and id of each entry."""
    return written(origin, "tree", b"".join(b"%s %s\0%s" % entry for entry in entries))


def committed(origin: Origin, root: bytes) -> None:
    with git.Repo(origin.folder) as repo:
        repo.git.update_ref("refs/heads/main", repo.git.commit_tree(root.hex(), "-m", "made by hand"))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (b"..", "workflows/../survives.yaml:1: leads out of its folder; a path has no . and no .."),
        (b"a\xff", r"workflows/a\udcff/survives.yaml:1: has letters in its name that cannot be shown; rename it"),
        (b"a\nb", r"workflows/a\nb/survives.yaml:1: has letters in its name that cannot be shown; rename it"),
    ],
    ids=["a folder above", "no UTF-8", "a new line"],
)
def test_a_path_that_is_none_is_refused_in_one_line_and_the_rest_is_read(
    origin: Origin, mirror: Repository, name: bytes, complaint: str
) -> None:
    with git.Repo(origin.folder) as repo:
        subscriptions, workflows = (repo.commit("main").tree[each].binsha for each in ("subscriptions", "workflows"))
    inner = tree(origin, (b"40000", name, workflows))
    committed(origin, tree(origin, (b"40000", b"subscriptions", subscriptions), (b"40000", b"workflows", inner)))
    mirror.fetch()
    loaded = mirror.read(NOW).loaded
    assert [str(each) for each in loaded.problems] == [complaint]
    assert [each.name for each in loaded.subscriptions] == ["checkout"]


def test_folders_that_multiply_are_not_followed_for_long(origin: Origin, mirror: Repository) -> None:
    """Ten levels of ten names each for one and the same folder are ten thousand million files."""
    good = mirror.fetch()
    mirror.read(NOW)
    folder = tree(origin, (b"100644", b"a.yaml", written(origin, "blob", b"")))
    for _ in range(10):
        folder = tree(origin, *((b"40000", b"%d" % n, folder) for n in range(10)))
    committed(origin, tree(origin, (b"40000", b"workflows", folder)))
    mirror.fetch()
    catalogue = mirror.read(NOW)
    assert catalogue.revision == good
    assert "has more than 10000 files" in str(catalogue.not_taken[0])


def deep(origin: Origin, levels: int, name: bytes) -> bytes:
    """A folder of folders of that name, and a thousand others on each level."""
    empty = written(origin, "blob", b"")
    folder = tree(origin, (b"100644", b"a.yaml", empty))
    for _ in range(levels):
        beside = [(b"100644", b"b%d" % n, empty) for n in range(1000)]
        folder = tree(origin, (b"40000", name, folder), *beside)
    return tree(origin, (b"40000", b"workflows", folder))


@pytest.mark.parametrize(
    ("levels", "name", "complaint"),
    [
        (50, b"a", "has folders in more than 40 levels, as workflows/a/a/a/a/"),
        (20, b"a" * 100, "has a path of more than 1000 letters, workflows/aaaa"),
    ],
    ids=["very deep", "very long"],
)
def test_paths_that_nobody_needs_are_not_followed(
    origin: Origin, mirror: Repository, levels: int, name: bytes, complaint: str
) -> None:
    good = mirror.fetch()
    mirror.read(NOW)
    committed(origin, deep(origin, levels, name))
    mirror.fetch()
    catalogue = mirror.read(NOW)
    assert catalogue.revision == good
    assert complaint in str(catalogue.not_taken[0])


def test_what_has_nothing_but_names_costs_no_memory(origin: Origin, mirror: Repository) -> None:
    """Some kB on their way, for names that are alike are packed well."""
    mirror.fetch()
    mirror.read(NOW)
    empty = written(origin, "blob", b"")
    many = written(origin, "tree", b"".join(b"100644 %0100d\0%s" % (n, empty) for n in range(50_000)))
    folder = tree(origin, *((b"40000", b"%d" % n, many) for n in range(5)))
    committed(origin, tree(origin, (b"40000", b"workflows", folder)))
    mirror.fetch()
    tracemalloc.start()
    try:
        catalogue = mirror.read(NOW)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "has more than 5000000 bytes of names alone" in str(catalogue.not_taken[0])
    assert peak < 15_000_000


@pytest.mark.parametrize("folder", [b"4000x a\0" + b"a" * 20, b"40000 a\0aaa", b"anything"])
def test_a_folder_that_is_none_cannot_be_read(folder: bytes) -> None:
    inside: Any = {b"\0" * 20: b"tree " + b"01" * 20 + b"\n", b"\1" * 20: folder}
    objects: Any = SimpleNamespace(size=lambda sha: len(inside[sha]), data=inside.get)
    with pytest.raises(Permanent, match="has a folder that cannot be read"):
        [*entries(objects, "00" * 20, 10)]


def test_what_a_pointer_of_lfs_points_to_is_not_fetched(origin: Origin, mirror: Repository, tmp_path: Path) -> None:
    smudged = tmp_path / "smudged"
    (origin.folder / ".gitattributes").write_text("*.yaml filter=lfs\n")
    with git.Repo(origin.folder) as repo, repo.config_writer() as config:
        config.set_value('filter "lfs"', "smudge", f"touch {smudged}")
    origin.commit(workflows__large_yaml=POINTER)
    mirror.fetch()
    (problem,) = mirror.read(NOW).loaded.problems
    assert str(problem) == "workflows/large.yaml:1: is a pointer of Git LFS; put the document itself here"
    assert not smudged.exists()


def test_no_hook_is_run(origin: Origin, mirror: Repository, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for folder in (tmp_path / "mirror" / "hooks", origin.folder / ".git" / "hooks"):
        folder.mkdir(exist_ok=True)
        for name in ("reference-transaction", "post-checkout", "post-merge", "pre-auto-gc"):
            (folder / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
            (folder / name).chmod(0o755)
    mirror.fetch()
    mirror.read(NOW)
    assert not ran.exists()


def test_there_is_no_work_tree_and_no_submodule_is_fetched(origin: Origin, mirror: Repository, tmp_path: Path) -> None:
    origin.commit(**{".gitmodules": f'[submodule "x"]\n\tpath = workflows/x\n\turl = {tmp_path}/nowhere\n'})
    origin.submodule("workflows/x")
    mirror.fetch()
    mirror.read(NOW)
    with git.Repo(tmp_path / "mirror") as repo:
        assert repo.bare
    assert not (tmp_path / "mirror" / "modules").exists()
    assert not [*(tmp_path / "mirror").rglob("*.yaml")]


def test_a_tag_is_pinned_and_not_the_branch(origin: Origin, mirrored: Mirrored) -> None:
    with git.Repo(origin.folder) as repo:
        repo.create_tag("v1", message="the first one")
        pinned = repo.head.commit.hexsha
    origin.commit(workflows__survives_yaml=None)
    mirror = mirrored(Source(address=str(origin.folder), tag="v1"))
    assert mirror.fetch() == pinned
    assert len(mirror.read(NOW).loaded.workflows) == 1


def test_the_last_good_revision_stays_in_force_after_a_restart(origin: Origin, mirrored: Mirrored) -> None:
    source = Source(address=str(origin.folder))
    before = mirrored(source)
    good = before.fetch()
    before.read(NOW)
    folder = tree(origin, (b"100644", b"a.yaml", written(origin, "blob", b"")))
    for _ in range(5):
        folder = tree(origin, *((b"40000", b"%d" % n, folder) for n in range(10)))
    committed(origin, tree(origin, (b"40000", b"workflows", folder)))
    before.fetch()
    assert mirrored(source).read(NOW).revision == good

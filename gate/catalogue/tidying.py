"""Keeps a mirror small, and of one repository alone."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, SubprocessError, run

import git

from gate.errors import Temporary

LONGEST = 60.0
"""Seconds."""
_OF = "mirror-of"
"""A file with the repository whose mirror it is."""


def prepared(folder: Path, of: str) -> Path:
    """The folder, without what it has of another repository: nobody asked for those documents any more."""
    label = folder / _OF
    if folder.exists() and not (label.is_file() and label.read_text(encoding="utf-8") == of):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    label.write_text(of, encoding="utf-8")
    return folder


def tidy(repo: git.Repo, commits: Iterable[str], environment: Mapping[str, str]) -> None:
    """Keep these commits, in one file, and nothing else: `git gc` keeps whatever was fetched with a filter for ever.

    `Temporary` when that did not work; then all is as it was.
    """
    kept = sorted({*commits} - {""})
    packs = Path(repo.git_dir) / "objects" / "pack"
    before = [*packs.glob("pack-*"), *packs.glob("tmp_*")]
    words = ["--revs", "--quiet", "--missing=allow-any", "--delta-base-offset", str(packs / "pack")]
    whole = [git.Git.GIT_PYTHON_GIT_EXECUTABLE or "git", "--git-dir", str(repo.git_dir), "pack-objects", *words]
    said = "".join(f"{commit}\n" for commit in kept).encode()
    try:
        done = run(whole, input=said, check=True, stdout=PIPE, stderr=DEVNULL, env=environment, timeout=LONGEST)
        name = f"pack-{done.stdout.decode().strip()}"
        (packs / f"{name}.promisor").touch()  # some of what it refers to was never fetched
        for each in sorted(before, key=lambda each: each.suffix != ".idx"):  # git looks for these
            if each.stem != name:
                each.unlink(missing_ok=True)
        _cut(Path(repo.git_dir) / "shallow", kept)
    except (OSError, SubprocessError) as error:
        raise Temporary(f"the mirror in {repo.git_dir} cannot be made smaller: {error}") from error


def _cut(shallow: Path, kept: Iterable[str]) -> None:
    """Forget where the history of other commits was cut off."""
    if shallow.is_file():
        left = {*shallow.read_text(encoding="ascii").split()} & {*kept}
        new = shallow.with_name("shallow.new")
        new.write_text("".join(f"{commit}\n" for commit in sorted(left)), encoding="ascii")
        new.replace(shallow)

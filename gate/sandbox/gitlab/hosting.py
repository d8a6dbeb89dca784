"""Git repositories: made, committed to and served over HTTP by git itself."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
    "GIT_CONFIG_KEY_1": "http.receivepack",
    "GIT_CONFIG_VALUE_1": "true",
    "GIT_AUTHOR_NAME": "Administrator",
    "GIT_AUTHOR_EMAIL": "root@example.org",
    "GIT_COMMITTER_NAME": "Administrator",
    "GIT_COMMITTER_EMAIL": "root@example.org",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
"""What git sees: nothing of this machine's settings, an identity that is always there, and that pushes are taken."""

BLOB = "100644"

CLOSED = "CLOSED_BRANCHES"
"""The variable that names the branches, or patterns of them, which whoever pushes may not change."""
PRE_RECEIVE = f"""\
#!/bin/sh
set -f
while read -r old new ref; do
  for branch in ${CLOSED}; do
    case "$ref" in "refs/heads/"$branch)
      echo "GitLab: You are not allowed to push code to protected branches on this project." >&2; exit 1
    esac
  done
done
"""


class GitFailed(RuntimeError):
    """git said no; the text is what it said."""


class BadAction(ValueError):
    """A change that does not fit what the branch has; the text is GitLab's."""


class Verb(StrEnum):
    """What a commit does to a file."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One file of a commit; the content of a deleted one does not matter."""

    verb: Verb
    path: str
    content: str = ""


def make(repository: Path) -> None:
    """An empty bare repository whose branch is main, with no hook but ours."""
    repository.parent.mkdir(parents=True, exist_ok=True)
    git(None, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(repository))
    hook = repository / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(PRE_RECEIVE)
    hook.chmod(0o755)


def git(repository: Path | None, *arguments: str, given: str | None = None, **environment: str) -> str:
    """Run git and return what it printed, without the white space around it. Raises `GitFailed`."""
    return _output(repository, *arguments, given=given, **environment).strip()


def _output(repository: Path | None, *arguments: str, given: str | None = None, **environment: str) -> str:
    where = ("--git-dir", str(repository)) if repository else ()
    done = subprocess.run(
        ["git", *where, *arguments],
        env={**ENVIRONMENT, **environment},
        input=given,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise GitFailed(done.stderr.strip())
    return done.stdout


def commit(repository: Path, branch: str, message: str, actions: Iterable[Action]) -> str:
    """A commit on top of a branch, made without a work tree; returns its id.

    Raises `BadAction`, and then the branch is as it was.
    """
    parent = resolve(repository, f"refs/heads/{branch}")
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        if parent:
            git(repository, "read-tree", parent, **index)
        for action in actions:
            there = bool(git(repository, "ls-files", "--cached", "--", f":(literal){action.path}", **index))
            if action.verb is Verb.CREATE and there:
                raise BadAction("A file with this name already exists")
            if action.verb is not Verb.CREATE and not there:
                raise BadAction("A file with this name doesn't exist")
            if action.verb is Verb.DELETE:
                git(repository, "update-index", "--force-remove", action.path, **index)
            else:
                blob = git(repository, "hash-object", "-w", "--stdin", given=action.content)
                git(repository, "update-index", "--add", "--cacheinfo", f"{BLOB},{blob},{action.path}", **index)
        tree = git(repository, "write-tree", **index)
    parents = ("-p", parent) if parent else ()
    made = git(repository, "commit-tree", tree, *parents, "-m", message)
    git(repository, "update-ref", f"refs/heads/{branch}", made, parent or "0" * 40)
    return made


def resolve(repository: Path, revision: str) -> str:
    """The full id of a commit; empty if there is none."""
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except GitFailed:
        return ""


def file(repository: Path, sha: str, path: str) -> str | None:
    """The text of a file at a commit, to the last blank; None if there is no such file."""
    try:
        return _output(repository, "show", f"{sha}:{path}")
    except GitFailed:
        return None


def title(repository: Path, sha: str) -> str:
    """The first line of a commit's message."""
    return git(repository, "log", "-1", "--format=%s", sha)


def titles(repository: Path, before: str, after: str, most: int) -> list[tuple[str, str]]:
    """The newest commits that came with a push, oldest first: id and title. `before` may be nothing, as zeros."""
    range_ = (after,) if not before.strip("0") else (f"{before}..{after}",)
    lines = git(repository, "log", f"--max-count={most}", "--reverse", "--format=%H %s", *range_).splitlines()
    return [(line[:40], line[41:]) for line in lines]


def between(repository: Path, before: str, after: str) -> set[str]:
    """The commits that the second one has and the first one has not."""
    return set(git(repository, "rev-list", f"{before}..{after}").split())


def tags(repository: Path) -> dict[str, str]:
    """Tag -> commit id."""
    lines = git(repository, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/tags").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


def point(repository: Path, ref: str, sha: str) -> None:
    """Let a ref stand for this commit; for none if `sha` is empty."""
    git(repository, *(("update-ref", ref, sha) if sha else ("update-ref", "-d", ref)))


def merged(repository: Path, target: str, source: str) -> str:
    """The tree that a merge of the source into the target would have; empty if they conflict."""
    try:
        return git(repository, "merge-tree", "--write-tree", target, source).splitlines()[0]
    except GitFailed:
        return ""


def merge(repository: Path, target: str, source: str, message: str) -> str:
    """A commit that merges the source into the target, on no branch yet; empty if they conflict."""
    tree = merged(repository, target, source)
    return git(repository, "commit-tree", tree, "-p", target, "-p", source, "-m", message) if tree else ""


def branches(repository: Path) -> dict[str, str]:
    """Branch -> commit id."""
    lines = git(repository, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


def branch_of(repository: Path, sha: str) -> str:
    """The first branch that holds the commit; empty if none does."""
    found = git(repository, "for-each-ref", "--contains", sha, "--format=%(refname:short)", "refs/heads")
    return found.splitlines()[0] if found else ""


def checkout(repository: Path, sha: str, folder: Path) -> None:
    """A fresh clone at a commit, as a runner makes it."""
    git(None, "clone", "--quiet", "--no-checkout", str(repository), str(folder))
    git(None, "-C", str(folder), "-c", "advice.detachedHead=false", "checkout", "--quiet", sha)


def serve(repositories: Path, path: str, request: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """One request of git's own protocol, answered by `git http-backend`: status, headers, body."""
    environment = {
        **ENVIRONMENT,
        "GIT_PROJECT_ROOT": str(repositories),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "REMOTE_USER": "git",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        **request,
    }
    done = subprocess.run(
        ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False, timeout=60
    )
    head, _, answer = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
    status = int(headers.pop("Status", "200").split()[0]) if done.stdout else 500
    return status, headers, answer

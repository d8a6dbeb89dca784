"""Several GitLabs, each with its own address, CA and token, and which projects are on which of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar

from gate.documents.tree import Illegible, trees
from gate.errors import GateError, Permanent

T = TypeVar("T")

_KEYS = ("url", "tokenFile", "caFile", "groups")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One GitLab."""

    url: str
    token_file: Path
    ca_file: Path | None = None
    groups: tuple[str, ...] = ()
    """The groups, or projects, that are there; none: whatever is on no other one."""


def read_instances(file: Path) -> tuple[Instance, ...]:
    """A YAML list with `url`, `tokenFile`, `caFile`, `groups` in each entry; `GateError` with all that is wrong."""
    said, problems = _said(file)
    if not problems and (not isinstance(said, list) or not said):
        problems.append(f"{file} is no list of GitLabs; write `- url: …` and `tokenFile: …` for each")
    if problems:
        raise GateError("; ".join(problems))
    instances = tuple(_instance(one, f"{file}: entry {number}", problems) for number, one in enumerate(said, 1))
    named = [group for each in instances for group in each.groups or ("(no groups)",)]
    twice = sorted({group for group in named if named.count(group) > 1})
    problems += [f"{file}: {group} stands in more than one entry; a project is on one GitLab" for group in twice]
    if problems:
        raise GateError("; ".join(problems))
    return instances


def _said(file: Path) -> tuple[Any, list[str]]:
    """The value in the file, and what is wrong with it as YAML."""
    try:
        documents = [*trees(file.read_text(encoding="utf-8"), str(file))]
    except (OSError, UnicodeDecodeError) as error:
        return None, [f"{file} cannot be read: {error}"]
    if len(documents) > 1:
        return None, [f"{file} holds {len(documents)} documents; write all GitLabs into one list"]
    for document in documents:
        if isinstance(document, Illegible):
            return None, [str(document.problem)]
        return document.value, [str(problem) for problem in document.problems]
    return None, []


def _instance(one: Any, where: str, problems: list[str]) -> Instance:
    given: Mapping[str, Any] = one if isinstance(one, dict) else {}
    for key in sorted(given.keys() - set(_KEYS)):
        close = get_close_matches(key, _KEYS, n=1)
        problems.append(f"{where}: {key} is not known{f'; did you mean {close[0]}?' if close else ''}")
    url = str(given.get("url") or "")
    if not url.startswith(("http://", "https://")):
        problems.append(f"{where}: url is {url!r}, not an address such as https://gitlab.example.org")
    if not given.get("tokenFile"):
        problems.append(f"{where}: tokenFile is missing; name the file that holds the token")
    token_file, ca_file = (_file(given.get(key), f"{where}: {key}", problems) for key in ("tokenFile", "caFile"))
    return Instance(
        url=url.rstrip("/"),
        token_file=token_file or Path(),
        ca_file=ca_file,
        groups=_groups(given, where, problems),
    )


def _file(said: Any, what: str, problems: list[str]) -> Path | None:
    if said is None or said == "":
        return None
    if not isinstance(said, str) or not Path(said).is_file():
        problems.append(f"{what} is {said!r}, which is no file that can be read; mount it there")
        return None
    return Path(said)


def _groups(given: Mapping[str, Any], where: str, problems: list[str]) -> tuple[str, ...]:
    said = given.get("groups", [])
    if not isinstance(said, list) or not all(isinstance(group, str) and group.strip("/") for group in said):
        problems.append(
            f"{where}: groups is no list of paths, such as [shop, payments/api]; leave it out for all other projects"
        )
        return ()
    return tuple(group.strip("/").lower() for group in said)


class Instances(Generic[T]):
    """Something for each GitLab, found by the path of a project."""

    def __init__(self, instances: Sequence[Instance], make: Callable[[Instance], T]) -> None:
        made = [(each, make(each)) for each in instances]
        self.all: Sequence[T] = tuple(one for _, one in made)
        self._by_group = {group: one for each, one in made for group in each.groups}
        self._others = next((one for each, one in made if not each.groups), None)

    def of(self, project: str) -> T:
        """The one whose group holds the project, the narrowest first; `Permanent` if none does."""
        parts = project.lower().split("/")
        for length in range(len(parts), 0, -1):
            if (found := self._by_group.get("/".join(parts[:length]))) is not None:
                return found
        if self._others is None:
            raise Permanent(f"no GitLab is configured for the project {project}; add its group to CHAOS_GATE_GITLABS")
        return self._others

"""The repository over the API: commits, branches, and branches that are protected."""

from collections.abc import Mapping, Sequence
from typing import Any

from gate.sandbox.gitlab import hosting, shapes
from gate.sandbox.gitlab.answers import Refusal, forbidden, found, invalid, missing, refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.hosting import Action, BadAction, Verb
from gate.sandbox.gitlab.model import Project, ProtectedBranch, Role
from gate.sandbox.gitlab.permissions import may_push, protection_of
from gate.sandbox.gitlab.pushing import Pushes
from gate.sandbox.gitlab.state import own_pipelines


class Repository:
    """The routes of commits and branches; a commit over the API is a push like any other."""

    def __init__(self, asked: Asked, pushes: Pushes) -> None:
        self._asked, self._pushes = asked, pushes

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        commits, branches = f"{PROJECT}/repository/commits", f"{PROJECT}/repository/branches"
        protected = f"{PROJECT}/protected_branches"
        return (
            Route(commits, "POST", self._commit),
            Route(f"{commits}/<path:sha>", "GET", self._get_commit),
            Route(branches, "GET", self._branches),
            Route(branches, "POST", self._create_branch),
            Route(f"{branches}/<path:name>", "GET", self._branch),
            Route(f"{branches}/<path:name>", "DELETE", self._delete_branch),
            Route(protected, "GET", self._protected),
            Route(protected, "POST", self._protect),
            Route(f"{protected}/<path:name>", "GET", self._protection),
            Route(f"{protected}/<path:name>", "DELETE", self._unprotect),
        )

    def _commit(self, key: str) -> Answer:
        project, user = self._asked.seen(key, Role.DEVELOPER)
        given = self._asked.given()
        branch, message = self._asked.wanted("branch", "commit_message")
        if not may_push(project, user, branch):
            raise refused(403, "You are not allowed to push into this branch")
        before = hosting.resolve(project.repository, f"refs/heads/{branch}")
        start = str(given.get("start_branch") or given.get("start_sha") or "")
        if start and not before:
            self._begin(project, branch, start)
        try:
            sha = hosting.commit(project.repository, branch, message, _actions(given.get("actions") or []))
        except BadAction as error:
            raise refused(400, str(error)) from error
        self._pushes.pushed(project, user, ref=f"refs/heads/{branch}", before=before, after=sha)
        return self._shape(project, sha), 201

    def _begin(self, project: Project, branch: str, start: str) -> None:
        sha = hosting.resolve(project.repository, start)
        if not sha:
            raise refused(400, "Cannot find start_branch")
        hosting.point(project.repository, f"refs/heads/{branch}", sha)

    def _get_commit(self, key: str, sha: str) -> Answer:
        project, _ = self._asked.seen(key)
        full = full_id(project, sha)
        newest = next((each for each in reversed(own_pipelines(project)) if each.sha == full), None)
        return {
            **self._shape(project, full),
            "status": newest.status if newest else None,
            "last_pipeline": shapes.pipeline(newest, project, self._asked.url) if newest else None,
        }

    def _shape(self, project: Project, sha: str) -> dict[str, Any]:
        title = hosting.title(project.repository, sha)
        web = f"{self._asked.url}/{project.path}/-/commit/{sha}"
        return {"id": sha, "short_id": sha[:8], "title": title, "message": title, "web_url": web}

    def _branches(self, key: str) -> Answer:
        project, _ = self._asked.seen(key)
        names = hosting.branches(project.repository)
        return self._asked.page([self._branch_shape(project, name, sha) for name, sha in names.items()])

    def _branch(self, key: str, name: str) -> Answer:
        project, _ = self._asked.seen(key)
        sha = hosting.branches(project.repository).get(name)
        return self._branch_shape(project, name, found(sha, "Branch"))

    def _create_branch(self, key: str) -> Answer:
        project, user = self._asked.seen(key, Role.DEVELOPER)
        name, start = self._asked.wanted("branch", "ref")
        if hosting.resolve(project.repository, f"refs/heads/{name}"):
            raise refused(400, "Branch already exists")
        sha = hosting.resolve(project.repository, start)
        if not sha:
            raise refused(400, f"Invalid reference name: {start}")
        hosting.point(project.repository, f"refs/heads/{name}", sha)
        self._pushes.pushed(project, user, ref=f"refs/heads/{name}", before="", after=sha)
        return self._branch_shape(project, name, sha), 201

    def _delete_branch(self, key: str, name: str) -> Answer:
        project, user = self._asked.seen(key, Role.DEVELOPER)
        sha = hosting.resolve(project.repository, f"refs/heads/{name}")
        if not sha:
            raise missing("Branch")
        if protection_of(project, name) is not None or name == project.default_branch:
            raise forbidden()
        hosting.point(project.repository, f"refs/heads/{name}", "")
        self._pushes.pushed(project, user, ref=f"refs/heads/{name}", before=sha, after="")
        return "", 204

    def _branch_shape(self, project: Project, name: str, sha: str) -> dict[str, Any]:
        return {
            "name": name,
            "merged": False,
            "protected": protection_of(project, name) is not None,
            "default": name == project.default_branch,
            "commit": self._shape(project, sha),
        }

    def _protected(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        return self._asked.page([_protection(each) for each in project.protected_branches])

    def _protection(self, key: str, name: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        return _protection(found(_named(project, name)))

    def _protect(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        (name,) = self._asked.wanted("name")
        if _named(project, name):
            raise refused(409, f"Protected branch '{name}' already exists")
        made = ProtectedBranch(
            id=self._asked.state.next_id("protected branch"),
            name=name,
            push=self._asked.role("push_access_level", Role.MAINTAINER),
            merge=self._asked.role("merge_access_level", Role.MAINTAINER),
        )
        project.protected_branches.append(made)
        return _protection(made), 201

    def _unprotect(self, key: str, name: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        project.protected_branches.remove(found(_named(project, name)))
        return "", 204


def _named(project: Project, name: str) -> ProtectedBranch | None:
    return next((each for each in project.protected_branches if each.name == name), None)


def _protection(each: ProtectedBranch) -> dict[str, Any]:
    def level(role: Role) -> list[dict[str, Any]]:
        return [{"access_level": role, "access_level_description": shapes.LEVELS.get(role, "")}]

    return {
        "id": each.id,
        "name": each.name,
        "push_access_levels": level(each.push),
        "merge_access_levels": level(each.merge),
        "allow_force_push": False,
    }


def _actions(given: Sequence[Mapping[str, Any]]) -> list[Action]:
    if any(each.get("action") not in set(Verb) for each in given):
        raise invalid("actions[action]")
    if not all(each.get("file_path") for each in given):
        raise Refusal(400, {"error": "actions[file_path] is missing"})
    return [
        Action(verb=Verb(each["action"]), path=str(each["file_path"]), content=str(each.get("content") or ""))
        for each in given
    ]


def full_id(project: Project, sha: str) -> str:
    """The whole id of a commit. Raises `Refusal`."""
    full = hosting.resolve(project.repository, sha)
    if not full:
        raise missing("Commit")
    return full

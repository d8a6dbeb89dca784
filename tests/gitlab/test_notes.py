"""One note of a merge request, written again in place: never a second one, and never somebody else's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gate.gitlab.client import GitLab
from gate.gitlab.notes import LONGEST, say
from gate.sandbox.gitlab import GitLab as Embedded
from tests.sandbox.gitlab_world import MAINTAINER, REPORTER, Client, Project

MARK = "chaos-gate plan subscriptions/checkout.yaml"


@dataclass
class Asked:
    """A merge request of the project, and a bot that may write below it."""

    project: Project
    name: str
    iid: int
    bot: GitLab
    secret: str

    def says(self, text: str, mark: str = MARK) -> int:
        return say(self.bot, self.name, self.iid, mark, text)

    @property
    def path(self) -> str:
        return f"{self.project.path}/merge_requests/{self.iid}/notes"

    def notes(self) -> list[dict[str, Any]]:
        return list(self.project.client.get(self.path, sort="asc", per_page=100))

    def bodies(self) -> list[str]:
        return [note["body"] for note in self.notes()]

    def change(self, note: int, secret: str) -> int:
        """The status of an answer to somebody who wants to change it."""
        headers = {"PRIVATE-TOKEN": secret}
        return self.project.client.ask("PUT", f"{self.path}/{note}", json={"body": "x"}, headers=headers).status_code


@pytest.fixture
def asked(gitlab: Embedded, project: Project) -> Iterator[Asked]:
    project.commit()
    project.client.post(f"{project.path}/repository/branches", branch="topic", ref="main")
    project.commit({"new": "x"}, branch="topic")
    made = project.client.post(
        f"{project.path}/merge_requests", source_branch="topic", target_branch="main", title="New"
    )
    name = str(project.client.get(project.path)["path_with_namespace"])
    secret = project.member(f"bot{project.id}")
    bot = GitLab(gitlab.url, lambda: secret)
    yield Asked(project, name, made["iid"], bot, secret)
    bot.close()


def test_what_is_said_again_stands_in_the_same_note(asked: Asked) -> None:
    first = asked.says("one")
    assert asked.says("two") == first
    assert asked.bodies() == [f"<!-- {MARK} -->\ntwo"]


def test_what_has_not_changed_is_not_written_again(asked: Asked) -> None:
    asked.says("one")
    (before,) = asked.notes()
    asked.says("one")
    assert asked.notes() == [before]


def test_what_is_said_about_something_else_is_a_note_of_its_own(asked: Asked) -> None:
    asked.says("one")
    asked.says("two", "chaos-gate plan subscriptions/basket.yaml")
    assert len(asked.bodies()) == 2


def test_a_note_of_somebody_else_with_the_mark_is_left_alone(asked: Asked) -> None:
    asked.project.client.post(asked.path, body=f"<!-- {MARK} -->\nI am the plan")
    asked.says("one")
    assert asked.bodies() == [f"<!-- {MARK} -->\nI am the plan", f"<!-- {MARK} -->\none"]


def test_its_note_is_found_behind_a_hundred_others(asked: Asked) -> None:
    for number in range(101):
        asked.project.client.post(asked.path, body=f"word {number}")
    first = asked.says("one")
    assert asked.says("two") == first


def test_what_is_too_long_for_a_note_is_cut_and_says_so(asked: Asked) -> None:
    asked.says("x" * (LONGEST + 1))
    (body,) = asked.bodies()
    assert len(body) == LONGEST
    assert body.endswith("GitLab takes no longer notes.")


def test_only_who_wrote_a_note_or_a_maintainer_may_change_it(asked: Asked) -> None:
    note = asked.says("one")
    other = asked.project.member(f"other{asked.project.id}", REPORTER)
    keeper = asked.project.member(f"keeper{asked.project.id}", MAINTAINER)
    assert [asked.change(note, each) for each in (other, asked.secret, keeper)] == [403, 200, 200]


def test_a_note_that_is_taken_away_is_gone(asked: Asked) -> None:
    note = asked.says("one")
    client = Client(asked.project.client.url, asked.secret)
    assert client.ask("DELETE", f"{asked.path}/{note}").status_code == 204
    assert client.ask("GET", f"{asked.path}/{note}").status_code == 404
    client.close()
    assert asked.notes() == []

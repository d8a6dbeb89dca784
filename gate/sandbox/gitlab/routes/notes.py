"""Notes of merge requests: what people and tools write below them, and change afterwards."""

from typing import Any

from gate.sandbox.gitlab import shapes
from gate.sandbox.gitlab.answers import forbidden, found
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Note, Role
from gate.sandbox.gitlab.routes.merge_requests import merge_request

ALL = f"{PROJECT}/merge_requests/<int:iid>/notes"
ONE = f"{ALL}/<int:number>"


class Notes:
    """The routes of notes; there are no threads and no system notes."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            Route(ALL, "GET", self._list),
            Route(ALL, "POST", self._create),
            Route(ONE, "GET", self._get),
            Route(ONE, "PUT", self._change),
            Route(ONE, "DELETE", self._delete),
        )

    def _list(self, key: str, iid: int) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        field, newest_first = self._asked.order("created_at", "updated_at", descending=True)
        notes = sorted(merge_request(project, iid).notes, key=lambda each: (getattr(each, field), each.id))
        return self._asked.page([self._shape(each) for each in (reversed(notes) if newest_first else notes)])

    def _create(self, key: str, iid: int) -> Answer:
        project, user = self._asked.seen(key, Role.REPORTER)
        (body,) = self._asked.wanted("body")
        state = self._asked.state
        now = state.now()
        note = Note(id=state.next_id("note"), author=user.id, body=body, created_at=now, updated_at=now)
        merge_request(project, iid).notes.append(note)
        return self._shape(note), 201

    def _get(self, key: str, iid: int, number: int) -> Answer:
        return self._shape(self._note(key, iid, number))

    def _change(self, key: str, iid: int, number: int) -> Answer:
        """Only the author may, or a maintainer."""
        note = self._own(key, iid, number)
        (note.body,) = self._asked.wanted("body")
        note.updated_at = self._asked.state.now()
        return self._shape(note)

    def _delete(self, key: str, iid: int, number: int) -> Answer:
        note = self._own(key, iid, number)
        project, _ = self._asked.seen(key)
        merge_request(project, iid).notes.remove(note)
        return "", 204

    def _own(self, key: str, iid: int, number: int) -> Note:
        project, user = self._asked.seen(key, Role.REPORTER)
        note = self._note(key, iid, number)
        if note.author != user.id and project.role(user) < Role.MAINTAINER:
            raise forbidden()
        return note

    def _note(self, key: str, iid: int, number: int) -> Note:
        project, _ = self._asked.seen(key, Role.REPORTER)
        return found(next((each for each in merge_request(project, iid).notes if each.id == number), None))

    def _shape(self, note: Note) -> dict[str, Any]:
        return shapes.note(note, self._asked.state, self._asked.url)

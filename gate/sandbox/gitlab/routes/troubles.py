"""The one address that a real GitLab does not have: where scripts order the trouble that they want to see."""

import re

import flask

from gate.sandbox.gitlab.answers import Refusal
from gate.sandbox.gitlab.asking import Answer, Asked, Route, Routes
from gate.sandbox.gitlab.trouble import Trouble, Troubles

ADDRESS = "/-/sandbox/troubles"


class Ordering:
    """The routes of trouble, for administrators."""

    def __init__(self, asked: Asked, troubles: Troubles) -> None:
        self._asked, self._troubles = asked, troubles

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (Route(ADDRESS, "POST", self._order), Route(ADDRESS, "DELETE", self._calm))

    def _order(self) -> Answer:
        self._asked.root()
        given = self._asked.given()
        trouble = Trouble(self._asked.chosen("trouble", list(Trouble)))
        try:
            self._troubles.order(
                trouble,
                times=self._asked.whole("times", 1),
                method=str(given.get("method", "POST")),
                path=str(given.get("path", ".*")),
                delay=float(given.get("delay", 0)),
            )
        except (re.error, ValueError) as error:
            raise Refusal(400, {"error": str(error)}) from error
        return flask.jsonify(dict(given)), 201

    def _calm(self) -> Answer:
        self._asked.root()
        self._troubles.calm()
        return "", 204

"""What a request can be answered with besides the thing it asked for."""

from typing import Any


class Refusal(Exception):
    """GitLab says no, in its own words."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


def missing(what: str) -> Refusal:
    """404, as for a thing that one may not see."""
    return Refusal(404, {"message": f"404 {what} Not Found"})

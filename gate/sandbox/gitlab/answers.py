"""What a request can be answered with besides the thing it asked for."""

from typing import Any, TypeVar

T = TypeVar("T")


class Refusal(Exception):
    """GitLab says no, in its own words."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status, self.body = status, body


def refused(status: int, message: object) -> Refusal:
    """With one message, as most refusals have."""
    return Refusal(status, {"message": message})


def missing(what: str = "") -> Refusal:
    """404, as for a thing that one may not see."""
    return refused(404, f"404 {what} Not Found" if what else "404 Not Found")


def forbidden() -> Refusal:
    """403: the role is too low."""
    return refused(403, "403 Forbidden")


def unauthorized() -> Refusal:
    """401: nobody is known by this token, or what is asked for takes more than a token."""
    return refused(401, "401 Unauthorized")


def invalid(parameter: str) -> Refusal:
    """400 for a parameter that has no such value; its key is `error`, as wherever GitLab does not get to the thing."""
    return Refusal(400, {"error": f"{parameter} does not have a valid value"})


def found(thing: T | None, what: str = "") -> T:
    """The thing, which has to be there. Raises `Refusal`."""
    if thing is None:
        raise missing(what)
    return thing

"""The objects of a mirror, as git gives them: one process of it waits for the next question."""

from collections.abc import Callable
from typing import Any, TypeVar

import git

from gate.errors import Temporary

Answer = TypeVar("Answer")


class Lacking(Exception):
    """The mirror does not have the object, or not whole."""


class Objects:
    """Used by one thread. All raise `Lacking`, and `Temporary` when git itself does not work."""

    def __init__(self, repo: git.Repo) -> None:
        self._repo = repo

    def size(self, sha: bytes) -> int:
        """In bytes; ask for it before the data of what somebody else has made."""
        return int(self._asked(lambda: self._repo.odb.info(sha)).size)

    def data(self, sha: bytes) -> bytes:
        data: bytes = self._asked(lambda: self._repo.odb.stream(sha).read())
        return data

    def commit(self, ref: str) -> str:
        """The id of the commit that it names; empty if it names none."""
        try:
            found: Any = self._asked(lambda: self._repo.git.get_object_header(f"{ref}^{{commit}}"))
            return bytes(found[0]).decode()
        except Lacking:
            return ""

    def forget(self) -> None:
        """End the process, which knows where the objects were."""
        self._repo.git.clear_cache()

    def _asked(self, question: Callable[[], Answer]) -> Answer:
        """Asks twice, for the process may have ended since the last time, for whatever reason."""
        try:
            return self._answered(question)
        except (OSError, ValueError):
            self.forget()
        try:
            return self._answered(question)
        except OSError as error:
            self.forget()
            raise Temporary(f"git cannot be asked for what is in {self._repo.git_dir}: {error}") from error
        except ValueError as error:
            self.forget()
            raise Lacking(str(error)) from error

    @staticmethod
    def _answered(question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except ValueError as error:
            if "missing" in str(error):  # git's own word for what it has looked for in vain
                raise Lacking(str(error)) from error
            raise

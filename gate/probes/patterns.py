"""The regular expressions of authors: those of RE2, which answer in a time that grows with the text alone.

Python's own can take for ever over a line of text, and nothing can stop them: a pattern in one document would hold up
all runs of the gate, and what they have to take back.
"""

from functools import lru_cache
from typing import Annotated

import re2
from pydantic import AfterValidator

OPTIONS = re2.Options()
OPTIONS.log_errors = False  # an error is told to the author, with the place


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re2._Regexp:
    return re2.compile(pattern, OPTIONS)


def _compiles(pattern: str) -> str:
    try:
        _compiled(pattern)
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise ValueError(f'"{pattern}" is not a regular expression as RE2 has them: {why}') from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
"""A regular expression that is found somewhere in a text."""


def is_found(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None

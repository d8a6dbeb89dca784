"""Documents in a folder, as an author has them before they are committed."""

import os
from collections.abc import Iterator
from pathlib import Path

from gate.documents.loading import Loaded, load
from gate.documents.vocabulary import Vocabulary
from gate.errors import GateError

ENDINGS = (".yaml", ".yml")


def read_paths(paths: list[Path], vocabulary: Vocabulary) -> Loaded:
    """All documents of these files, and of the YAML files in these folders; `GateError` for what is not there."""
    loaded = Loaded()
    for file in sorted({each for path in paths for each in _files(path)}):
        try:
            loaded += load(file.read_bytes(), os.path.relpath(file), vocabulary)
        except OSError as error:
            raise GateError(f"{file} cannot be read: {error.strerror}") from error
    return loaded


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (each for each in path.rglob("*") if each.suffix in ENDINGS and each.is_file())
    else:
        raise GateError(f"there is no file or folder {path}")

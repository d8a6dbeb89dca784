"""Documents in a folder, as an author has them before they are committed."""

import os
from collections.abc import Iterator
from pathlib import Path

from gate.documents.loading import LARGEST, Loaded, load
from gate.documents.vocabulary import Vocabulary
from gate.errors import GateError

ENDINGS = (".yaml", ".yml")
FOLDERS = ("subscriptions", "workflows")
"""Where a catalogue has its documents."""


def read_paths(paths: list[Path], vocabulary: Vocabulary) -> Loaded:
    """All documents of these files, and of the YAML files in these folders; `GateError` for what is not there.

    Of a folder that is a whole catalogue only what the gate would read is read; other YAML there is not ours.
    """
    return Loaded.together(
        _read(file, vocabulary) for file in sorted({each for path in paths for each in _files(path)})
    )


def _read(file: Path, vocabulary: Vocabulary) -> Loaded:
    try:
        with file.open("rb") as source:
            data = source.read(LARGEST + 1)
    except OSError as error:
        raise GateError(f"{file} cannot be read: {error.strerror}") from error
    return load(data, os.path.relpath(file), vocabulary)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder in [path / name for name in FOLDERS if (path / name).is_dir()] or [path]:
            yield from (each for each in folder.rglob("*") if each.suffix in ENDINGS and each.is_file())
    else:
        raise GateError(f"there is no file or folder {path}")

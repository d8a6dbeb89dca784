"""Documents in a folder, as an author has them before they are committed."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from gate.documents.loading import LARGEST, Broken, Loaded, load
from gate.documents.vocabulary import Vocabulary
from gate.errors import BadDocument, GateError, Place

ENDINGS = (".yaml", ".yml")
FOLDERS = ("subscriptions", "workflows")
"""Where a catalogue has its documents."""


MOST_FILES = 10_000
MOST_BYTES = 20_000_000
"""Of all documents together."""
MOST_VALUES = 500_000
"""Of all documents together; some thousands are read in a second."""
LINK = "is a link; put the document itself here"


def read_paths(paths: list[Path], vocabulary: Vocabulary) -> Loaded:
    """All documents of these files, and of the YAML files in these folders; `GateError` for what is not there.

    Of a folder that is a whole catalogue only what the gate would read is read; other YAML there is not ours. What the
    gate would refuse whatever is in it, such as a link, is a broken document here as well.
    """
    files = sorted({each for path in paths for each in _files(path)})
    links = {file for file in files if file.is_symlink()} - {*paths}
    read = [_refused(file, LINK) if file in links else _read(file, vocabulary) for file in files]
    return Loaded.together([*read, *_too_much(files, sum(each.values for each in read))])


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
            if folder.is_symlink() and folder is not path:
                yield folder
            else:
                yield from (each for each in folder.rglob("*") if _counts(each, folder))
    else:
        raise GateError(f"there is no file or folder {path}")


def _counts(path: Path, folder: Path) -> bool:
    """In the folders of a catalogue a link of whatever name may hide documents."""
    if path.is_symlink():
        return path.suffix in ENDINGS or folder.name in FOLDERS
    return path.suffix in ENDINGS and path.is_file()


def _too_much(files: Sequence[Path], values: int) -> Iterator[Loaded]:
    """What the gate would not take as a whole."""
    size = sum(min(file.lstat().st_size, LARGEST + 1) for file in files)
    if len(files) > MOST_FILES:
        yield _refused(files[-1], f"is one of {len(files)} files; a catalogue may have {MOST_FILES}")
    if values > MOST_VALUES:
        yield _refused(files[-1], f"is one of {values} values in documents; a catalogue may have {MOST_VALUES}")
    if size > MOST_BYTES:
        yield _refused(files[-1], f"is one of {size} bytes of documents; a catalogue may have {MOST_BYTES}")


def _refused(file: Path, why: str) -> Loaded:
    problem = BadDocument(why, place=Place(file=os.path.relpath(file)))
    return Loaded(broken=(Broken(kind="", name="", workload=None, problems=(problem,)),))

"""`make fuzz`: atheris makes up files, and the loader takes them: no traceback, no two seconds, no 200 MB.

What it has found out about the code is kept nowhere; a file that breaks something is, and the last lines say where.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from time import process_time

import atheris

with atheris.instrument_imports(include=["gate.documents"], enable_loader_override=False):
    from tests.documents.costly import COSTLY, most_memory, read_bytes

PROJECT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 2.0, 200.0
WORDS = (
    "apiVersion:",
    "chaosgate.dev/v1alpha1",
    "kind:",
    "Workflow",
    "Subscription",
    "Fault",
    "Policy",
    "spec:",
    "---\\n",
)
MARKS = ("&a", "*a", "<<:", "!!int", "${", "}", "|\\n", ">-\\n", "\\xef\\xbb\\xbf", "\\r\\n", "? ", "'", "%YAML 1.1\\n")


def try_one(data: bytes) -> None:
    """Raises what the loader raises, and `AssertionError` for what takes too long or too much."""
    began = process_time()
    read_bytes(data)
    took, memory = process_time() - began, most_memory()
    if took > SECONDS:
        raise AssertionError(f"took {took:.1f} s of the processor")
    if memory > MEGABYTES:
        raise AssertionError(f"the process has had {memory:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    found = PROJECT / "build" / "fuzz"
    found.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chaos-gate-fuzz-") as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        samples = [*PROJECT.glob("workflows/*.yaml"), *PROJECT.glob("subscriptions/*.yaml")]
        samples += PROJECT.glob("gate/documents/beginnings/*.yaml")
        for number, data in enumerate([*(each.read_bytes() for each in samples), *_costly()]):
            (corpus / str(number)).write_bytes(data)
        words = Path(folder) / "words"
        words.write_text("".join(f'"{_quoted(word)}"\n' for word in (*WORDS, *MARKS)))
        options = [
            f"-max_total_time={arguments.seconds}",
            "-max_len=20000",
            f"-artifact_prefix={found}/",
            f"-dict={words}",
        ]
        atheris.Setup([sys.argv[0], *options, "-verbosity=0", "-print_final_stats=1", str(corpus)], try_one)
        atheris.Fuzz()


def _costly() -> list[bytes]:
    """The beginnings of what was made to cost much."""
    return [make()[:5000].encode() for make in COSTLY.values()]


def _quoted(word: str) -> str:
    """As libFuzzer wants it: hexadecimal for what is no letter."""
    data = word.encode().decode("unicode_escape").encode("latin-1")
    return "".join(f"\\x{byte:02x}" for byte in data)


if __name__ == "__main__":
    main()

"""Builds a Kubernetes control plane from its Go modules into a cache outside the checkout, once per machine.

`python -m tests.control_plane.build`, which is what `make control-plane` calls. What is built, in which versions, says
`go.mod` beside this file. kwok is built by itself: it does not compile with the libraries of this Kubernetes.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
KWOK = "v0.7.0"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")
NEEDED = 6 * 1024**3
"""Bytes: a gigabyte of modules, three to four of Go's build cache, and half a gigabyte of programs."""
EXIT_NO_GO = 3

_PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    **{name: f"k8s.io/kubernetes/cmd/{name}" for name in PROGRAMS if name.startswith("kube")},
}


class CannotBuild(Exception):
    """There is no control plane to be had here; the message says what is missing."""


def version() -> str:
    """The version of Kubernetes, such as v1.34.4."""
    found = re.search(r"^\s*k8s\.io/kubernetes (v\S+)$", (HERE / "go.mod").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def folder() -> Path:
    """Where the programs of these versions are kept; it need not be there yet."""
    content = (HERE / "go.mod").read_bytes() + (HERE / "go.sum").read_bytes() + KWOK.encode()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "chaos-gate" / f"control-plane-{version()}-{hashlib.sha256(content).hexdigest()[:12]}"


def program(name: str) -> Path | None:
    """A program that is there: in KUBEBUILDER_ASSETS, where somebody has put it, or in our cache."""
    places = [Path(assets)] if (assets := os.environ.get("KUBEBUILDER_ASSETS")) else []
    return next((found for place in [*places, folder()] if (found := place / name).is_file()), None)


def missing() -> list[str]:
    """The programs that are not there yet."""
    return [name for name in PROGRAMS if program(name) is None]


def build() -> None:
    """Build what is missing. Raises `CannotBuild`; what was built before stays."""
    if not missing():
        return
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    with _alone(target / ".lock"):
        wanted = missing()
        if not wanted:
            return
        if shutil.which("go") is None:
            raise CannotBuild(
                f"there is no {', '.join(wanted)} in KUBEBUILDER_ASSETS or {target}; "
                "they are built with Go 1.24 or newer, and there is no `go` on the PATH"
            )
        _check_disk(target)
        for number, name in enumerate(wanted, start=1):
            _build(name, target, f"{number}/{len(wanted)}")


def _build(name: str, target: Path, which: str) -> None:
    began = time.monotonic()
    unfinished = target / f".{name}.unfinished"
    if name == "kwok":
        command = ["go", "install", "-v", "-ldflags=-s -w", f"sigs.k8s.io/kwok/cmd/kwok@{KWOK}"]
    else:
        command = ["go", "build", "-v", f"-ldflags={_flags()}", "-o", str(unfinished), _PACKAGES[name]]
    _follow(command, {"GOBIN": str(target)} if name == "kwok" else {}, f"{which} {name}")
    if unfinished.exists():
        unfinished.rename(target / name)
    _say(f"{which} {name}: built in {time.monotonic() - began:.0f} s", last=True)


def _flags() -> str:
    """The linker's flags: without them the programs call themselves v0.0.0, and kubectl warns of its distance."""
    major, minor, _ = version().removeprefix("v").split(".")
    said = {"gitVersion": version(), "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{name}={value}" for name, value in said.items())])


def _follow(command: Sequence[str], more: dict[str, str], what: str) -> None:
    """Run Go and say how far it is: it names each module that it loads and each package that it compiles."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false", "GOWORK": "off", **more}
    with subprocess.Popen(
        command, cwd=HERE, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stderr is not None
        lines: list[str] = []
        said = time.monotonic()
        for line in running.stderr:
            lines.append(line)
            pause = 0.2 if sys.stderr.isatty() else 30.0
            if time.monotonic() - said >= pause:
                _say(f"{what}: {len(lines)} packages, now {line.strip()[:60]}")
                said = time.monotonic()
    if running.returncode != 0:
        raise CannotBuild(f"{' '.join(command[:2])} for {what} failed:\n{''.join(lines[-15:])}")


def _check_disk(target: Path) -> None:
    places = [target]
    for variable in ("GOMODCACHE", "GOCACHE"):
        answer = subprocess.run(["go", "env", variable], capture_output=True, text=True, check=True)
        places.append(Path(answer.stdout.strip()))
    for place in places:
        there = next(parent for parent in [place, *place.parents] if parent.exists())
        free = shutil.disk_usage(there).free
        if free < NEEDED:
            raise CannotBuild(f"{there} has {free / 1024**3:.1f} GiB free, and the build wants {NEEDED / 1024**3:.0f}")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One build at a time on a machine; who comes later waits, and finds everything there."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _say(text: str, *, last: bool = False) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="\n" if last else "", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def main() -> int:
    """0: everything is there. 1: the build failed. 3: there is no Go to build it with."""
    try:
        build()
    except CannotBuild as problem:
        _say(str(problem), last=True)
        return EXIT_NO_GO if shutil.which("go") is None else 1
    places = sorted({str(found.parent) for name in PROGRAMS if (found := program(name))})
    _say(f"Kubernetes {version()}, etcd and kwok {KWOK} are in {' and '.join(places)}", last=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

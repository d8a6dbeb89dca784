"""`python -m tests.samples.record [NAME …]`: play the scenarios on a real control plane and write down what it told."""

import argparse
import contextlib
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import grounds
from tests.grounds import Ground
from tests.samples import recording
from tests.samples.jobs import SCENARIOS as JOBS
from tests.samples.playing import Play
from tests.samples.recording import Recording
from tests.samples.rollouts import SCENARIOS as ROLLOUTS
from tests.samples.services import SCENARIOS as SERVICES
from tests.samples.workloads import SCENARIOS as WORKLOADS
from tests.samples.workloads import Moments

HERE = Path(__file__).parent

KINDS = {
    "rollouts": ("deployments", "replicasets", "pods"),
    "jobs": ("jobs", "pods"),
    "services": ("services", "endpoints", "endpointslices", "pods"),
}
SCENARIOS: dict[str, dict[str, Callable[[Play], None]]] = {"rollouts": ROLLOUTS, "jobs": JOBS, "services": SERVICES}
"""By folder."""


def path_of(folder: str, name: str) -> Path:
    return HERE / folder / f"{name}.json"


def kept(folder: str, name: str) -> Recording:
    """The recording in git."""
    return Recording.from_json(path_of(folder, name).read_text())


def kept_moments(name: str) -> Moments:
    return Moments.from_json(path_of("workloads", name).read_text())


def recorded(ground: Ground, folder: str, name: str) -> Recording:
    """Play one scenario in a namespace of its own."""
    scenario = SCENARIOS[folder][name]
    with _namespace(ground) as play:
        moment = recording.now(play)
        scenario(play)
        says = " ".join((scenario.__doc__ or "").split())
        return Recording(says=says, steps=recording.since(play, moment, *KINDS[folder]))


def taken(ground: Ground, name: str) -> Moments:
    with _namespace(ground) as play:
        return WORKLOADS[name](play)


@contextlib.contextmanager
def _namespace(ground: Ground) -> Iterator[Play]:
    play = Play(ground=ground, namespace=f"play-{uuid.uuid4().hex[:8]}")
    ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": play.namespace}})
    account = f"/api/v1/namespaces/{play.namespace}/serviceaccounts/default"
    play.until(lambda: not ground.is_real or ground.ask("GET", account).status_code == 200)
    yield play
    ground.ask("DELETE", f"/api/v1/namespaces/{play.namespace}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", help="scenarios to record; all, if none is named")
    wanted = parser.parse_args().name
    with (
        tempfile.TemporaryDirectory(prefix="samples-") as place,
        grounds.control_plane(Path(place)) as (ground, _),
    ):
        for folder, scenarios in SCENARIOS.items():
            for name in (name for name in scenarios if not wanted or name in wanted):
                _write(path_of(folder, name), recorded(ground, folder, name).to_json())
        for name in (name for name in WORKLOADS if not wanted or name in wanted):
            _write(path_of("workloads", name), taken(ground, name).to_json())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    sys.stdout.write(f"{path.relative_to(HERE)}: {len(text) // 1000} kB\n")


if __name__ == "__main__":
    main()

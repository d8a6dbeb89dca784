"""`make bench-catalogue`: 1,000 subscriptions to 1,000 workflows out of real git, read by the gate and by lint.

Each round pushes a commit that changes one document, and what is measured is what the gate does then: it reads the new
revision, and has it in force. A figure is the median of the rounds, beside it stands the range.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.table import Figure, show
from gate.catalogue.repository import Repository
from gate.catalogue.sources import Source
from gate.catalogue.subscribed import Subscribed
from gate.wire.vocabulary import vocabulary

COUNT = 1000
SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {{name: service-{n}, labels: {{team: team-{team}}}}}
spec:
  workload: {{kind: Deployment, namespace: team-{team}, name: service-{n}}}
  environment: staging
  workflows:
    - name: survives-{n}
      parameters: {{patience: {patience}ms}}
  deadline: 20m
  gitlab: {{project: team-{team}/service-{n}}}
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {{name: survives-{n}}}
spec:
  parameters:
    patience: {{default: 300ms, description: how long a customer waits}}
  load:
    - name: shoppers
      http: {{url: "http://${{workload.name}}.${{workload.namespace}}:8080/", rate: 20/s}}
  steadyState:
    - name: it answers
      http: {{url: "http://${{workload.name}}.${{workload.namespace}}:8080/"}}
      every: 100ms
      expect: {{status: 200, latency: "${{parameters.patience}}"}}
      tolerate: {{failures: 1%, streak: 1s}}
  steps:
    - {{name: one pod dies, fault: pod-kill, with: {{count: 1}}, hold: 20s, recover: 15s}}
    - {{name: it is busy, fault: cpu-stress, hold: 20s, recover: 15s}}
"""
NEW = "a new revision is read and in force"
GOALS: Mapping[str, tuple[str, float | None]] = {
    "the first revision is read and in force": ("s", None),
    NEW: ("s", 1.0),
    "of that, until it is read": ("s", None),
    "of that, the processor's time": ("s", None),
    "documents parsed for it": ("", 1),
    "lint of 1,000 documents, the command": ("s", 2.0),
    "of that, the processor's time, all in all": ("s", None),
}
"""What is measured -> its unit, and the most that it may be."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("build/bench-catalogue.json"), help="where the figures go")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="chaos-gate-bench-") as folder:
        measured = _measured(Path(folder), arguments.rounds)
    print(show([_figure(what, values) for what, values in measured.items()], arguments.json))


def _figure(what: str, values: Sequence[float]) -> Figure:
    unit, goal = GOALS[what]
    return Figure(what=what, value=median(values), unit=unit, goal=goal, spread=(min(values), max(values)))


def _measured(folder: Path, rounds: int) -> Mapping[str, Sequence[float]]:
    origin, found = folder / "origin", {what: list[float]() for what in GOALS}
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", origin], check=True)
    _commit(origin, dict(_documents()))
    repository = Repository(Source(address=str(origin)), folder / "mirror", vocabulary())
    subscribed = Subscribed(lambda: datetime.now(UTC))
    first, *_ = _taken(repository, subscribed)
    found["the first revision is read and in force"].append(first)
    for number in range(rounds):
        _commit(origin, {_path("subscriptions", number): _subscription(number, 500 + number)})
        whole, read, processor, parsed = _taken(repository, subscribed)
        found[NEW].append(whole)
        found["of that, until it is read"].append(read)
        found["of that, the processor's time"].append(processor)
        found["documents parsed for it"].append(parsed)
    repository.close()
    half = folder / "half"
    for path, text in _documents(COUNT // 2):
        (half / path).parent.mkdir(parents=True, exist_ok=True)
        (half / path).write_text(text)
    lint = [str(Path(sys.executable).with_name("chaos-gate")), "lint", str(half)]
    for _ in range(rounds):
        worked = _of_children()
        took = _timed(lambda: subprocess.run(lint, check=True, stdout=subprocess.DEVNULL))
        found["lint of 1,000 documents, the command"].append(took)
        found["of that, the processor's time, all in all"].append(_of_children() - worked)
    return found


def _taken(repository: Repository, subscribed: Subscribed) -> tuple[float, float, float, int]:
    """How long the newest revision takes until it is in force, how much of that to be read and how much of it the
    processor worked, and how many documents were parsed.
    """
    repository.fetch()
    before = subscribed.catalogue
    began, worked = time.perf_counter(), time.process_time()
    catalogue = repository.read(datetime.now(UTC))
    read = time.perf_counter() - began
    subscribed.put(catalogue)
    whole, worked = time.perf_counter() - began, time.process_time() - worked
    kept = {id(each) for each in (*before.loaded.subscriptions, *before.loaded.workflows)} if before else set()
    now = (*catalogue.loaded.subscriptions, *catalogue.loaded.workflows)
    if len(now) != 2 * COUNT or catalogue.loaded.broken or len(subscribed.workloads()) != COUNT:
        raise RuntimeError("the catalogue was not read whole")
    return whole, read, worked, sum(id(each) not in kept for each in now)


def _of_children() -> float:
    """Seconds that a processor has worked for the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _documents(count: int = COUNT) -> Iterator[tuple[str, str]]:
    for number in range(count):
        yield _path("subscriptions", number), _subscription(number, 400)
        yield _path("workflows", number), WORKFLOW.format(n=number)


def _path(folder: str, number: int) -> str:
    return f"{folder}/team-{number % 20}/{number}.yaml"


def _subscription(number: int, patience: int) -> str:
    return SUBSCRIPTION.format(n=number, team=number % 20, patience=patience)


def _commit(origin: Path, files: Mapping[str, str]) -> None:
    """These files changed, and no others."""
    parent = subprocess.run(
        ["git", "-C", origin, "rev-parse", "-q", "--verify", "main"], check=False, capture_output=True
    )
    stream = ["commit refs/heads/main\ncommitter bench <bench@example.org> 1 +0000\ndata 0\n"]
    stream += ["from refs/heads/main^0\n"] if parent.returncode == 0 else []
    stream += [f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n" for path, text in files.items()]
    subprocess.run(["git", "-C", origin, "fast-import", "--quiet"], input="".join(stream).encode(), check=True)


if __name__ == "__main__":
    main()

"""`make bench-wait`: 1,000 jobs that wait at one gate, ten for each of 100 services.

Each job asks as `chaos-gate wait` does: one question, held by the gate until there is another answer, over a connection
of its own, and then again. Meanwhile something else changes each second, as while runs are on. What is measured is the
gate's web room with its server, in a process of its own: memory is what the waiting adds to it.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlencode, urlsplit

from bench.gate import megabytes, processor_seconds
from bench.table import Figure, percentile, show
from gate.cli.waiting import POLL

SERVICES, JOBS = 100, 10
PATIENCE = 60.0

SERVER = f"""
import sys, threading
from dataclasses import replace
from gate.model import Gate, GateStatus, Subscription, WorkflowUse, Workload, WorkloadKind, WorkloadName
from datetime import timedelta
from gate.web.answers import lot_of
from gate.web.app import create_app
from gate.web.server import Server
from tests.web.conftest import Known

names = [WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name=f"service-{{n}}") for n in range({SERVICES})]
now = timedelta(0)
known = Known()
known.all_subscriptions = [
    Subscription(name=each.name, workload=each, environment="staging", workflows=(WorkflowUse(name="short"),),
                 settle=now, deadline=now, project=f"shop/{{each.name}}")
    for each in names
]
known.all_gates = [
    Gate(namespace="shop", name=each.name, uid=each.name, workload=Workload(name=each, uid="w"),
         status=GateStatus(message="chaos workflows run", subscriptions=(each.name,)))
    for each in names
]
def ring():
    while not ended.wait(1):
        known.changes.ring()
ended = threading.Event()
threading.Thread(target=ring, daemon=True).start()
with Server(create_app(known), lot=lot_of(known)) as server:
    print(server.address, flush=True)
    for line in sys.stdin:
        number = int(line)
        gate = known.all_gates[number]
        known.all_gates[number] = replace(gate, status=replace(gate.status, message=f"news {{number}}"))
        known.changes.ring()
"""
"""Services with a gate each. Something changes each second, which concerns nobody who waits."""


@dataclass
class Job:
    """A job that waits for one service."""

    service: str
    etag: str = ""
    answers: int = 0
    heard: list[tuple[str, float]] = field(default_factory=list)
    """The messages that were new, and when they came."""

    async def ask(self, host: str, port: int, hold: float) -> None:
        """One question, over a connection of its own."""
        asked = {"namespace": "shop", "name": self.service, "after": self.etag, "timeout": f"{hold:.1f}"}
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(f"GET /api/v1/wait?{urlencode(asked)} HTTP/1.1\r\nHost: gate\r\n\r\n".encode())
            status = await reader.readline()
            length = 0
            while (line := await reader.readline()) not in {b"\r\n", b""}:
                name, _, value = line.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
            said = json.loads(await reader.readexactly(length))
        finally:
            writer.close()
        if b" 200 " not in status:
            raise RuntimeError(f"the gate answered {status!r}: {said}")
        if said["etag"] != self.etag:
            self.heard.append((said["message"], time.monotonic()))
        self.etag, self.answers = said["etag"], self.answers + 1

    async def wait(self, host: str, port: int) -> None:
        while True:
            await self.ask(host, port, POLL)


@contextlib.contextmanager
def serving() -> Iterator["subprocess.Popen[str]"]:
    """The web room in a process of its own; it prints its address, and takes the numbers of services with news."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def tell(process: "subprocess.Popen[str]", number: int) -> None:
    """The gate of that service says something else."""
    said = cast("IO[str]", process.stdin)
    said.write(f"{number}\n")
    said.flush()


async def measured(process: "subprocess.Popen[str]", address: str, seconds: float) -> list[Figure]:
    """All jobs wait; then one service after the other has news for its ten."""
    where = urlsplit(address)
    host, port = str(where.hostname), int(where.port or 0)
    before = megabytes(process)
    jobs = [Job(service=f"service-{number % SERVICES}") for number in range(SERVICES * JOBS)]
    for first in range(0, len(jobs), 50):
        await asyncio.gather(*(job.ask(host, port, 0) for job in jobs[first : first + 50]))
    waiting = [asyncio.create_task(job.wait(host, port)) for job in jobs]
    await asyncio.sleep(5)
    began, used = time.monotonic(), processor_seconds(process)
    answered = sum(job.answers for job in jobs)
    await asyncio.sleep(seconds)
    share = (processor_seconds(process) - used) / (time.monotonic() - began)
    rate = (sum(job.answers for job in jobs) - answered) / (time.monotonic() - began)
    most = megabytes(process, "VmHWM")
    late = []
    for number in range(10):
        told = time.monotonic()
        tell(process, number)
        concerned = [job for job in jobs if job.service == f"service-{number}"]
        while not all(any(message == f"news {number}" for message, _ in job.heard) for job in concerned):
            if time.monotonic() - told > PATIENCE:
                raise RuntimeError(f"the jobs of service-{number} did not hear its news")
            await asyncio.sleep(0.02)
        late += [at - told for job in concerned for message, at in job.heard if message == f"news {number}"]
    ended = [task for task in waiting if task.done()]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    if ended:
        raise RuntimeError(f"{len(ended)} jobs ended by themselves: {ended[0].exception()!r}")
    return [
        Figure(what="memory that 1,000 waiting jobs add", value=most - before, unit="MB", goal=100),
        Figure(what="memory of that process with them", value=most, unit="MB"),
        Figure(what="processor while they wait", value=100 * share, unit="% of a core", goal=5),
        Figure(what="questions that are answered", value=rate, unit="1/s"),
        Figure(what="news reaches a job, p50", value=percentile(late, 0.5), unit="s"),
        Figure(what="news reaches a job, p99", value=percentile(late, 0.99), unit="s", goal=5),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds",
        type=float,
        default=100,
        help="how long the jobs are watched while they wait (100: two questions each)",
    )
    parser.add_argument("--json", type=Path, default=Path("build/bench-wait.json"), help="where the figures go")
    chosen = parser.parse_args()
    with serving() as process:
        address = cast("IO[str]", process.stdout).readline().strip()
        figures = asyncio.run(measured(process, address, chosen.seconds))
    sys.stdout.write(show(figures, chosen.json) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The gate as one process, run until told to stop.

Nothing is ready before the cluster was listed, so that is begun first; what else a gate is made of is loaded while the
server answers.
"""

import logging
import sys
import threading
from contextlib import ExitStack
from datetime import timedelta

from gate.cluster.api import Api
from gate.cluster.clock import ServerClock
from gate.config import Settings
from gate.running.time import SystemClock, since_boot
from gate.wire.copies import Copies
from gate.wire.identity import identity

log = logging.getLogger(__name__)

TURN = timedelta(milliseconds=1)
"""For how long a thread that computes keeps those waiting to whom the server has answered."""


def serve(settings: Settings, stop: threading.Event) -> None:
    """Run the gate until `stop` is set. What breaks on the way is tried again; only what cannot start is raised."""
    sys.setswitchinterval(TURN.total_seconds())
    me = identity()
    clock = ServerClock(SystemClock(), since_boot)
    # Up to the slash it is the manager of the fields that we write: one for all replicas that ever were.
    api = Api.from_environment(agent=f"chaos-gate/{me}").timing(clock)
    copies = Copies(api, settings.namespaces, monotonic=clock.monotonic)
    with ExitStack() as running:
        running.callback(_follow(copies).set)
        from gate.wire.process import Process

        process = Process(settings, api, clock, copies, me)
        with ExitStack() as failing:
            failing.callback(process.close)
            server = running.enter_context(process.web())
            failing.pop_all()
        log.info("gate.start replica=%s kubernetes=%s web=%s", me, api.host, server.address)
        log.info("gate.start catalogue=%s", process.repository.shown)
        running.callback(process.close)
        process.start()
        stop.wait()
        log.info("gate.stop")


def _follow(copies: Copies) -> threading.Event:
    """Begin to read what is in the cluster, which changes nothing there, until the event is set."""
    stop = threading.Event()
    # Watches block in reads that nothing but the server ends: they may not hold the process back.
    for number, mirror in enumerate(copies.mirrors):
        threading.Thread(target=mirror.run, args=(stop,), name=f"watch {number}", daemon=True).start()
    return stop

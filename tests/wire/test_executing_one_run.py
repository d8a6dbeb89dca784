"""The executor of one run, as its Job has it: it hears of nothing, and looks by itself."""

import threading
from collections.abc import Callable
from dataclasses import replace

from gate.cluster.api import Api
from gate.cluster.mode import CONFIG_MAP
from gate.cluster.runs import Runs
from gate.config import Settings
from gate.model import Reason, RunPhase
from gate.running.turns import WAITING
from gate.wire.executing import Outcome, execute
from tests.runs import created, found, spec

HOME = "default"


def test_a_run_that_waits_hears_that_it_was_stopped(
    api: Api, eventually: Callable[[Callable[[], object]], None]
) -> None:
    api.create("configmaps", HOME, {"metadata": {"name": CONFIG_MAP}, "data": {"mode": "pause"}})
    run = created(api, HOME, "waits", replace(spec(HOME), asked_by="somebody"))
    settings, stop = Settings.to_execute({"CHAOS_GATE_NAMESPACE": HOME}), threading.Event()
    outcomes: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: outcomes.append(execute(settings, api, HOME, run.name, stop, keep=False)), daemon=True
    )
    thread.start()
    try:
        eventually(lambda: found(api, HOME, run.name).status.activity.startswith(WAITING))
        Runs(api).abort(run, Reason.ABORTED)
        eventually(lambda: found(api, HOME, run.name).status.phase is RunPhase.EXECUTED)
        eventually(lambda: outcomes)
    finally:
        stop.set()
        thread.join(30)
    assert outcomes == [Outcome.DONE]

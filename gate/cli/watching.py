"""Watching one run until it is judged: a line for each thing that happens, and for each thing that it waits for."""

from collections.abc import Callable
from datetime import timedelta

from gate.cli.duration import spoken
from gate.errors import Permanent, Temporary
from gate.model import Run, RunPhase

PACE = 0.5
"""Seconds between two looks."""
LONELY = 20.0
"""Seconds after which a run that nobody has taken up is likely to be nobody's."""
GRACE = timedelta(minutes=2)
"""After the run's deadline: a gate that lives has ended and judged it long before."""
HEARTBEAT = 30.0
"""Seconds of silence after which a line is said."""


class NoVerdict(Permanent):
    """Nobody has given the run one in time."""


class Watching:
    """One run, watched from when it was made."""

    def __init__(
        self,
        look: Callable[[], Run | None],
        *,
        deadline: timedelta,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        say: Callable[[str], None],
    ) -> None:
        self._look, self._monotonic, self._sleep, self._say = look, monotonic, sleep, say
        self._begun = self._spoke = monotonic()
        self._patience = (deadline + GRACE).total_seconds()
        self._told = 0
        self._activity = ""
        self._away = self._lonely = False

    def end(self) -> Run:
        """The run with its verdict. `Permanent` if it is gone before it has one, `NoVerdict` if nobody gives it one in
        time.
        """
        while self._monotonic() - self._begun < self._patience:
            run = self._now()
            if run is not None:
                self._tell(run)
                if run.status.phase is RunPhase.JUDGED:
                    return run
            self._sleep(PACE)
        raise NoVerdict("nobody has given the run a verdict, and its deadline is long over: no gate runs for it")

    def _now(self) -> Run | None:
        """The run as it is; None while the cluster cannot be asked."""
        try:
            run = self._look()
        except Temporary as error:
            if not self._away:
                self._line(f"{error}; looking again")
            self._away = True
            return None
        if run is None:
            raise Permanent("the ChaosRun was deleted before it had a verdict")
        self._away = False
        return run

    def _tell(self, run: Run) -> None:
        for entry in run.status.timeline[self._told :]:
            self._line(entry.what)
        self._told = len(run.status.timeline)
        activity = run.status.activity
        if activity and activity != self._activity:
            self._activity = activity
            self._line(activity)
        elif self._monotonic() - self._spoke >= HEARTBEAT:
            self._line(f"still {activity or run.status.phase.lower()}")
        if not (run.begun or activity or self._lonely) and self._monotonic() - self._begun >= LONELY:
            self._lonely = True
            name = f"{run.namespace}/{run.name}"
            self._line(f"nobody has taken it up: is a gate running for this namespace? chaos-gate execute {name} does")

    def _line(self, what: str) -> None:
        self._spoke = self._monotonic()
        self._say(f"[{spoken(timedelta(seconds=round(self._spoke - self._begun))):>12}] {what}")

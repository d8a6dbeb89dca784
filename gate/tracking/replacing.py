"""Whether what an answer is about is just being replaced. Pure.

A pod template that names the same image may bring other content, or only restart what is there. Which of both is known
when the rollout is over; until then the answer of before is no answer to whoever waits for what is on its way.

That a template is another one than the one that was complete last is known from the template itself. Counts of pods do
not tell it where all old ones go at once (`Recreate`, `maxUnavailable: 100%`).
"""

from gate.model import GateStatus, Progress, Rollout

ON_ITS_WAY = "another pod template is on its way"


def replaced(rollout: Rollout, before: GateStatus, status: GateStatus) -> str:
    """How far it was, in words; empty while nothing is replaced, or there is no answer that could be taken for its own.

    Once begun it goes on until the rollout is complete, also where somebody goes back to the template of before. What
    was said of the first pods stays: each step of the rollout would be a write. A scaling, or a pod that is killed,
    replaces nothing.
    """
    if status.verdict is None or rollout.progress is Progress.COMPLETE:
        return ""
    if not (rollout.replacing or before.replacing or _is_another(rollout.template, before.template)):
        return ""
    if rollout.progress is not Progress.ROLLING:
        return rollout.message
    if before.replacing not in {"", ON_ITS_WAY}:
        return before.replacing
    return rollout.message if rollout.replacing else ON_ITS_WAY


def template(rollout: Rollout, before: GateStatus) -> str:
    """The pod template that was complete last, as far as anybody knows."""
    return (rollout.template if rollout.progress is Progress.COMPLETE else "") or before.template


def _is_another(now: str, before: str) -> bool:
    """One that is not known is not another one."""
    return bool(now and before) and now != before

"""Whether what an answer is about is just being replaced. Pure.

A pod template that names the same image may bring other content, or only restart what is there. Which of both is known
when the rollout is over; until then the answer of before is no answer to whoever waits for what is on its way.
"""

from gate.model import GateStatus, Progress, Rollout


def replaced(rollout: Rollout, before: GateStatus, status: GateStatus) -> str:
    """How far it is, in words; empty while nothing is replaced, or there is no answer that could be taken for its own.

    Once begun it goes on until the rollout is complete: between the last pod of before and the first new one nothing
    else shows it. A scaling, or a pod that is killed, replaces nothing.
    """
    if status.verdict is None or rollout.progress is Progress.COMPLETE:
        return ""
    return rollout.message if rollout.replacing or before.replacing else ""

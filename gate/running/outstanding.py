"""What a run has failed to take back so far: still in force although it should not be. Pure."""

from gate.model import Run, RunPhase, RunStatus, Undo

OVER = (RunPhase.EXECUTED, RunPhase.JUDGED)


def outstanding(status: RunStatus) -> tuple[Undo, ...]:
    """The acts whose revert failed, and all that are in force although the run is over. A fault that is in force while
    it is held is none of these.
    """
    left = (undo for undo in status.evidence.undo if undo.reverted is None)
    return tuple(undo for undo in left if undo.error or status.phase in OVER)


def unreverted(undo: Undo) -> str:
    """One act that is outstanding: what, of what, and why it still is."""
    target = undo.target
    name = f"{target.namespace}/{target.name}" if target.namespace else target.name
    why = f": {undo.error}" if undo.error else ""
    return f"{undo.fault} of {target.kind} {name} could not be taken back and still is in force{why}"


def in_words(run: Run) -> str:
    """All that the run has outstanding; empty if there is nothing. Names the remedy that is left to people."""
    left = outstanding(run.status)
    if not left:
        return ""
    said = "; ".join(map(unreverted, left))
    remedy = f"chaos-gate override --reverted-by-hand {run.namespace}/{run.name} --reason …"
    return f"{said}; it is tried again until it works, or somebody has put it back and says so: {remedy}"

"""A person lets a version through although it has not passed: written into its gate, beside the verdict."""

from datetime import timedelta

from gate.cluster.api import Api
from gate.cluster.clock import ServerClock
from gate.cluster.gates import Gates
from gate.errors import Conflict, Denied, Permanent
from gate.model import Gate, GateOverride
from gate.quantities import in_words
from gate.running.time import SystemClock, since_boot
from gate.tracking.overrides import LONGEST, in_question

TRIES = 20
"""A gate that is judging is written now and then, and never so often."""


def let_through(api: Api, gate: Gate, version: str, reason: str, lasting: timedelta) -> GateOverride:
    """Write down that the version may go on for so long, who said so (as the API server knows them), when and why.

    When it begins and ends goes by the API server's clock, as the gate's own time does. Raises `Permanent` for a
    version of which the gate knows nothing, and `Denied` if that person may not.
    """
    if lasting > LONGEST:
        raise Permanent(f"--until {in_words(lasting)} is more than {in_words(LONGEST)}; say it again when that is over")
    clock = ServerClock(SystemClock(), since_boot)
    api = api.timing(clock)
    gates, who = Gates(api), api.user()
    for _ in range(TRIES):
        present = gates.get(gate.workload.name)
        if present is None or present.uid != gate.uid:
            raise Permanent(f"the gate of {gate.workload.name} is gone: its workload was deleted, or made anew")
        _insist_that_it_knows(present, version)
        now = clock.now().replace(microsecond=0)
        override = GateOverride(version=version, who=who, reason=reason, at=now, until=now + lasting)
        try:
            gates.override(present, override)
        except Conflict:  # the gate has written its status in this moment
            continue
        except Denied as error:
            where = f"--namespace {gate.namespace} --clusterrole chaos-gate-overrides --user"
            remedy = f"whoever may name you does it by: kubectl create rolebinding overrides {where} {who}"
            raise Denied(f"{who} may not override in {gate.namespace}; {remedy} ({error})") from error
        return override
    raise Permanent(f"the gate of {gate.workload.name} was written by others {TRIES} times; say it again")


def _insist_that_it_knows(gate: Gate, version: str) -> None:
    """A key that is misspelt would let nothing through, and nobody would see why."""
    status = gate.status
    present = in_question(status)
    judged = dict.fromkeys(each.version for each in status.judged if each.version != present)
    if version in {present, *judged} and version:
        return
    said = [f"in question is {present} ({status.verdict or 'not judged yet'})" if present else "none is in question"]
    said += [f"judged before were {', '.join(judged)}"] if judged else []
    raise Permanent(f"the gate of {gate.workload.name} knows no version {version}; {'; '.join(said)}")

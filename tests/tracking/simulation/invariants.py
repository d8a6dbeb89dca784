"""What must hold of every history, whatever went wrong in it: each a sentence that raises `AssertionError`."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise

from gate.model import (
    Announcement,
    GateStatus,
    Phase,
    Reason,
    Run,
    RunPhase,
    StatusState,
    Verdict,
)
from gate.tracking.answers import OPEN_QUESTIONS, REFUSED
from gate.tracking.judgements import fold
from tests.tracking.simulation.world import START, GateWrite, RunMade, World

Set = tuple[RunMade, ...]
"""The runs of one judgement."""


def the_world_comes_to_rest(world: World) -> None:
    """When nothing happens any more, the gate stops writing and waiting."""
    assert not world.restless, "it did not come to rest"


def the_gate_is_about_what_runs(world: World) -> None:
    """The gate is that of the workload that is there, and its version the one that really runs."""
    gate = world.gate()
    assert gate, "there is no gate"
    assert gate.workload.uid == world.shop.uid, f"the gate is for {gate.workload.uid}, but {world.shop.uid} is there"
    assert gate.status.version == _runs(world), f"version {_runs(world)} runs"


def the_version_that_stays_has_its_answer(world: World) -> None:
    """What has come to stay is judged, or was there before the gate knew that it should look."""
    status = _status(world)
    if status.recorded == status.version:
        assert (status.phase, status.reason) == (Phase.PENDING, Reason.NOT_JUDGED_YET)
        return
    assert status.verdict, f"version {status.version} has no verdict: {status.message}"
    assert status.reason not in OPEN_QUESTIONS | REFUSED, f"the question is open: {status.reason}"
    assert status.runs, "there is a verdict without runs"


def the_answer_is_what_its_runs_say(world: World) -> None:
    """The gate's verdict is the worst of the verdicts of its runs, and each of them judged the version that runs."""
    status = _status(world)
    if not status.runs:
        return
    judgement = fold(status.runs)
    assert status.verdict == judgement.verdict, f"the runs add up to {judgement.verdict}"
    assert (status.phase is Phase.OPEN) == (status.verdict is Verdict.PASSED)


def no_verdict_is_attached_to_another_version(world: World) -> None:
    """Wherever a gate remembers a run, that run was made for this workload and version, and ended with this verdict."""
    runs = {made.run.uid: made.run for made in world.record.made}
    for write in world.record.gates:
        if write.after is None:
            continue
        status = write.after.status
        remembered = [(status.version, entry) for entry in status.runs]
        remembered += [(judged.version, entry) for judged in status.judged for entry in judged.runs]
        for version, entry in remembered:
            if not entry.uid:
                continue
            run = world.record.runs[entry.uid]
            assert run.name == entry.name
            assert run.spec.version == version, f"{run.name} of {run.spec.version} stands for {version}"
            assert run.spec.workload == write.after.workload, f"{run.name} is of another workload"
            if entry.verdict in {Verdict.PASSED, Verdict.FAILED}:
                assert run.status.verdict == entry.verdict, f"{run.name} is {run.status.verdict}, not {entry.verdict}"
    for run in runs.values():
        images = run.spec.images
        (release,) = [each for each in world.shop.releases if each.digest == images[0].digest]
        assert release.version == run.spec.version, f"{run.name} names the images of another version"


def a_judgement_asks_each_workflow_once(world: World) -> None:
    """A set of runs has one run for each workflow that was subscribed at its revision of the catalogue, not more."""
    for runs in _sets(world):
        names = [made.run.spec.workflow.name for made in runs]
        kept = [made.run.spec.workflow.name for made in runs if made.run.uid not in world.record.deleted]
        assert len(set(kept)) == len(kept), f"{[made.run.name for made in runs]} ask {names} in one judgement"
        revisions = {made.run.spec.revision for made in runs}
        assert len(revisions) == 1, f"one judgement from the revisions {revisions}"
        wanted = world.record.folders[revisions.pop()].workflows
        status = _conclusion(world, runs)
        if status and status.verdict is Verdict.PASSED:
            assert set(names) == wanted, f"{names} were asked of {wanted}"


def no_version_is_judged_twice_without_reason(world: World) -> None:
    """A version is judged again only if it had no answer about the service, or went and came back to be judged anew."""
    judged = defaultdict(list)
    for runs in _sets(world):
        first = runs[0]
        judged[first.gate, first.run.spec.version].append(runs)
    for (_, version), sets in judged.items():
        for earlier, later in pairwise(sets):
            answer = _conclusion(world, earlier)
            open_ = answer is None or answer.verdict in {Verdict.ERRORED, Verdict.CANCELED, None}
            named = _named(earlier, world)
            commit = named.after and named.after.status.commit
            away = any(
                change.version != version or change.commit != (commit and commit.sha)
                for change in world.shop.changes
                if named.at <= change.at <= later[0].at
            )
            again = _is_judged_anew(world, earlier, later)
            assert open_ or (away and again), f"{version} was judged at {earlier[0].at:.2f}s and {later[0].at:.2f}s"
            assert away or answer is None or answer.reason in OPEN_QUESTIONS | REFUSED, (
                f"nothing changed, and {version} was judged at {earlier[0].at:.2f}s and again at {later[0].at:.2f}s"
            )


def one_judgement_at_a_time(world: World) -> None:
    """When a run is made, every run of an earlier judgement of the same gate has ended and taken everything back."""
    late = {made.run.uid for made in world.record.made if not made.named}
    for made in world.record.made:
        for other in made.beside if made.named else ():
            if _judgement_of(other) != _judgement_of(made.run) and other.uid not in late:
                assert other.status.phase is RunPhase.JUDGED, f"{made.run.name} was made while {other.name} was on"


def only_what_the_gate_follows_is_executed(world: World) -> None:
    """No fault begins for a run that its gate does not name, or that is for another version than the gate's."""
    owners = {made.run.uid: made.gate for made in world.record.made}
    for begun in world.record.begun:
        run, gate = begun.run, begun.gate
        if gate is None or gate.uid != owners[run.uid]:
            continue  # its gate was deleted, and the cluster is about to collect the run
        assert run.name in {entry.name for entry in gate.status.runs}, (
            f"{run.name} began, and its gate does not know it"
        )


def no_fault_begins_beside_another(world: World) -> None:
    """When a run begins, every other one has taken back what it did."""
    for begun in world.record.begun:
        assert not begun.guarded, f"{begun.run.name} began while {begun.guarded} had something to take back"


def a_workload_that_is_made_under_a_subscription_is_never_recorded(world: World) -> None:
    """As long as nobody touches the catalogue: its first version is judged already."""
    for made in world.record.workloads:
        created = (START + timedelta(seconds=made.at)).replace(microsecond=0)
        second = timedelta(seconds=1)  # so late an answer of the server may be understood to be
        under = any((since + second).replace(microsecond=0) < created for since in made.known.values())
        pushed = min((at for at, _ in world.record.subscribed if at >= made.at), default=math.inf)
        for write in world.record.gates:
            if under and write.at < pushed and write.after and write.after.workload.uid == made.uid:
                recorded = write.after.status.recorded
                assert not recorded, f"{recorded} was recorded of a workload that was made at {made.at:.2f}s"


def what_comes_after_the_first_look_is_judged(world: World) -> None:
    """A gate that has named any version never records another one, unless nobody subscribed in between."""
    named: dict[str, set[str]] = defaultdict(set)
    for write in world.record.gates:
        if write.after is None:
            continue
        status, seen = write.after.status, named[write.after.uid]
        before = write.before.status if write.before else GateStatus()
        if not status.subscriptions:
            seen.clear()
        if status.recorded and status.recorded != before.recorded:
            assert seen <= {status.recorded}, f"{status.recorded} was recorded after {seen} had been looked at"
        if status.version and status.version != before.version:
            seen.add(status.version)


def a_push_to_the_catalogue_starts_no_chaos(world: World) -> None:
    """A run is made only if the workload got another template or commit after it was subscribed."""
    wishes = [wish for folder in world.record.folders.values() for wish in folder.wishes]
    if any(wish.on_subscribe == "run" for wish in wishes):
        return
    for made in world.record.made:
        since = _subscribed(world, made)
        upgrades = [change for change in world.shop.changes if since <= change.at <= made.at]
        assert upgrades, f"{made.run.name} is about what ran already when it was subscribed at {since:.2f}s"


def what_is_judged_has_settled(world: World) -> None:
    """A run is made only if its version, and no other one, was complete for the settling time.

    Within a second: the API server tells its time in whole ones, and a leader that is new has heard it few times.
    """
    for runs in _sets(world):
        run, named = runs[0].run, _named(runs, world)
        settle = max(wish.settle for wish in world.record.folders[run.spec.revision].wishes)
        complete = [(at, version) for at, _, version in world.shop.completed if at <= named.at]
        while complete and complete[-1][1] != run.spec.version:
            complete.pop()  # it came while the decision was being saved
        since = named.at
        while complete and complete[-1][1] == run.spec.version:
            since, _ = complete.pop()
        assert named.at - since >= settle - 1, f"{run.name} came {named.at - since:.2f}s after {since:.2f}s"


def _subscribed(world: World, made: RunMade) -> float:
    """When the catalogue got the subscriptions for which the gate looked at the workload for the first time, or again
    after it had noticed that there were none.
    """
    looks = [
        write.at
        for write in world.record.gates
        if write.at <= made.at and write.after and write.after.uid == made.gate and write.after.status.subscriptions
        if not (write.before and write.before.status.subscriptions)
    ]
    return max(at for at in world.record.subscribed_anew if at <= looks[-1])


def every_announcement_tells_the_truth(world: World) -> None:
    """A commit is told only what was found out about the version that it builds."""
    for write in _last_writes(world):
        assert write.after
        for said in write.after.status.announcements:
            if said.state in {StatusState.SUCCESS, StatusState.FAILED} and said.version:
                built = world.shop.built_from[said.commit.sha]
                assert said.version == built, f"{said.commit.sha[:8]} builds {built}, and was told about {said.version}"
                if said.state is StatusState.SUCCESS:
                    assert _passed(world, built), (
                        f"{said.commit.sha[:8]} was told that {built} passed, which no run says"
                    )


def only_the_present_commit_waits(world: World) -> None:
    """Every commit that was superseded has a final status; the present one shows what the gate says."""
    status = _status(world)
    subscribed = {
        f"chaos/staging/{wish.name}{'/shop/checkout' if wish.selects else ''}" for wish in world.folder.wishes
    }
    for said in status.announcements:
        if said.commit != status.commit or said.name not in subscribed:
            assert said.state.final, f"{said.commit.sha[:8]} is left {said.state}"
        elif status.verdict is Verdict.FAILED:
            assert said.state is not StatusState.SUCCESS or _partly(status, said)
        elif status.verdict is None:
            assert not said.state.final


INVARIANTS: Sequence[Callable[[World], None]] = (
    the_world_comes_to_rest,
    one_judgement_at_a_time,
    only_what_the_gate_follows_is_executed,
    a_judgement_asks_each_workflow_once,
    no_version_is_judged_twice_without_reason,
    no_verdict_is_attached_to_another_version,
    no_fault_begins_beside_another,
    a_workload_that_is_made_under_a_subscription_is_never_recorded,
    what_comes_after_the_first_look_is_judged,
    a_push_to_the_catalogue_starts_no_chaos,
    what_is_judged_has_settled,
    the_gate_is_about_what_runs,
    the_version_that_stays_has_its_answer,
    the_answer_is_what_its_runs_say,
    every_announcement_tells_the_truth,
    only_the_present_commit_waits,
)


def _status(world: World) -> GateStatus:
    gate = world.gate()
    assert gate, "there is no gate"
    return gate.status


def _runs(world: World) -> str:
    return world.shop.completed[-1][2]


def _judgement_of(run: Run) -> str:
    return run.name.rpartition("-")[0]


def _sets(world: World) -> list[Set]:
    """The runs that were made, by judgement, in the order of their making; without what was made too late."""
    found: dict[str, list[RunMade]] = defaultdict(list)
    for made in world.record.made:
        if not made.named:
            continue
        found[_judgement_of(made.run)].append(made)
    return [tuple(runs) for runs in found.values()]


def _conclusion(world: World, runs: Set) -> GateStatus | None:
    """The gate's status when it first had a verdict that names these runs."""
    name = runs[0].run.name
    for write in world.record.gates:
        if write.after and write.after.status.verdict and name in {each.name for each in write.after.status.runs}:
            return write.after.status
    return None


def _named(runs: Set, world: World) -> GateWrite:
    """The write that first named these runs."""
    name = runs[0].run.name
    return next(
        write for write in world.record.gates if write.after and name in {each.name for each in write.after.status.runs}
    )


def _is_judged_anew(world: World, earlier: Set, later: Set) -> bool:
    """Other workflows, or a subscription that does not want old verdicts to be reused."""
    one, other = (world.record.folders[runs[0].run.spec.revision] for runs in (earlier, later))
    asks = any(wish.on_rollback == "run" for wish in other.wishes)
    return asks or (one.workflows, one.hold) != (other.workflows, other.hold)


def _last_writes(world: World) -> list[GateWrite]:
    """The last state of each gate that was."""
    last: dict[str, GateWrite] = {}
    for write in world.record.gates:
        if write.after:
            last[write.after.uid] = write
    return list(last.values())


def _passed(world: World, version: str) -> bool:
    return any(
        write.after.status.verdict is Verdict.PASSED and write.after.status.version == version
        for write in world.record.gates
        if write.after
    ) or any(run.status.verdict is Verdict.PASSED and run.spec.version == version for run in world.record.runs.values())


def _subscription(said: Announcement) -> str:
    """Its name; that of one with a selector has the workload behind it."""
    return said.name.split("/")[2]


def _partly(status: GateStatus, said: Announcement) -> bool:
    """Its own subscription's runs passed, though another's did not."""
    entries = tuple(entry for entry in status.runs if _subscription(said) in entry.subscriptions)
    return bool(entries) and fold(entries).verdict is Verdict.PASSED

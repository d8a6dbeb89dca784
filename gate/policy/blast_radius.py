"""How far a fault may go. One workload has one run at a time, so a step's own reach is that of all runs together."""

from collections.abc import Iterator

from gate.policy.question import Question, Reach, Ruling, Word
from gate.policy.rules import OWN_PROGRAMS, Limit, Policy, matches
from gate.quantities import in_words


def rulings(policy: Policy, question: Question) -> Iterator[Ruling]:
    """Each limit that is about the fault there speaks; a fault that none is about is not allowed."""
    limits = [each for each in policy.limits if _is_about(each, question)]
    if not limits:
        why = f"no rule allows {question.fault} in the namespace {question.namespace}"
        yield Ruling(rule="spec.blastRadius", word=Word.DENY, why=why, place=policy.namespaces.place)
    elif question.fault == OWN_PROGRAMS and not any(OWN_PROGRAMS in limit.faults for limit in limits):
        why = f"the fault {OWN_PROGRAMS} runs programs of its author's: a rule has to name it, and no pattern does"
        yield Ruling(rule="spec.blastRadius", word=Word.DENY, why=why, place=limits[0].place)
    for limit in limits:
        against = list(_against(limit, question))
        for why in against:
            yield Ruling(rule=limit.rule, word=Word.DENY, why=why, place=limit.place)
        if not against:
            yield Ruling(rule=limit.rule, word=Word.ALLOW, why=_said(limit, question), place=limit.place)
    if question.reach is not None:
        yield from nodes(policy, question, question.reach)


def _is_about(limit: Limit, question: Question) -> bool:
    return matches(question.fault, limit.faults) and matches(question.namespace, limit.namespaces)


def _against(limit: Limit, question: Question) -> Iterator[str]:
    if not limit.allowed:
        yield f"the fault {question.fault} is not allowed"
        return
    if limit.time is not None and question.hold is not None and question.hold > limit.time:
        yield f"{question.fault} would be held for {in_words(question.hold)}, and at most {in_words(limit.time)} are"
    reach = question.reach
    if reach is None:
        return
    if _too_many(limit, reach):
        yield f"{question.fault} would hit {reach.pods} of {reach.ready} pods, and {_most(limit)} may be hit"
    if limit.leave_ready is not None and reach.pods and reach.ready - reach.pods < limit.leave_ready:
        yield f"{max(0, reach.ready - reach.pods)} of {reach.ready} pods would stay, and {limit.leave_ready} have to"
    if limit.zones:
        for zone in sorted({zone for zone in reach.zones if not matches(zone, limit.zones)}):
            yield f"the zone {zone or '(unknown)'} is not among {', '.join(limit.zones)}"


def _too_many(limit: Limit, reach: Reach) -> bool:
    if limit.pods is None and limit.percent is None:
        return False
    few = limit.pods is not None and reach.pods <= limit.pods
    small = limit.percent is not None and reach.percent <= limit.percent
    return reach.pods > 0 and not (few or small)


def _most(limit: Limit) -> str:
    said = [f"{limit.pods}" if limit.pods is not None else "", f"{limit.percent}%" if limit.percent is not None else ""]
    return "at most " + " or ".join(each for each in said if each)


def _said(limit: Limit, question: Question) -> str:
    bounds = [_most(limit) + " of the pods"] if limit.pods is not None or limit.percent is not None else []
    bounds += [f"at most {in_words(limit.time)}"] if limit.time is not None else []
    bounds += [f"{limit.leave_ready} pods stay"] if limit.leave_ready is not None else []
    return f"{question.fault} is allowed{': ' if bounds else ''}{', '.join(bounds)}"


def nodes(policy: Policy, question: Question, reach: Reach) -> Iterator[Ruling]:
    """Against each node that no rule grants."""
    granted = [node for limit in policy.limits if _is_about(limit, question) for node in limit.nodes]
    for node in reach.nodes:
        if not matches(node, granted):
            why = (
                f"{question.fault} may not hit the node {node}, which belongs to everybody: an administrator may "
                f"allow it by CHAOS_GATE_NODES, or by nodes in the policy"
            )
            yield Ruling(rule="spec.blastRadius", word=Word.DENY, why=why, place=policy.namespaces.place)

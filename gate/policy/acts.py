"""May this very thing be touched? Asked before each act, also where the step as a whole was allowed before."""

from collections.abc import Mapping, Sequence

from gate.model import Target
from gate.policy import namespaces
from gate.policy.blast_radius import nodes
from gate.policy.namespaces import OPT_IN, OPTED_IN
from gate.policy.question import Answer, Question, Reach, Ruling, Word
from gate.policy.rules import Policy

NODE = "Node"


def opted_in(labels: Mapping[str, str]) -> bool:
    """Whether a namespace with these labels may be hit."""
    return labels.get(OPT_IN) == OPTED_IN


def may_touch(policy: Policy, question: Question, targets: Sequence[Target]) -> Answer:
    """Targets outside of the namespace are never allowed, apart from nodes that somebody grants."""
    strays = [
        f"{target.kind} {target.namespace}/{target.name} is not in the namespace {question.namespace}"
        for target in targets
        if target.namespace != question.namespace and target.kind != NODE
    ]
    rule = policy.namespaces
    outside = [Ruling(rule=rule.rule, word=Word.DENY, why=why, place=rule.place) for why in strays]
    hit = Reach(pods=0, ready=0, nodes=tuple(target.name for target in targets if target.kind == NODE))
    return Answer(rulings=(*namespaces.rulings(policy, question), *outside, *nodes(policy, question, hit)))

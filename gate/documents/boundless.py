"""What of a policy holds nobody back: it may be meant, and whoever wrote it shall know it. Pure."""

from collections.abc import Iterator

from gate.documents.policies import PolicyDocument
from gate.documents.policy_forms import DAYS, LimitForm, WindowForm
from gate.errors import BadDocument

ANYTHING = "*"


def boundless(document: PolicyDocument) -> list[BadDocument]:
    """A warning for each part that allows everything it is about."""
    return [
        BadDocument(why, place=document.place(*path), path=document.called(*path)) for path, why in _found(document)
    ]


def _found(document: PolicyDocument) -> Iterator[tuple[tuple[str | int, ...], str]]:
    spec = document.spec
    if not spec.namespaces.opt_in:
        yield ("namespaces", "optIn"), "any namespace that is not protected may be hit, whether it opted in or not"
    for n, rule in enumerate(spec.ownership):
        if ANYTHING in rule.namespaces:
            yield ("ownership", n, "namespaces"), f"the team {rule.team} may target every namespace"
    if not any(map(_bounds, spec.blast_radius or ())) and spec.blast_radius is not None:
        yield ("blastRadius",), "no rule bounds pods or percent: a fault may hit all pods of a workload"
    if any(map(_is_whole, _windows(document))):
        yield ("when", "windows"), "this is the whole week: chaos may be at any time"
    if spec.images and ANYTHING in spec.images.registries:
        yield ("images", "registries"), "documents may name any image"


def _bounds(rule: LimitForm) -> bool:
    """Whether it keeps something of a workload, for faults in general."""
    bounded = (rule.pods, rule.percent, rule.leave_ready) != (None, None, None) or not rule.allowed
    return bounded and ANYTHING in rule.faults and ANYTHING in rule.namespaces


def _windows(document: PolicyDocument) -> list[WindowForm]:
    return document.spec.when.windows or []


def _is_whole(window: WindowForm) -> bool:
    return (window.start, window.end) == ("00:00", "24:00") and set(window.days) == set(DAYS)

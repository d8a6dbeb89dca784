"""What of a policy holds nobody back: it may be meant, and whoever wrote it shall know it. Pure."""

from collections.abc import Iterator, Sequence

from gate.documents.policies import PolicyDocument
from gate.documents.policy_forms import DAYS, LimitForm, WindowForm
from gate.errors import BadDocument

ANYTHING = "*"
DAY = 24 * 60
"""Minutes."""


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
    for n, limit in enumerate(spec.blast_radius or ()):
        if ANYTHING in limit.nodes:
            yield ("blastRadius", n, "nodes"), "any node may be hit, and all that runs there"
    if _is_whole(document.spec.when.windows or []):
        yield ("when", "windows"), "this is the whole week: chaos may be at any time"
    if spec.images and ANYTHING in spec.images.registries:
        yield ("images", "registries"), "documents may name any image"
    if spec.images and ANYTHING in spec.images.privileged:
        yield ("images", "privileged"), "each image that may be named may run privileged, and do anything to its node"


def _bounds(rule: LimitForm) -> bool:
    """Whether it keeps something of a workload, for faults in general."""
    bounded = (rule.pods, rule.percent, rule.leave_ready) != (None, None, None) or not rule.allowed
    return bounded and ANYTHING in rule.faults and ANYTHING in rule.namespaces


def _is_whole(windows: Sequence[WindowForm]) -> bool:
    """Whether they leave no minute of the week out, all together."""
    spans = sorted(span for window in windows for day in window.days for span in _spans(window, DAYS.index(day)))
    covered = 0
    for start, end in spans:
        if start > covered:
            return False
        covered = max(covered, end)
    return covered >= len(DAYS) * DAY


def _spans(window: WindowForm, day: int) -> Iterator[tuple[int, int]]:
    """From which minute of the week until which; what goes on after Sunday does so at the beginning of the week."""
    start, end = _minute(window.start), _minute(window.end)
    first = day * DAY + start
    last = day * DAY + end + (DAY if end <= start else 0)
    yield first, last
    yield 0, last - len(DAYS) * DAY


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)

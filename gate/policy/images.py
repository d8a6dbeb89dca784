"""Which images jobs, loads and own faults may use."""

from collections.abc import Iterator

from gate.policy.question import Question, Ruling, Word
from gate.policy.rules import Policy, matches


def rulings(policy: Policy, question: Question) -> Iterator[Ruling]:
    """One for each image, where the policy says anything about images."""
    rule = policy.images
    if rule is None:
        return
    for image in question.images:
        known = matches(image, rule.registries)
        why = f"the image {image} is {'' if known else 'not '}among {', '.join(rule.registries) or 'none'}"
        yield Ruling(rule=rule.rule, word=Word.ALLOW if known else Word.DENY, why=why, place=rule.place)

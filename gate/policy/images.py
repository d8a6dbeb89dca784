"""Which images documents may name: for jobs, loads and probes, and in the place of an application's own."""

from collections.abc import Iterator

from gate.policy.question import Question, Ruling, Word
from gate.policy.rules import Policy, matches


def rulings(policy: Policy, question: Question) -> Iterator[Ruling]:
    """One for each image. Where the policy says nothing about images, none may be named."""
    rule = policy.images
    for image in question.images:
        if rule is None:
            why = f"the image {image} is among none, for the policy names no images; an administrator adds spec.images"
            yield Ruling(rule="spec.images", word=Word.DENY, why=why, place=policy.namespaces.place)
            continue
        known = matches(image, rule.registries)
        why = f"the image {image} is {'' if known else 'not '}among {', '.join(rule.registries) or 'none'}"
        yield Ruling(rule=rule.rule, word=Word.ALLOW if known else Word.DENY, why=why, place=rule.place)
    for image in question.privileged:
        named = rule is not None and matches(image, rule.privileged)
        why = f"the image {image} may {'' if named else 'not '}run privileged"
        why += "" if named else "; an administrator may name it in spec.images.privileged"
        place = rule.place if rule else policy.namespaces.place
        yield Ruling(rule="spec.images.privileged", word=Word.ALLOW if named else Word.DENY, why=why, place=place)

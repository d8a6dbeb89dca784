"""A version is told from every other one, also from one that was built to be taken for it, and after an update."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from gate.model import ContainerImage, OnSubscribe, Phase, Reason, Verdict, Version, fingerprint
from tests.tracking.test_decide import SETTLE, Story, claim, commit, rollout, version

SHORT = 10


def built(number: int) -> Version:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return Version(images=(ContainerImage(container="checkout", digest=f"sha256:{digest}"),))


HARMLESS, EVIL = built(206734), built(427736)
"""Two versions whose keys begin with the same ten digits: a second of looking for them."""


def test_a_version_that_was_built_to_be_taken_for_a_judged_one_is_judged_itself() -> None:
    assert HARMLESS.key[:SHORT] == EVIL.key[:SHORT]
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("2.0", version=HARMLESS))
    story.ends({"loss": Verdict.PASSED})
    assert story.status.phase is Phase.OPEN
    story.settles(rollout("2.1", version=EVIL))
    assert (len(story.created), story.status.phase) == (2, Phase.PENDING)


def test_a_key_is_beyond_what_anybody_can_search_and_within_a_label() -> None:
    bits, longest_label = 160, 63
    assert bits / 4 <= len(HARMLESS.key) <= longest_label


def under_old_keys(story: Story) -> Story:
    """The gate as the release before would have left it."""

    def old(key: str) -> str:
        return key[:SHORT]

    status = story.status
    story.status = replace(
        status,
        version=old(status.version),
        recorded=old(status.recorded),
        settling=old(status.settling),
        judged=tuple(replace(each, version=old(each.version)) for each in status.judged),
        announcements=tuple(replace(each, version=old(each.version)) for each in status.announcements),
    )
    return story


@pytest.mark.parametrize("asked", list(OnSubscribe))
@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.FAILED])
def test_a_verdict_under_an_old_key_opens_nothing_and_starts_nothing(asked: OnSubscribe, verdict: Verdict) -> None:
    story = Story(claim("loss", on_subscribe=asked))
    story.judges("1.1", verdict)
    begun = list(story.created)
    under_old_keys(story).settles(rollout("1.1"))
    assert (story.created, story.status.recorded) == (begun, version("1.1").key)
    assert (story.status.phase, story.status.verdict, story.status.commit) == (Phase.PENDING, None, commit("1.1"))


def test_what_was_only_recorded_under_an_old_key_is_recorded_under_its_new_one() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    under_old_keys(story).settles(rollout("1.0"))
    assert (story.created, story.status.recorded) == ([], version("1.0").key)


def test_the_next_version_after_an_old_key_is_judged_also_if_it_comes_with_the_update() -> None:
    for between in ([], [rollout("1.1")]):
        story = Story(claim("loss"))
        story.sees(rollout("1.0"))
        story.judges("1.1")
        begun = len(story.created)
        under_old_keys(story)
        for seen in between:
            story.sees(seen)
        story.judges("1.2")
        assert (len(story.created) - begun, story.status.phase) == (1, Phase.OPEN)


def test_a_rollback_to_a_version_that_was_judged_under_an_old_key_is_judged() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.judges("1.2")
    begun = len(story.created)
    under_old_keys(story).settles(rollout("1.2"))
    story.settles(rollout("1.1"))
    assert len(story.created) == begun + 1


def test_a_judgement_that_was_under_way_under_an_old_key_is_begun_anew() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    begun = list(story.created)
    under_old_keys(story).sees(rollout("1.1"))
    story.ends({"loss": Verdict.CANCELED}, Reason.SUPERSEDED)
    story.sees(rollout("1.1"), after=timedelta(seconds=1))
    story.sees(rollout("1.1"), after=SETTLE)
    assert len(story.created) == len(begun) + 1


def test_a_fingerprint_is_the_beginning_of_an_identity() -> None:
    (image,) = HARMLESS.images
    assert HARMLESS.key[:SHORT] == fingerprint(f"{image.container}={image.digest}")

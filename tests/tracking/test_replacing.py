"""While pods of the version that was judged are replaced under the same image reference, its answer is not given."""

from dataclasses import replace

import pytest

from gate.model import GateStatus, Phase, Rollout, Verdict
from tests.tracking.test_decide import SETTLE, Story, claim, failed, rolling, rollout


def under_way(text: str) -> Rollout:
    """Pods of another template are there, with an image of the same name."""
    return replace(rolling(text), replacing=True)


@pytest.fixture
def story() -> Story:
    """The version 1.1 was judged, and has passed."""
    made = Story(claim("loss"))
    made.settles(rollout("1.0"))
    made.judges("1.1")
    assert made.status.phase is Phase.OPEN
    return made


def without_it(status: GateStatus) -> GateStatus:
    return replace(status, replacing="")


def test_the_same_content_has_its_answer_again_when_the_rollout_is_over(story: Story) -> None:
    before = story.status
    told = [under_way("1.1").message, under_way("1.1").message, failed("1.1").message]
    for seen, message in zip((under_way("1.1"), rolling("1.1", "2 of 3"), failed("1.1")), told, strict=True):
        story.sees(seen)
        assert story.status.replacing == message
        assert without_it(story.status) == before
    story.sees(rollout("1.1"))
    assert story.status == before


def test_new_content_of_the_same_name_is_judged_and_never_has_the_old_answer(story: Story) -> None:
    story.sees(under_way("1.1"))
    story.settles(rollout("new content", image="checkout:1.1"))
    assert (story.status.replacing, story.status.verdict, len(story.created)) == ("", None, 2)


def test_another_template_holds_the_answer_back_before_any_pod_shows_it(story: Story) -> None:
    story.sees(rollout("1.1", template="old"))
    for message in ("not taken up yet", "0 of 3 replicas are updated", "1 of 3 replicas are updated"):
        story.sees(replace(rolling("1.1", message), template="new"))
        assert story.status.replacing == "another pod template is on its way"
    story.sees(replace(under_way("1.1"), template="new"))
    assert story.status.replacing == under_way("1.1").message
    story.sees(rollout("1.1", template="new"))
    assert (story.status.replacing, story.status.template, story.status.phase) == ("", "new", Phase.OPEN)


def test_who_goes_back_to_the_template_of_before_has_the_answer_when_that_is_complete(story: Story) -> None:
    story.sees(rollout("1.1", template="old"))
    story.sees(replace(rolling("1.1"), template="new"))
    story.sees(replace(rolling("1.1"), template="old"))
    assert story.status.replacing != ""
    story.sees(rollout("1.1", template="old"))
    assert story.status.replacing == ""


def test_each_step_of_a_rollout_is_no_write_of_its_own(story: Story) -> None:
    story.sees(under_way("1.1"))
    begun = story.status
    for updated in range(3):
        story.sees(replace(rolling("1.1", f"{updated} of 3 replicas are updated"), replacing=updated < 2))
        assert story.status == begun


def test_a_template_that_cannot_be_seen_is_not_another_one(story: Story) -> None:
    for known, seen in (("", "new"), ("old", "")):
        story.status = replace(story.status, template=known)
        story.sees(replace(rolling("1.1"), template=seen))
        assert story.status.replacing == ""


def test_a_scaling_and_a_killed_pod_replace_nothing(story: Story) -> None:
    for seen in (rolling("1.1", "2 of 3 updated replicas are available"), rollout("1.1")):
        story.sees(seen)
        assert story.status.replacing == ""


def test_what_has_no_answer_has_none_to_be_held_back(story: Story) -> None:
    story.settles(rollout("1.2"))
    assert story.status.verdict is None
    story.sees(under_way("1.2"), after=SETTLE)
    assert story.status.replacing == ""
    story.ends({"loss": Verdict.FAILED})
    assert story.status.replacing != ""

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
    for seen in (under_way("1.1"), rolling("1.1"), failed("1.1")):
        story.sees(seen)
        assert story.status.replacing == seen.message
        assert without_it(story.status) == before
    story.sees(rollout("1.1"))
    assert story.status == before


def test_new_content_of_the_same_name_is_judged_and_never_has_the_old_answer(story: Story) -> None:
    story.sees(under_way("1.1"))
    story.settles(rollout("new content", image="checkout:1.1"))
    assert (story.status.replacing, story.status.verdict, len(story.created)) == ("", None, 2)


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

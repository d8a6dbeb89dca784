"""Which version a failure is compared with: the one that ran before, judged or only seen."""

from dataclasses import replace

import pytest

from gate.model import Compare, ContainerImage, Verdict
from tests.tracking.test_decide import Story, claim, failed, rolling, rollout, version, workflow

COMPARING = replace(
    claim("loss", "delay"), workflows=(replace(workflow("loss"), compare=Compare.PREVIOUS), workflow("delay"))
)


def previous(story: Story) -> dict[str, tuple[ContainerImage, ...]]:
    """By the workflows of the last judgement."""
    specs = [story.runs[name].spec for name in story.created[-2:]]
    return {spec.workflow.name: spec.previous for spec in specs}


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.FAILED])
def test_the_run_is_told_what_was_judged_before_if_it_compares(verdict: Verdict) -> None:
    story = Story(COMPARING)
    story.sees(rollout("1.0"))
    story.judges("1.1", verdict)
    assert previous(story) == {"loss": version("1.0").images, "delay": ()}
    story.sees(rolling("1.2"))
    story.judges("1.2")
    assert previous(story) == {"loss": version("1.1").images, "delay": ()}


def test_a_first_version_has_none_before_it() -> None:
    story = Story(replace(COMPARING, since=COMPARING.since.replace(year=2020)))
    story.judges("1.0")
    assert previous(story) == {"loss": (), "delay": ()}


def test_a_rollout_that_failed_has_not_run() -> None:
    story = Story(COMPARING)
    story.sees(rollout("1.0"))
    story.sees(failed("1.1"))
    story.judges("1.1")
    assert previous(story)["loss"] == version("1.0").images


def test_a_version_that_is_judged_again_is_compared_with_the_same() -> None:
    """The gate died before it had made a run, and begins that judgement again."""
    story = Story(COMPARING)
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    story.runs.clear()
    story.claims = (replace(COMPARING, workflows=tuple(reversed(COMPARING.workflows))),)
    story.sees(rollout("1.1"))
    assert previous(story)["loss"] == version("1.0").images


def test_after_a_rollback_it_is_the_version_that_was_left() -> None:
    story = Story(COMPARING)
    story.sees(rollout("1.0"))
    story.judges("1.1")
    story.judges("1.2", Verdict.ERRORED)
    story.judges("1.1", Verdict.FAILED)
    assert story.status.previous == version("1.2").images

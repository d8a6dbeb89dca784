"""The samples hold what they promise to those who test with them."""

from collections import Counter

import pytest

from tests.grounds import Ground
from tests.samples import workloads
from tests.samples.record import SCENARIOS, kept, kept_moments, path_of, taken
from tests.samples.stories import story_of

RECORDINGS = [(folder, name) for folder, scenarios in SCENARIOS.items() for name in scenarios]


@pytest.mark.parametrize(("folder", "name"), RECORDINGS)
def test_a_recording_is_small_and_holds_nothing_of_the_machine_that_made_it(folder: str, name: str) -> None:
    recording = kept(folder, name)
    text = recording.to_json()
    assert recording.says
    assert len(text) < 200_000
    assert "managedFields" not in text
    assert {step.object["metadata"]["namespace"] for step in recording.steps} == {"shop"}
    versions = [int(step.object["metadata"]["resourceVersion"]) for step in recording.steps]
    assert versions == list(range(1, len(versions) + 1))


def test_a_story_is_the_same_where_the_first_word_on_a_replica_set_was_not_written() -> None:
    """The real controller does not repeat NewReplicaSetCreated when somebody else wrote the Deployment meanwhile."""
    steps = kept("rollouts", "superseded").steps
    third = 'Created new replica set "web-hash3"'
    assert any(third in told for told in story_of(steps).conditions)
    for step in steps:
        for condition in step.object["status"].get("conditions", ()):
            if condition.get("message") == third:
                condition |= {"reason": "ReplicaSetUpdated", "message": 'ReplicaSet "web-hash3" is progressing.'}
    assert story_of(steps).conditions == story_of(kept("rollouts", "superseded").steps).conditions


@pytest.mark.parametrize("folder", [*SCENARIOS, "workloads"])
def test_no_sample_is_left_of_a_scenario_that_is_gone(folder: str) -> None:
    scenarios = dict(SCENARIOS.get(folder, workloads.SCENARIOS))
    assert {path.stem for path in path_of(folder, "any").parent.glob("*.json")} == set(scenarios)


@pytest.mark.parametrize("name", workloads.SCENARIOS)
def test_of_each_kind_there_are_complete_and_incomplete_moments(name: str) -> None:
    moments = kept_moments(name).moments
    assert min(Counter(each.complete for each in moments).values()) >= 2
    assert len({each.says for each in moments}) == len(moments)


@pytest.mark.parametrize("name", workloads.SCENARIOS)
def test_where_a_workload_is_complete_its_pods_run_one_image_and_none_is_going(name: str) -> None:
    for moment in kept_moments(name).moments:
        pods = moment.of_kind("Pod")
        images = {container["imageID"] for pod in pods for container in pod["status"].get("containerStatuses", [])}
        if moment.complete:
            assert len(images) <= 1, moment.says
            assert not any("deletionTimestamp" in pod["metadata"] for pod in pods), moment.says


@pytest.mark.cluster
def test_the_moments_of_a_daemon_set_are_still_what_the_real_one_shows(real: Ground) -> None:
    assert _statuses(taken(real, "daemonset")) == _statuses(kept_moments("daemonset"))


def _statuses(found: workloads.Moments) -> list[tuple[str, bool, object]]:
    return [(each.says, each.complete, each.workload["status"]) for each in found.moments]

"""What is renamed, and what must not be."""

from typing import Any

from tests.differential.player import Reply
from tests.differential.renaming import Renaming

ONE, OTHER = "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d", "11111111-61a5-4b4c-9a3e-5d6f7a8b9c0d"


def renamed(*bodies: Any) -> list[Any]:
    replies = [Reply(code=200, headers={}, body=body) for body in bodies]
    return [each["body"] for each in Renaming().replies(replies, [None] * len(bodies))]


def meta(uid: str = ONE, version: str = "7", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "uid": uid, "resourceVersion": version, **more}}


def test_the_same_uid_and_version_have_the_same_names_in_every_answer() -> None:
    first, again = renamed(meta(), meta())
    assert first == again


def test_a_version_that_changed_still_shows() -> None:
    before, after = renamed(meta(version="7"), meta(version="9"))
    assert before != after
    assert renamed(meta(version="7"), meta(version="9")) == renamed(meta(version="100"), meta(version="200"))


def test_a_uid_that_changed_still_shows() -> None:
    before, after = renamed(meta(ONE), meta(OTHER))
    assert before["metadata"]["uid"] != after["metadata"]["uid"]


def test_a_generated_name_is_renamed_also_in_later_messages() -> None:
    created = {"metadata": {"name": "web-x7k2p", "generateName": "web-"}}
    assert renamed(created, {"message": 'pods "web-x7k2p" not found'}) == [
        {"metadata": {"name": "web-<name 0>", "generateName": "web-"}},
        {"message": 'pods "web-<name 0>" not found'},
    ]


def test_a_name_that_does_not_come_from_its_prefix_stays() -> None:
    created = {"metadata": {"name": "chosen", "generateName": "web-"}}
    assert renamed(created) == [created]


def test_the_times_of_servers_go_and_those_of_scripts_stay() -> None:
    lease = {"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}
    assert renamed(lease) == [lease]
    assert renamed(meta(creationTimestamp="2026-01-01T00:00:00Z"))[0]["metadata"]["creationTimestamp"] == "<time>"


def test_a_time_that_is_missing_is_not_made_up() -> None:
    assert renamed(meta(creationTimestamp=None))[0]["metadata"]["creationTimestamp"] is None


def test_the_version_of_a_list_is_not_compared_but_that_there_is_one() -> None:
    listed, without = renamed({"metadata": {"resourceVersion": "12"}}, {"metadata": {"resourceVersion": ""}})
    assert listed == {"metadata": {"resourceVersion": "<version of a list>"}}
    assert without == {"metadata": {"resourceVersion": ""}}


def test_managed_fields_are_left_out() -> None:
    assert "managedFields" not in renamed(meta(managedFields=[{"manager": "x"}]))[0]["metadata"]


def test_ages_in_tables_are_left_out_and_other_cells_stay() -> None:
    table = {"columnDefinitions": [], "rows": [{"cells": ["a", 2, "5m12s"]}]}
    assert renamed(table)[0]["rows"] == [{"cells": ["a", 2, "<age>"]}]


def test_bookmarks_beside_each_other_are_one() -> None:
    mark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}
    change = {"type": "ADDED", "object": meta()}
    assert [each["type"] for each in renamed([mark, mark, change, mark])[0]] == ["BOOKMARK", "ADDED", "BOOKMARK"]


def test_the_end_of_the_initial_events_is_never_lost_among_bookmarks() -> None:
    end = {"type": "BOOKMARK", "object": {"metadata": {"annotations": {"k8s.io/initial-events-end": "true"}}}}
    mark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}
    told = renamed([mark, end, mark])[0]
    assert ["annotations" in each["object"]["metadata"] for each in told] == [False, True]

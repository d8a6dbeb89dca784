"""Conditions in a status: found by type, and replaced so that their times tell when something really changed."""

from gate.sandbox.kubernetes.language.objects import Object


def condition(status: Object, kind: str) -> Object | None:
    """The condition of this type, if the status has one."""
    found: Object | None = next((each for each in status.get("conditions") or () if each["type"] == kind), None)
    return found


def is_true(status: Object, kind: str) -> bool:
    return (condition(status, kind) or {}).get("status") == "True"


def with_condition(conditions: list[Object], new: Object) -> list[Object]:
    """The conditions with the new one in place of that of its type.

    One with the same status and reason stays as it is; lastTransitionTime is kept while the status stays.
    """
    old = condition({"conditions": conditions}, new["type"])
    if old is not None and old["status"] == new["status"] and old.get("reason") == new.get("reason"):
        return conditions
    if old is not None and old["status"] == new["status"]:
        new = new | {"lastTransitionTime": old["lastTransitionTime"]}
    return [*without_condition(conditions, new["type"]), new]


def without_condition(conditions: list[Object], kind: str) -> list[Object]:
    return [each for each in conditions if each["type"] != kind]

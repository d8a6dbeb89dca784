"""When Litmus starts chaos: ChaosSchedule and EventTrackerPolicy. Here an upgrade does; little else is left to say."""

import re

from gate.importing.account import Part

CLOCK = "an upgrade starts a run, not the clock; `chaos-gate run` starts one by hand"
WINDOWS = "when chaos may be is for the administrators to say, in their policy"
IMAGE = re.compile(r"spec\.template\.spec\.containers\[[0-9*]+\]\.image")


def schedule(part: Part) -> None:
    """Of a ChaosSchedule: everything but the engine."""
    plan = part["schedule"]
    plan["repeat"]["workHours"].left_out(WINDOWS)
    plan["repeat"]["workDays"].left_out(WINDOWS)
    plan["repeat"]["timeRange"].left_out(WINDOWS)
    for key in ("now", "once", "repeat"):
        plan[key].left_out(CLOCK)
    part["scheduleState"].left_out(CLOCK)
    part["concurrencyPolicy"].left_out("a namespace has one run at a time")


def event_tracker(spec: Part) -> None:
    """It names neither workload nor experiment, so no document comes out of it; an upgrade is what it waits for."""
    for condition in spec["conditions"].items:
        key, operator = condition["key"].text, condition["operator"].text
        if operator == "Change" and IMAGE.fullmatch(key):
            condition.differs("an upgrade: other image digests in the workload's own containers, fully rolled out")
        elif IMAGE.fullmatch(key):
            condition.left_out(
                f'every new image is judged, not only one that is {operator} "{condition["value"].text}"'
            )
        else:
            condition.left_out(f"a change of {key} is no new version: the image digests are what counts")
    spec["condition_type"].left_out("there is one condition: a new version")
    spec.left_out(
        "the annotations of a workload say which experiment; write a subscription: chaos-gate new subscription"
    )

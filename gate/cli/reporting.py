"""`--report` of `chaos-gate run`: that GitLab is told, and by whom."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gate.cluster.api import Api
    from gate.model import Run, WorkloadName

Told = Callable[["Run"], Sequence[str]]
"""Tells somebody of a run that is judged; what a person should hear of that, line by line."""


@contextmanager
def reporting(
    wanted: bool, api: "Api", workload: "WorkloadName", workflow: str, gitlab: Mapping[str, Any]
) -> Iterator[Told]:
    """Tells nobody unless it is wanted. Raises `GateError` for what would keep GitLab from being told."""
    if not wanted:
        yield lambda _: ()
        return
    from gate.wire.by_hand_report import Asked, report_to, told

    for name in ("gitlab_url", "gitlab_token"):
        if not gitlab[name]:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"--report needs {option}, or CHAOS_GATE_{name.upper()} in the environment")
    asked = Asked(url=gitlab["gitlab_url"], token=gitlab["gitlab_token"], authority=gitlab["gitlab_ca"])
    with report_to(api, workload, workflow, asked) as report:
        yield lambda run: (told(report, run, sleep=time.sleep),)

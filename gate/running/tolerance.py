"""What a probe's tolerance says to the samples of one window. Pure; executor and judge ask the same question."""

from datetime import timedelta

from gate.model import Probe, Summary

ENOUGH = 0.8
"""The share of the samples that were due without which nothing is said about a window, however much is tolerated."""
_ROUNDING = 1e-9


def planned(probe: Probe, span: timedelta) -> int:
    """How many samples the probe gives in that time."""
    return int(span / probe.every)


def broken(probe: Probe, summary: Summary, at_least: int = 0) -> bool:
    """Whether it is certain that the tolerance is exceeded, even if every sample that is missing had been good.

    `at_least` is the number of samples that the whole window is to have: a few bad ones at the beginning of a window
    that was not finished may be tolerable in all of it.
    """
    whole = max(summary.due, at_least)
    too_many = summary.failures > probe.tolerate.failures * whole + _ROUNDING
    return too_many or too_long(probe, summary.streak)


def too_long(probe: Probe, streak: timedelta) -> bool:
    """Whether the probe had no good answer for longer than is tolerated."""
    return probe.tolerate.streak is not None and streak > probe.tolerate.streak


def unknown(probe: Probe, summary: Summary) -> bool:
    """Whether samples are missing that could have exceeded the tolerance, or too many to say anything at all."""
    missing = summary.due - summary.samples
    too_few = summary.samples == 0 or summary.samples < ENOUGH * summary.due
    might_break = summary.failures + missing > probe.tolerate.failures * summary.due + _ROUNDING
    return too_few or (missing > 0 and might_break)

"""What a probe's tolerance says to the samples of one window. Pure; executor and judge ask the same question."""

from datetime import timedelta

from gate.model import Probe, Sample, Summary

ENOUGH = 0.8
"""The share of the samples that were due without which nothing is said about a window, however much is tolerated."""
SLOW = 0.05
"""The share of the samples that may be slow when `p95` is tolerated."""
_ROUNDING = 1e-9


def planned(probe: Probe, span: timedelta) -> int:
    """How many samples the probe gives in that time."""
    return int(span / probe.every)


def is_slow(probe: Probe, sample: Sample) -> bool:
    """Whether it was no good answer within the time of `p95`. A bad answer is no quick one, however soon it came."""
    bound = probe.tolerate.p95
    return bound is not None and (not sample.ok or sample.latency > bound)


def broken(probe: Probe, summary: Summary, at_least: int = 0) -> bool:
    """Whether it is certain that the tolerance is exceeded, even if every sample that is missing had been good.

    `at_least` is the number of samples that the whole window is to have: a few bad ones at the beginning of a window
    that was not finished may be tolerable in all of it.
    """
    whole = max(summary.due, at_least)
    return (
        too_many(probe, summary.failures, whole)
        or too_slow(probe, summary.slow, whole)
        or too_long(probe, summary.streak)
        or out_of_bounds(probe, summary)
    )


def scarce(summary: Summary) -> bool:
    """Whether so many samples are missing that nothing is said about the window."""
    return summary.samples == 0 or summary.samples < ENOUGH * summary.due


def unknown(probe: Probe, summary: Summary) -> bool:
    """Whether samples are missing that could have exceeded the tolerance, or too many to say anything at all."""
    missing = summary.due - summary.samples
    if scarce(summary):
        return True
    return missing > 0 and (
        too_many(probe, summary.failures + missing, summary.due)
        or too_slow(probe, summary.slow + missing, summary.due)
        or too_long(probe, summary.streak_at_worst)
        or _bounded(probe)
    )


def had_good(summary: Summary | None) -> bool:
    """Whether there was a good answer at all."""
    return summary is not None and summary.samples > summary.failures


def too_many(probe: Probe, failures: int, of: int) -> bool:
    """Whether a larger share of the samples was bad than is tolerated."""
    return failures > probe.tolerate.failures * of + _ROUNDING


def too_slow(probe: Probe, slow: int, of: int) -> bool:
    """Whether fewer than 95% of the samples had a good answer within the time that is tolerated."""
    return probe.tolerate.p95 is not None and slow > SLOW * of + _ROUNDING


def too_long(probe: Probe, streak: timedelta) -> bool:
    """Whether the probe had no good answer for longer than is tolerated."""
    return probe.tolerate.streak is not None and streak > probe.tolerate.streak


def out_of_bounds(probe: Probe, summary: Summary) -> bool:
    """Whether a sample's number left the bounds that are tolerated, or a sample gave none."""
    least, most = probe.tolerate.at_least, probe.tolerate.at_most
    below = least is not None and summary.lowest is not None and summary.lowest < least
    above = most is not None and summary.highest is not None and summary.highest > most
    return below or above or (_bounded(probe) and summary.numbers < summary.samples)


def _bounded(probe: Probe) -> bool:
    return probe.tolerate.at_least is not None or probe.tolerate.at_most is not None

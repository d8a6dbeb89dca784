"""A table of measured figures, each beside its goal, and the same as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that was measured. `goal` is the most that it may be; None where there is no goal."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    floor: float | None = None
    """What the bare minimum took, measured in the same run."""
    spread: tuple[float, float] | None = None
    """The least and the most of several measurements, if `value` is their median."""

    @property
    def is_missed(self) -> bool:
        return self.goal is not None and self.value > self.goal


def show(figures: Sequence[Figure], file: Path) -> str:
    """The table for people; it is also written to the file, as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([{**asdict(each), "missed": each.is_missed} for each in figures], indent=2))
    rows = [("", "measured", "from - to", "goal", "floor", ""), *map(_row, figures)]
    used = [column for column in range(len(rows[0])) if any(row[column] for row in rows[1:])]
    widths = {column: max(len(row[column]) for row in rows) for column in used}
    lines = [
        "  ".join(f"{row[column]:{'<' if column == 0 else '>'}{widths[column]}}" for column in used).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, f"also in {file}"])


def _row(figure: Figure) -> tuple[str, ...]:
    """The figure as the cells of its line."""
    spread = "" if figure.spread is None else f"{figure.spread[0]:.3g} - {figure.spread[1]:.3g}"
    goal = "" if figure.goal is None else f"{figure.goal:g} {figure.unit}"
    floor = "" if figure.floor is None else f"{figure.floor:.3g} {figure.unit}"
    return figure.what, f"{figure.value:.3g} {figure.unit}", spread, goal, floor, "MISSED" if figure.is_missed else ""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

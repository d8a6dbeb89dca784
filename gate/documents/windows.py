"""How often probes are asked, and for how long, as far as a workflow document says it to everybody who subscribes."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from gate.documents.forms import ProbeForm, WorkflowSpec
from gate.documents.substitution import Filling
from gate.documents.workflows import WorkflowDocument
from gate.model import Window
from gate.quantities import duration

Windows = Mapping[int, tuple[timedelta, list[timedelta]]]
"""Index of a probe -> how often it is asked, and how long the windows are in which it counts."""


def windows_of(document: WorkflowDocument) -> Windows:
    """With the defaults of the parameters. What only a subscription gives is left out: it may be right."""
    defaults = {
        f"parameters.{name}": each.default
        for name, each in document.parameters.items()
        if "default" in each.model_fields_set
    }
    spec = Filling(defaults).fill(document.tree.value["spec"], ())
    before = list(_times(spec, "baseline", WorkflowSpec.model_fields["baseline"].default))
    during = [time for _, step in _mappings(spec.get("steps")) for time in _times(step, "hold")]
    spans = {Window.BEFORE: before, Window.DURING: during}
    return {
        index: (every, [span for window in spans if window in _windows(probe) for span in spans[window]])
        for index, probe in _mappings(spec.get("steadyState"))
        for every in _times(probe, "every", ProbeForm.model_fields["every"].default)
    }


def _times(block: Mapping[str, Any], field: str, otherwise: timedelta | None = None) -> Iterator[timedelta]:
    """The time in that field, if it is known."""
    try:
        yield duration(block.get(field, otherwise))
    except ValueError:
        return


def _windows(probe: Mapping[str, Any]) -> list[Any]:
    said = probe.get("when", list(Window))
    return said if isinstance(said, list) else []


def _mappings(items: Any) -> list[tuple[int, dict[str, Any]]]:
    """Those that are no parameter as a whole, with their indexes."""
    return [each for each in enumerate(items) if isinstance(each[1], dict)] if isinstance(items, list) else []

"""The words that documents may use: what kinds of faults, probes and loads there are."""

from gate.documents.vocabulary import ProbeForms, Vocabulary
from gate.faults import FAULTS
from gate.loads import LOADS
from gate.probes import PROBES


def vocabulary() -> Vocabulary:
    """The kinds of faults, probes and loads that there are."""
    return Vocabulary(
        faults={kind: fault.Settings for kind, fault in FAULTS.items()},
        probes={kind: ProbeForms(settings=probe.Settings, expect=probe.Expect) for kind, probe in PROBES.items()},
        loads={kind: load.Settings for kind, load in LOADS.items()},
    )

"""The kinds of faults, probes and loads that there are, and the forms of their blocks."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeForms:
    """The block that is named like the probe, and the block `expect`."""

    settings: type[BaseModel]
    expect: type[BaseModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Names of kinds -> forms."""

    faults: Mapping[str, type[BaseModel]]
    probes: Mapping[str, ProbeForms]
    loads: Mapping[str, type[BaseModel]]

"""A small vocabulary for tests of documents."""

from pydantic import BaseModel, ConfigDict

from gate.documents.units import Duration, Rate
from gate.documents.vocabulary import ProbeForms, Vocabulary


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class KillSettings(Strict):
    count: int = 1
    grace: Duration | None = None


class HttpSettings(Strict):
    url: str


class HttpExpect(Strict):
    status: int = 200
    latency: Duration | None = None


class LoadSettings(Strict):
    url: str
    rate: Rate


WORDS = Vocabulary(
    faults={"pod-kill": KillSettings, "scale-to-zero": Strict},
    probes={"http": ProbeForms(settings=HttpSettings, expect=HttpExpect)},
    loads={"http": LoadSettings},
)

"""What all the gates that share one way to production want with it. How that is found out is not here."""

from dataclasses import dataclass, replace

from gate.model import Gate, Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """One answer for one production, whichever of its gates was asked: the worst of what each of them wants."""

    wanted: Promotion
    keeper: Gate
    """The gate that keeps the notes for all of them, so that two of them do nothing twice."""
    environments: frozenset[str] = frozenset()
    """Where the version ran when it was judged."""
    held: bool = False
    """The gate that was asked is open, and others hold it back."""
    why: str = ""
    """Why they will hold it back until a person acts; empty: they need only time."""

    @property
    def note(self) -> str:
        """What is noted once in the keeper, under the version that is the keeper's own."""
        own = self.keeper.status.promotion
        return replace(self.wanted, version=own.version if own else self.wanted.version).key

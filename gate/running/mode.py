"""The administrators' switch: how much chaos there may be at all. Read before every act that changes something."""

from enum import StrEnum


class Mode(StrEnum):
    """How much there may be. A mode that cannot be read means `pause`."""

    RUN = "run"
    """Everything."""
    PAUSE = "pause"
    """Start nothing new; runs wait before their next fault."""
    DRAIN = "drain"
    """Finish what runs, start nothing."""
    ABORT = "abort"
    """Take everything back now."""

"""The administrators' switch: how much chaos there may be at all. It is read before every act that changes something."""

from enum import StrEnum


class Mode(StrEnum):
    """`run`: everything. `pause`: start nothing new, runs wait before their next fault. `drain`: finish what runs, start
    nothing. `abort`: take everything back now. A mode that cannot be read means `pause`.
    """

    RUN = "run"
    PAUSE = "pause"
    DRAIN = "drain"
    ABORT = "abort"

"""What Ctrl-C and SIGTERM do to a command that runs until it is told to end."""

import signal
import threading


def told_to_end() -> threading.Event:
    """An event that either signal sets, from now on. It is set by a thread of its own: a handler runs in the middle of
    whatever the main thread does, and if that is waiting for this very event, it may hold its lock.
    """
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=told.set, name="signal", daemon=True).start())
    return told

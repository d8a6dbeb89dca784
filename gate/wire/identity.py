"""Who this process is."""

import os
import socket
import uuid


def identity() -> str:
    """Who holds a lease: this process, and never one that had its number before."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

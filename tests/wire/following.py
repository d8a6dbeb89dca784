"""Copies that are whole and followed, for as long as a test needs them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.wire.copies import Copies

Eventually = Callable[[Callable[[], object]], None]


@contextmanager
def followed(copies: Copies, kubernetes: Kubernetes, eventually: Eventually) -> Iterator[None]:
    """All copies are whole; the API server is gone afterwards, for nothing else ends their reads."""
    stop = threading.Event()
    threads = [threading.Thread(target=mirror.run, args=(stop,)) for mirror in copies.mirrors]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: all(mirror.filled for mirror in copies.mirrors))
        yield
    finally:
        stop.set()
        kubernetes.stop()
        for thread in threads:
            thread.join(30)

"""Service names as authors write them, resolved through the API: for a gate that does not use the cluster's own DNS."""

import threading
import time
from collections.abc import Callable

from gate.cluster.api import Api
from gate.errors import GateError, Temporary

REMEMBERED = 1.0
"""Seconds for which an address is not asked for again. A Service that was made anew has another one, so no longer."""


def services_of(api: Api, monotonic: Callable[[], float] = time.monotonic) -> Callable[[str], str]:
    """`checkout.shop`, also with `.svc` or `.svc.cluster.local` -> the Service's cluster address.

    A name that is no Service is left to the system's resolver. Raises `Temporary` while the API does not answer.
    """
    lock = threading.Lock()
    known: dict[str, tuple[float, str]] = {}

    def resolve(host: str) -> str:
        with lock:
            until, address = known.get(host, (0.0, ""))
            if monotonic() >= until:
                address = _address(api, host)
                known[host] = (monotonic() + REMEMBERED, address)
            return address

    return resolve


def _address(api: Api, host: str) -> str:
    name, _, rest = host.partition(".")
    namespace, _, suffix = rest.partition(".")
    if not namespace or suffix not in {"", "svc", "svc.cluster.local"}:
        return host
    try:
        service = api.get("services", namespace, name)
    except Temporary:
        raise
    except GateError:
        return host
    address = (service or {}).get("spec", {}).get("clusterIP")
    return address if address and address != "None" else host

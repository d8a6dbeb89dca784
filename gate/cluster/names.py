"""Service names as authors write them, resolved through the API: for a gate that does not use the cluster's own DNS."""

from collections.abc import Callable

from gate.cluster.api import Api
from gate.errors import GateError, Temporary


def services_of(api: Api) -> Callable[[str], str]:
    """`checkout.shop`, also with `.svc` or `.svc.cluster.local` -> the Service's cluster address.

    A name that is no Service is left to the system's resolver. Each call asks anew: a Service that was made again has
    another address.
    """

    def resolve(host: str) -> str:
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

    return resolve

"""The columns of Services and of what stands behind them."""

from datetime import datetime

from gate.sandbox.kubernetes.language.objects import Object, lookup
from gate.sandbox.kubernetes.registry.column import AGE, NAME, of, string


def _external(obj: Object, _now: datetime) -> str:
    ingress = lookup(obj, "status.loadBalancer.ingress", [])
    addresses = [*(each.get("ip") or each.get("hostname") or "" for each in ingress)]
    addresses += lookup(obj, "spec.externalIPs", [])
    match lookup(obj, "spec.type"):
        case "ExternalName":
            return str(lookup(obj, "spec.externalName", ""))
        case "LoadBalancer" if not addresses:
            return "<pending>"
    return ",".join(addresses) or "<none>"


def _service_ports(obj: Object, _now: datetime) -> str:
    ports = lookup(obj, "spec.ports", [])
    texts = [f"{p['port']}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p['protocol']}" for p in ports]
    return ",".join(texts) or "<none>"


def _service_selector(obj: Object, _now: datetime) -> str:
    labels = lookup(obj, "spec.selector", {})
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def _few(texts: list[str], most: int = 3) -> str:
    more = f" + {len(texts) - most} more..." if len(texts) > most else ""
    return ",".join(texts[:most]) + more if texts else "<none>"


def _endpoints(obj: Object, _now: datetime) -> str:
    subsets = obj.get("subsets") or []
    return _few(
        [
            f"{address['ip']}:{port['port']}"
            for subset in subsets
            for port in subset.get("ports") or []
            for address in subset.get("addresses") or []
        ]
    )


def _slice_ports(obj: Object, _now: datetime) -> str:
    ports = obj.get("ports")
    return _few([str(port.get("port", "*")) for port in ports]) if ports else "<unset>"


def _slice_endpoints(obj: Object, _now: datetime) -> str:
    addresses = [address for each in obj.get("endpoints") or [] for address in each.get("addresses") or []]
    return _few(addresses) if addresses else "<unset>"


SERVICE = (
    NAME,
    string("Type", of("spec.type")),
    string("Cluster-IP", of("spec.clusterIP", "<none>")),
    string("External-IP", _external),
    string("Port(s)", _service_ports),
    AGE,
    string("Selector", _service_selector, wide=True),
)
ENDPOINTS = (NAME, string("Endpoints", _endpoints), AGE)
ENDPOINT_SLICE = (
    NAME,
    string("AddressType", of("addressType")),
    string("Ports", _slice_ports),
    string("Endpoints", _slice_endpoints),
    AGE,
)

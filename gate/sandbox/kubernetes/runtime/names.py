"""The names of Services inside pods: each pod has a hosts file of its own, kept as the Services are.

A file instead of a DNS server, because nobody without privileges may listen on port 53. It is changed only by adding
lines at its end and by turning lines into comments, so that a reader never meets half of one.
"""

import threading
from collections.abc import Iterable
from pathlib import Path

from gate.sandbox.kubernetes.controllers.endpoints import SERVICE_NAME
from gate.sandbox.kubernetes.language.objects import Object, labels_of, lookup, name_of, namespace_of
from gate.sandbox.kubernetes.loops.following import Following
from gate.sandbox.kubernetes.loops.work import Work
from gate.sandbox.kubernetes.registry.resources import ENDPOINT_SLICES, SERVICES
from gate.sandbox.kubernetes.runtime.environment import host_name
from gate.sandbox.kubernetes.store.store import Store

DOMAIN = "svc.cluster.local"

_HEAD = (
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
)
_EVERYTHING = "names"


class HostsFile:
    """A hosts file that is read while it changes."""

    def __init__(self, path: Path, head: Iterable[str]) -> None:
        self._path = path
        self._places: dict[str, int] = {}
        path.write_text("".join(f"{line}\n" for line in head))

    def show(self, lines: Iterable[str]) -> None:
        """Have these lines, and none that were shown before and are not among them."""
        wanted = dict.fromkeys(lines)
        with self._path.open("r+b", buffering=0) as file:
            for line in [line for line in self._places if line not in wanted]:
                file.seek(self._places.pop(line))
                file.write(b"#")
            for line in wanted:
                if line not in self._places:
                    self._places[line] = file.seek(0, 2)
                    file.write(f"{line}\n".encode())


class Names:
    """Keeps the hosts files of the pods that live on this node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files: dict[Path, tuple[str, HostsFile]] = {}
        self._changing = threading.Lock()
        self._work: Work[str] = Work("names", self._refresh)
        self._following = Following(
            store, "names-watch", lambda _: self._work.ask(_EVERYTHING), [SERVICES, ENDPOINT_SLICES]
        )

    def start(self) -> None:
        self._following.start()
        self._work.start()

    def stop(self) -> None:
        self._following.stop()
        self._work.stop()

    def enter(self, pod: Object, address: str, path: Path) -> None:
        """Write the pod's file, and keep it from now on."""
        file = HostsFile(path, _head(pod, address))
        file.show(self._lines(namespace_of(pod)))
        with self._changing:
            self._files[path] = (namespace_of(pod), file)

    def leave(self, path: Path) -> None:
        """Forget the file."""
        with self._changing:
            self._files.pop(path, None)

    def _refresh(self, _key: str) -> float | None:
        with self._changing:
            lines = {namespace: self._lines(namespace) for namespace, _ in self._files.values()}
            for path, (namespace, file) in self._files.items():
                if path.exists():
                    file.show(lines[namespace])
        return None

    def _lines(self, namespace: str) -> list[str]:
        services = [entry.shared for entry in self._store.entries(SERVICES)[0]]
        slices = [entry.shared for entry in self._store.entries(ENDPOINT_SLICES)[0]]
        return service_lines(services, slices, namespace)


def service_lines(services: Iterable[Object], slices: Iterable[Object], namespace: str) -> list[str]:
    """The addresses of all Services by all the names that they have for a pod of the namespace.

    A Service without an address of its own (headless) has those of its ready pods, and each pod with a name there too.
    One of type ExternalName is left out: a hosts file has no aliases.
    """
    slices = list(slices)
    lines = []
    for service in services:
        full = f"{name_of(service)}.{namespace_of(service)}"
        names = [full, f"{full}.svc", f"{full}.{DOMAIN}"]
        if namespace_of(service) == namespace:
            names.insert(0, name_of(service))
        address = lookup(service, "spec.clusterIP", "")
        if address not in ("", "None"):
            lines.append(f"{address}\t{' '.join(names)}")
        elif address == "None":
            lines += [f"{each}\t{' '.join(names)}" for each in _ready(service, slices)]
    return sorted(lines)


def _ready(service: Object, slices: Iterable[Object]) -> list[str]:
    return [
        endpoint["addresses"][0]
        for each in slices
        if namespace_of(each) == namespace_of(service) and labels_of(each).get(SERVICE_NAME) == name_of(service)
        for endpoint in each.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready", True)
    ]


def _head(pod: Object, address: str) -> list[str]:
    own, subdomain = host_name(pod), lookup(pod, "spec.subdomain")
    full = [f"{own}.{subdomain}.{namespace_of(pod)}.{DOMAIN}"] if subdomain else []
    aliases = [f"{each['ip']}\t{' '.join(each.get('hostnames') or ())}" for each in lookup(pod, "spec.hostAliases", [])]
    more = ["# Entries added by HostAliases.", *aliases] if aliases else []
    return [*_HEAD, f"{address}\t{' '.join([*full, own])}", *more]

"""The embedded Kubernetes as one thing: store, API server and the parts that make it live, from start to stop."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import yaml

from gate.sandbox.kubernetes.access.roles import Aggregation
from gate.sandbox.kubernetes.access.tokens import ISSUER, Tokens
from gate.sandbox.kubernetes.api.pod_requests import PodLogs
from gate.sandbox.kubernetes.api.rest import Api
from gate.sandbox.kubernetes.controllers.definitions import CustomResources, load
from gate.sandbox.kubernetes.controllers.emptying import Emptying
from gate.sandbox.kubernetes.faults.port import Faults
from gate.sandbox.kubernetes.language.downward import Unresolved
from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import Object, lookup, namespace_of
from gate.sandbox.kubernetes.registry.resources import SERVICE_ACCOUNTS
from gate.sandbox.kubernetes.rights.users import ADMINISTRATOR, User
from gate.sandbox.kubernetes.runtime.images import Images
from gate.sandbox.kubernetes.runtime.runtime import Account
from gate.sandbox.kubernetes.serving.connection import BEARER_PATH
from gate.sandbox.kubernetes.serving.server import ApiServer
from gate.sandbox.kubernetes.store.store import HISTORY, Store
from gate.sandbox.kubernetes.workloads import Workloads

TOKEN_LIFETIME = timedelta(days=365)
"""Of the tokens in pods. Those of other clusters are renewed all the time."""


class Part(Protocol):
    """What runs beside the API server: a controller, the kubelet, a balancer."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Kubernetes:
    """A whole cluster in this process, on loopback. A context manager; `start` and `stop` do the same by hand.

    With `images` it is alive: controllers act, and pods are processes that run these images; without, objects are only
    stored. `crds` are files with CustomResourceDefinitions that are served from the beginning. `parts` are made with
    the store, started after the server in the given order, and stopped in the opposite one; one that can read the logs
    of pods says so with `serve_logs`. `token` is the administrator's, if it shall be the same as once before.
    `back_off` is the first pause, in seconds, before a crashed container starts again.
    """

    def __init__(
        self,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        images: Images | None = None,
        crds: Sequence[Path] = (),
        parts: Sequence[Callable[[Store], Part]] = (),
        token: str | None = None,
        faults: Faults | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        history: int = HISTORY,
        back_off: float = 10.0,
    ) -> None:
        self.store = Store(clock=clock, history=history)
        definitions = CustomResources(self.store, clock)
        definitions.attach()
        self._tokens = Tokens(self.store, clock=clock)
        self.api = Api(self.store, tokens=self._tokens, wall=clock)
        aggregation = Aggregation(self.store)
        self.token = self._tokens.for_user(ADMINISTRATOR, token)
        """The administrator's bearer token."""
        for path in crds:
            load(self.store, path)
        self._server = ApiServer(self.api, address=address, port=port, faults=faults)
        made = [make(self.store) for make in parts]
        if images is not None:
            account = Account(kubeconfig=self._kubeconfig_of, token=self._token_of)
            workloads = Workloads(self.store, images, clock=clock, back_off=back_off, account=account)
            self.serve_logs(workloads.logs)
            self.api.commands = workloads.commands
            made.insert(0, workloads)
        self._parts: tuple[Part, ...] = (self._server, Emptying(self.store, clock), definitions, aggregation, *made)
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def admin_url(self) -> str:
        """The address with the administrator's token in its path, for clients that know nothing but an address."""
        return self._url_with(self.token)

    def _url_with(self, token: str) -> str:
        return self.url + BEARER_PATH + token

    def serve_logs(self, logs: PodLogs) -> None:
        """Answer `kubectl logs` from here."""
        self.api.logs = logs

    def suffer(self, faults: Faults | None) -> None:
        """From now on let the API server misbehave like this; None: behave. What lives inside never notices."""
        self._server.suffer(faults)

    def token_for(self, name: str, *groups: str) -> str:
        """A bearer token of a user with these groups; service accounts get theirs from `kubectl create token`."""
        return self._tokens.for_user(User(name=name, groups=groups))

    def kubeconfig(self, token: str | None = None, *, server: str | None = None) -> str:
        """A kubeconfig with this cluster as its only context, as YAML; the administrator's, or that of a token.

        It holds the token twice, because `kubectl` sends none without TLS: as such, and in the path of the address.
        `server` is another address, such as `url`: clients that send tokens show no secret with it in what they log.
        """
        token = token or self.token
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "sandbox", "cluster": {"server": server or self._url_with(token)}}],
                "users": [{"name": "admin", "user": {"token": token}}],
                "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "admin"}}],
                "current-context": "sandbox",
            },
            sort_keys=False,
        )

    def _kubeconfig_of(self, pod: Object) -> str:
        """The kubeconfig of a pod whose service account is there; its token ends with the pod."""
        try:
            account = self._account_of(pod)
        except NotFound:
            return ""
        mounted = lookup(
            pod, "spec.automountServiceAccountToken", lookup(account, "automountServiceAccountToken", True)
        )
        if not mounted:
            return ""
        return self.kubeconfig(self._bound(account, pod, ISSUER), server=self.url)

    def _token_of(self, pod: Object, audience: str) -> str:
        """The token that a pod projects into a volume."""
        try:
            return self._bound(self._account_of(pod), pod, audience or ISSUER)
        except NotFound as error:
            raise Unresolved(f"failed to fetch token: {error}") from error

    def _account_of(self, pod: Object) -> Object:
        name = str(lookup(pod, "spec.serviceAccountName", "default"))
        return self.store.get(SERVICE_ACCOUNTS, namespace_of(pod), name)

    def _bound(self, account: Object, pod: Object, audience: str) -> str:
        token, _ = self._tokens.for_account(account, audiences=[audience], lifetime=TOKEN_LIFETIME, bound=pod)
        return token

    def start(self) -> None:
        with contextlib.ExitStack() as starting:
            for part in self._parts:
                part.start()
                starting.callback(part.stop)
            self._running = starting.pop_all()

    def stop(self) -> None:
        self._running.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

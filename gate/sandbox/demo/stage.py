"""The stage of the demo: an embedded Kubernetes with the shop on it, an embedded GitLab, and the gate beside them.

The gate is a process of its own, which talks to both over the network only.
"""

import os
import secrets
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from gate.sandbox import shop
from gate.sandbox.demo.seeding import Rest, Team, apply, files_of
from gate.sandbox.gitlab import GitLab
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.faults.port import Faults
from gate.sandbox.kubernetes.runtime.images import Images
from gate.sandbox.kubernetes.runtime.processes import Processes
from gate.sandbox.ports import keep
from gate.sandbox.shipped import crds, policy, rights, shipped

PROJECT = "shop/checkout"
CATALOGUE = "platform/chaos-catalogue"
STAGING, PRODUCTION, OWN = "shop", "production", "chaos-gate"
RUNNING = "1.0"
REPLICAS = 3
DEVELOPER, MAINTAINER = 30, 40
PATIENCE = 10.0
"""Seconds that the gate has to take back what it did."""
TOKEN_LIFETIME = 10 * 365 * 24 * 3600
"""Seconds that the gate's own token is valid: longer than anybody keeps a sandbox."""
RESTART = 0.5
"""Seconds after which a gate that died is started again, as its Deployment would."""


class Stage:
    """Everything that the demo and the sandbox play on. A context manager; what it started is gone when it ends."""

    def __init__(self, folder: Path | None = None, *, faults: Faults | None = None) -> None:
        """`folder` keeps kubeconfig and logs, a temporary one by default. `faults` begin when the gate does."""
        self._stack = ExitStack()
        self.folder = folder or Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-gate-")))
        self.root_token = secrets.token_hex(10)
        self.images = Images(shop.images())
        self._faults = faults

    def __enter__(self) -> Self:
        with self._stack:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)  # tokens are in it
            self.kubernetes = self._stack.enter_context(Kubernetes(crds=crds(), images=self.images))
            self.kubeconfig = self._secret("kubeconfig", self.kubernetes.kubeconfig())
            self.gitlab = self._stack.enter_context(GitLab(root_token=self.root_token))
            port = self._stack.enter_context(keep(("127.0.0.1", 0)))
            self.gate_url = f"http://127.0.0.1:{port.getsockname()[1]}"
            self._cluster = self._rest(self.kubernetes.admin_url)
            self.team = Team(self._rest(self.gitlab.url, {"PRIVATE-TOKEN": self.root_token}))
            self._fill_kubernetes()
            config = self.kubernetes.kubeconfig(self._gate_token(), server=self.kubernetes.url)
            self.gate_kubeconfig = self._secret("gate.kubeconfig", config)
            environment = self._fill_gitlab()
            self.kubernetes.suffer(self._faults)
            self.gate = self._stack.enter_context(GateProcess(environment, self.folder / "gate.log"))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def object(self, path: str) -> Any:
        """A Kubernetes object, or a list of them, by its path below `/apis/`."""
        return self._cluster.get(f"/apis/{path}")

    def _rest(self, base: str, headers: dict[str, str] | None = None) -> Rest:
        rest = Rest(base, headers)
        self._stack.callback(rest.close)
        return rest

    def _fill_kubernetes(self) -> None:
        for namespace in (STAGING, PRODUCTION):
            for manifest in shop.manifests(
                namespace, version=RUNNING, replicas=REPLICAS if namespace == STAGING else 1
            ):
                if manifest["kind"] == "Namespace" and namespace == STAGING:
                    manifest["metadata"]["labels"] = {"chaosgate.dev/chaos": "allowed"}
                apply(self._cluster, manifest)
        own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN}}
        mode = {"name": "chaos-gate-mode", "namespace": OWN}
        apply(self._cluster, own)
        apply(self._cluster, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": mode, "data": {"mode": "run"}})

        for manifest in yaml.safe_load_all(rights().read_text()):
            apply(self._cluster, manifest)

    def _gate_token(self) -> str:
        """A token of the gate's service account, so that a right that operators would not have given fails here."""
        account = f"/api/v1/namespaces/{OWN}/serviceaccounts/chaos-gate"
        granted = self._cluster.post(f"{account}/token", {"spec": {"expirationSeconds": TOKEN_LIFETIME}})
        return str(granted["status"]["token"])

    def _secret(self, name: str, text: str) -> Path:
        """A new file in the folder that only its owner can read."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def _fill_gitlab(self) -> dict[str, str]:
        """Returns the environment of the gate."""
        catalogue = self.team.project(CATALOGUE)
        self.team.project(PROJECT)
        documents = {
            f"{folder}/{path}": text
            for folder in ("subscriptions", "workflows")
            for path, text in files_of(shipped(folder)).items()
        }
        self.team.commit(CATALOGUE, "Subscribe checkout", documents)
        token = self._secret("gitlab-token", self.team.bot("chaos-gate-bot", {PROJECT: DEVELOPER}))
        own_commands = Path(sys.executable).parent
        self.team.variables(
            PROJECT,
            {
                "KUBERNETES_URL": self.kubernetes.url,
                "KUBERNETES_TOKEN": self.kubernetes.token,
                "CHAOS_GATE_URL": self.gate_url,
                "PATH": f"{own_commands}:{os.environ.get('PATH', os.defpath)}",
            },
        )
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.gate_kubeconfig),
            "CHAOS_GATE_CATALOGUE": catalogue,
            "CHAOS_GATE_FETCH_EVERY": "2s",
            "CHAOS_GATE_STATE": str(self.folder / "gate"),
            "CHAOS_GATE_NAMESPACE": OWN,
            "CHAOS_GATE_GITLAB_URL": self.gitlab.url,
            "CHAOS_GATE_GITLAB_TOKEN_FILE": str(token),
            "CHAOS_GATE_LISTEN": self.gate_url.removeprefix("http://"),
            "CHAOS_GATE_PUBLIC_URL": self.gate_url,
            "CHAOS_GATE_RESOLVE": "services",
            "CHAOS_GATE_POLICY": str(policy()),
        }


class GateProcess:
    """The gate as a Deployment would keep it: one process, started again whenever it dies, gone when the demo is."""

    NAME = "gate"

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self._ended = threading.Event()
        self._stopping = threading.Event()
        self._processes = Processes(exited=lambda _: self._ended.set())
        self._keeper = threading.Thread(target=self._keep, name="gate keeper")
        self.pid = 0
        """The process that runs now, or ran last."""
        self.starts = 0

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(signal.SIGTERM)
        self._processes.close()

    def stop(self, how: signal.Signals) -> None:
        """End the gate, and start it no more."""
        self._stopping.set()
        self._processes.signal(self.NAME, how)
        if not self._ended.wait(PATIENCE):
            self._processes.kill(self.NAME)
        self._keeper.join()

    def _keep(self) -> None:
        argv = (sys.executable, "-m", "gate.cli", "serve")
        while not self._stopping.is_set():
            self._ended.clear()
            self.pid = self._processes.start(self.NAME, argv, env=self._environment, log=self._log)
            self.starts += 1
            self._ended.wait()
            self._stopping.wait(RESTART)

"""A real Kubernetes control plane on loopback, for tests: etcd, API server, controllers, scheduler, and kwok's nodes.

Everything it keeps is in one folder, everything it starts ends with it, also when this process is killed.
"""

import contextlib
import ctypes
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import trustme
import yaml

from gate.sandbox.ports import keep
from tests.control_plane import build

PATIENCE = 30.0
"""Seconds that a part may take to start. On two idle cores the whole takes five."""
NODES = 3

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class ControlPlane:
    """A context manager; raises `build.CannotBuild` where there are no programs, RuntimeError if one does not start.

    RBAC is on. Everybody whose certificate `kubeconfig` makes is whom it says. `nodes` are kwok's: see `stages.yaml`.
    """

    def __init__(self, place: Path, *, nodes: int = NODES, arguments: Sequence[str] = ()) -> None:
        """`place` is an empty folder; `arguments` go to the API server as they are."""
        self._place = place
        self._nodes = nodes
        self._arguments = arguments
        self._authority = trustme.CA()
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._etcd, self._peer, self._port = _free_ports(3)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    def kubeconfig(self, user: str = "admin", group: str = "system:masters") -> str:
        """A kubeconfig as YAML; who is of system:masters may do everything."""
        name = self._authority.issue_cert("client.test", common_name=user, organization_name=group)
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "tests",
                        "cluster": {"server": self.url, "certificate-authority": str(self._authority_file)},
                    }
                ],
                "users": [
                    {
                        "name": user,
                        "user": {
                            "client-certificate": str(self._write(f"{user}.crt", name.cert_chain_pems[0].bytes())),
                            "client-key": str(self._write(f"{user}.key", name.private_key_pem.bytes())),
                        },
                    }
                ],
                "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": user}}],
                "current-context": "tests",
            }
        )

    def program(self, name: str) -> Path:
        found = build.program(name)
        if found is None:
            raise build.CannotBuild(f"there is no {name}; `make control-plane` builds it")
        return found

    def log(self, name: str) -> Path:
        return self._place / f"{name}.log"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as starting:
            starting.callback(self._stop)
            self._start()
            starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a part, such as `kube-apiserver`."""
        next(process for part, process in self._running if part == name).send_signal(how)

    def restart(self, name: str) -> None:
        """Start a part that was killed, as it was."""
        part, process = next(pair for pair in self._running if pair[0] == name)
        process.wait()
        self._running.remove((part, process))
        self._launch(name, *self._how[name])
        if name == "kube-apiserver":
            self._await("kube-apiserver", self._is_ready)

    def _start(self) -> None:
        self._authority_file = self._write("ca.crt", self._authority.cert_pem.bytes())
        self._how = self._command_lines()
        self._launch("etcd", *self._how["etcd"])
        self._launch("kube-apiserver", *self._how["kube-apiserver"])
        self._await("kube-apiserver", self._is_ready)
        for name in ("kube-controller-manager", "kube-scheduler", "kwok"):
            self._launch(name, *self._how[name])
        self._add_nodes()

    def _command_lines(self) -> dict[str, list[str]]:
        server = self._authority.issue_cert("127.0.0.1", "localhost")
        certificate = self._write("server.crt", server.cert_chain_pems[0].bytes())
        key = self._write("server.key", server.private_key_pem.bytes())
        etcd, peer = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peer}"
        admin = self._write("admin.kubeconfig", self.kubeconfig().encode())
        return {
            "etcd": [
                f"--data-dir={self._place / 'etcd'}",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--unsafe-no-fsync",
                "--log-level=warn",
            ],
            "kube-apiserver": [
                f"--etcd-servers={etcd}",
                "--bind-address=127.0.0.1",
                f"--secure-port={self._port}",
                f"--tls-cert-file={certificate}",
                f"--tls-private-key-file={key}",
                f"--client-ca-file={self._authority_file}",
                f"--service-account-issuer={self.url}",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--authorization-mode=RBAC",
                "--allow-privileged",  # as clusters do; who may use it is the affair of admission
                "--endpoint-reconciler-type=none",  # the address of this server is no address of a Service
                *self._arguments,
            ],
            "kube-controller-manager": [
                f"--kubeconfig={admin}",
                f"--service-account-private-key-file={key}",
                f"--root-ca-file={self._authority_file}",
                "--use-service-account-credentials",
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=300",
                "--kube-api-burst=600",
            ],
            "kube-scheduler": [
                f"--kubeconfig={admin}",
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=300",
                "--kube-api-burst=600",
            ],
            "kwok": [
                f"--kubeconfig={admin}",
                f"--config={Path(__file__).parent / 'stages.yaml'}",
                "--manage-all-nodes",
                "--server-address=",
                # Without it a node is no longer ready after 50 s, and its pods never again.
                "--node-lease-duration-seconds=40",
            ],
        }

    def _launch(self, name: str, *arguments: str) -> None:
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [str(self.program(name)), *arguments],
                cwd=self._place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 (one call of the kernel's, and no lock is taken)
            )
        self._running.append((name, process))

    def _await(self, name: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            for part, process in self._running:
                if process.poll() is not None:
                    raise RuntimeError(f"{part} ended with {process.returncode}:\n{self._end_of_log(part)}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} was not ready after {PATIENCE:.0f} s:\n{self._end_of_log(name)}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        trusted = ssl.create_default_context(cafile=str(self._authority_file))
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", context=trusted, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _add_nodes(self) -> None:
        nodes = [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": f"node-{number}",
                    "labels": {
                        "kubernetes.io/hostname": f"node-{number}",
                        "topology.kubernetes.io/zone": f"zone-{number % 2}",
                    },
                },
            }
            for number in range(self._nodes)
        ]
        self._kubectl("create", "-f", "-", said=yaml.safe_dump_all(nodes))
        self._kubectl("wait", "node", "--all", "--for=condition=Ready", f"--timeout={PATIENCE:.0f}s")
        self._kubectl("wait", "serviceaccount/default", "--for=create", f"--timeout={PATIENCE:.0f}s")

    def _kubectl(self, *arguments: str, said: str = "") -> None:
        command = [str(self.program("kubectl")), f"--kubeconfig={self._place / 'admin.kubeconfig'}", *arguments]
        done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr}")

    def _end_of_log(self, name: str) -> str:
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-15:])

    def _write(self, name: str, content: bytes) -> Path:
        path = self._place / name
        path.write_bytes(content)
        return path

    def _stop(self) -> None:
        for _, process in reversed(self._running):
            process.terminate()
        deadline = time.monotonic() + 5
        for _, process in reversed(self._running):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()


def _end_with_parent() -> None:
    """The kernel kills the process when the thread that started it ends, whatever ended it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    held = [keep(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports

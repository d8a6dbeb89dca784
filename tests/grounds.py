"""The two grounds that the tests stand on: the embedded sandbox, and a real control plane."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
import yaml

from gate.cluster.api import Api
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.runtime.images import Image, Images
from gate.sandbox.kubernetes.serving.connection import BEARER_PATH
from tests.control_plane.running import ControlPlane
from tests.waiting import pauses

CRDS = sorted((Path(__file__).parent.parent / "charts" / "chaos-gate" / "crds").glob("*.yaml"))

IMAGES = tuple(f"web:{number}" for number in range(1, 6))
"""What pods may run on both grounds. On the sandbox each is a process that only waits, and has a digest of its own."""

GATE_IMAGE = Image(
    name="chaos-gate:test",
    argv=(sys.executable, "-m", "gate.cli"),
    variables={
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "CHAOS_GATE_PROXY_CONTROL": "$(POD_IP):8474",
    },
)
"""What a registry would have of this checkout; on every sandbox. Pods share one network stack there, so a fault proxy
is controlled on the address of its pod.
"""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A Kubernetes with our custom resources, as its administrator sees it. Namespaces are the tests' own to make."""

    name: str
    kubeconfig: Path
    session: requests.Session = field(repr=False)

    @property
    def is_real(self) -> bool:
        return self.name == "control-plane"

    @cached_property
    def url(self) -> str:
        return str(yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])

    @cached_property
    def api(self) -> Api:
        """The product's client, one for all: to read a kubeconfig takes longer than to ask a sandbox."""
        return Api.from_environment(str(self.kubeconfig))

    def ask(
        self, method: str, path: str, body: Any = None, *, media: str = "application/json", **more: Any
    ) -> requests.Response:
        """The response, unjudged. `body` is sent as JSON, bytes as they are; `more` goes to `requests`."""
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        headers = {"Content-Type": media, **more.pop("headers", {})}
        return self.session.request(method, self.url + path, data=data, headers=headers, timeout=20, **more)

    def kubeconfig_of(self, namespace: str, account: str, folder: Path) -> Path:
        """A kubeconfig, in `folder`, with a token of that service account."""
        told = self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", {})
        assert told.status_code == 201, told.text
        settings = yaml.safe_load(self.kubeconfig.read_text())
        settings["clusters"][0]["cluster"]["server"] = self.url.partition(BEARER_PATH)[0]
        settings["users"][0]["user"] = {"token": told.json()["status"]["token"]}
        made = folder / f"{account}.kubeconfig"
        made.write_text(yaml.safe_dump(settings))
        return made

    def kubectl(self, *arguments: str, said: Any = None, fails: bool = False, program: str = "kubectl") -> str:
        """What kubectl prints, on whichever of the two outputs. `said` is given to it as JSON."""
        command = [program, "--kubeconfig", str(self.kubeconfig), "--cache-dir", str(self.kubeconfig.parent / "cache")]
        done = subprocess.run(
            [*command, *arguments],
            input=None if said is None else json.dumps(said),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert bool(done.returncode) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr


@contextmanager
def sandbox(place: Path, more: Sequence[Image] = (), **settings: Any) -> Iterator[tuple[Ground, Kubernetes]]:
    """A fresh sandbox whose kubeconfig is in `place`; `more` are images, `settings` are those of `Kubernetes`."""
    idle = (Image(name=name, argv=("sleep", f"{1000 + number}d")) for number, name in enumerate(IMAGES))
    with Kubernetes(**{"crds": CRDS, "images": Images([*idle, GATE_IMAGE, *more]), **settings}) as running:
        kubeconfig = place / "sandbox.kubeconfig"
        kubeconfig.write_text(running.kubeconfig())
        with _session(yaml.safe_load(kubeconfig.read_text())) as session:
            yield Ground(name="sandbox", kubeconfig=kubeconfig, session=session), running


@contextmanager
def control_plane(place: Path, **settings: Any) -> Iterator[tuple[Ground, ControlPlane]]:
    """A fresh control plane in `place`; `settings` are those of `ControlPlane`."""
    with ControlPlane(place, **settings) as running:
        kubeconfig = place / "kubeconfig"
        text = running.kubeconfig()
        kubeconfig.write_text(text)
        with _session(yaml.safe_load(text)) as session:
            ground = Ground(name="control-plane", kubeconfig=kubeconfig, session=session)
            for path in CRDS:
                ground.kubectl("apply", "-f", str(path), program=str(running.program("kubectl")))
            _wait_for_definitions(ground)
            yield ground, running


def _wait_for_definitions(ground: Ground) -> None:
    """Until all of them are served. `kubectl wait` gives up on one that has no conditions at all yet."""
    deadline = time.monotonic() + 60
    for pause in pauses():
        definitions = ground.ask("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions").json()["items"]
        missing = [each["metadata"]["name"] for each in definitions if not _is_established(each)]
        if not missing:
            return
        assert time.monotonic() < deadline, f"not served after a minute: {', '.join(missing)}"
        time.sleep(pause)


def _is_established(definition: Mapping[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


@contextmanager
def _session(config: Mapping[str, Any]) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # nothing on loopback is reached through a proxy
        if config:
            user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
            if "token" in user:
                session.headers["Authorization"] = f"Bearer {user['token']}"
            else:
                session.cert = (user["client-certificate"], user["client-key"])
                session.verify = cluster["certificate-authority"]
        yield session

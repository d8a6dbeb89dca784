"""Finds what is shipped beside the code: documents and custom resources have their homes in the project's root folder,
and a wheel carries copies of them inside the package.
"""

from importlib import resources
from pathlib import Path

import gate
from gate.errors import Permanent


def shipped(name: str) -> Path:
    """The folder `subscriptions`, `workflows` or `charts`."""
    package = Path(str(resources.files(gate)))
    for home in (package / "_shipped", package.parent):
        if (home / name).is_dir():
            return home / name
    raise Permanent(f"the folder {name} is missing beside the installed chaos-gate; install it again")


def crds() -> list[Path]:
    """The files with our CustomResourceDefinitions."""
    return sorted((shipped("charts") / "chaos-gate" / "crds").glob("*.yaml"))


def rights() -> Path:
    """The file with the gate's service account and roles."""
    return shipped("charts") / "chaos-gate" / "rbac.yaml"


def policy() -> Path:
    """The policy of the demo: chaos at any time, as far as a workflow says, in namespaces that have opted in."""
    return Path(str(resources.files(gate))) / "sandbox" / "demo" / "policy.yaml"

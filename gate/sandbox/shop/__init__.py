"""The sample service: a small real shop. `checkout` calls `inventory`; its three versions differ in how they do it."""

import json
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from gate.sandbox.kubernetes.runtime.images import Image

FOLDER = Path(str(resources.files(__name__)))

VERSIONS = ("1.0", "1.1", "1.2")


def images() -> list[Image]:
    """What the shop's registry holds. An image is the interpreter with these files; its digest is theirs."""
    return [
        _image("inventory:1.0", "inventory.py"),
        *(_image(f"checkout:{version}", f"checkout_{version.replace('.', '_')}.py") for version in VERSIONS),
    ]


def manifests(namespace: str, *, version: str, replicas: int) -> list[dict[str, Any]]:
    """The shop as it is applied to a namespace, with the checkout of one version."""
    text = (FOLDER / "shop.yaml").read_text()
    for name, value in {"NAMESPACE": namespace, "VERSION": version, "REPLICAS": json.dumps(replicas)}.items():
        text = text.replace(f"${name}", value)
    return list(yaml.safe_load_all(text))


def _image(name: str, program: str) -> Image:
    # -E and -S: an image brings its own libraries, it does not look at those of the machine.
    return Image(
        name=name,
        argv=(sys.executable, "-E", "-S", "-B", str(FOLDER / "programs" / program)),
        files=(FOLDER / "programs" / program, FOLDER / "programs" / "serving.py"),
    )

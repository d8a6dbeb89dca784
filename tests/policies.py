"""The admission policies of the chart, in force in one namespace of a cluster that other tests use, too."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.grounds import Ground


@contextmanager
def in_force(ground: Ground, chart: Path, namespace: str, place: Path) -> Iterator[None]:
    """The policy of the file, bound to this namespace alone; `place` is a folder for the manifest."""
    documents = list(yaml.safe_load_all(chart.read_text()))
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    for each in documents:
        if each["kind"] == "ValidatingAdmissionPolicyBinding":
            each["spec"]["matchResources"] = here
    manifest = place / chart.name
    manifest.write_text(yaml.safe_dump_all(each for each in documents if each["kind"].startswith("Validating")))
    ground.kubectl("apply", "-f", str(manifest))
    try:
        yield
    finally:
        ground.kubectl("delete", "-f", str(manifest))

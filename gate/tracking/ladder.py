"""The ladder from a workload to its commit, below the deploy job's own annotations: what else may say it. Pure.

Each rung gives a hint and no more. It counts only once GitLab has confirmed it, since a verdict on the wrong commit is
worse than none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from gate.model import CommitHint, Rung

REVISION, SOURCE = "org.opencontainers.image.revision", "org.opencontainers.image.source"


def hints_of(
    annotations: Mapping[str, str], labels: Mapping[str, str], images: Sequence[str]
) -> tuple[CommitHint, ...]:
    """What the workload's metadata and the image references of its pod template say, best first."""
    return (*_of_labels({**labels, **annotations}), *_of_images(images))


def project_of(hint: CommitHint, subscribed: Sequence[str]) -> str:
    """Which of the projects that subscriptions name a hint is about; empty if that cannot be told.

    A registry's path begins with the path of the project, so the longest one that fits is meant.
    """
    where = f"{hint.project.lower()}/"
    fitting = [project for project in subscribed if where.startswith(f"{project.lower()}/")]
    if fitting:
        return max(fitting, key=len)
    only = set(subscribed)
    return only.pop() if len(only) == 1 and hint.rung is Rung.IMAGE_TAG else ""


def _of_labels(said: Mapping[str, str]) -> Iterator[CommitHint]:
    """The pair of the OCI, where somebody has put it on the workload."""
    revision, source = said.get(REVISION, "").strip().lower(), said.get(SOURCE, "").strip()
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        path = urlsplit(source).path.strip("/").removesuffix(".git")
        yield CommitHint(rung=Rung.OCI_LABELS, project=path, revision=revision)


def _of_images(images: Sequence[str]) -> Iterator[CommitHint]:
    """Tags that are a commit, whole or as `CI_COMMIT_SHORT_SHA`."""
    for image in images:
        name, _, tag = image.partition("@")[0].rpartition(":")
        if "/" in tag or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{8}", tag):
            continue
        host, _, path = name.partition("/")
        registry = "." in host or ":" in host or host == "localhost"
        yield CommitHint(rung=Rung.IMAGE_TAG, project=path if registry else name, revision=tag)

"""Which version pods run, in every way that runtimes tell it."""

from typing import Any

import pytest

from gate.cluster.references import is_reference
from gate.cluster.rollouts import version_of

Json = dict[str, Any]
DIGEST = f"sha256:{'a' * 64}"
TEMPLATE: Json = {"spec": {"containers": [{"name": "web", "image": "shop/web:1"}]}}
HASH = "pod-template-hash"


def pod(image_id: str, *, state: Json | None = None, name: str = "one", **other: Json) -> Json:
    running = {"running": {}} if state is None else state
    status = {"name": "web", "image": "shop/web:1", "imageID": image_id, "state": running}
    return {
        "metadata": {"name": name, "labels": {HASH: "5c9f"}},
        "status": {"containerStatuses": [status], **other},
    }


@pytest.mark.parametrize(
    "image_id",
    [
        f"docker-pullable://registry.example/shop/web@{DIGEST}",
        f"docker://{DIGEST}",
        f"registry.example:5000/shop/web@{DIGEST}",
        DIGEST,
    ],
)
def test_every_form_of_an_image_id_is_the_same_digest(image_id: str) -> None:
    version, problem = version_of(TEMPLATE, [pod(image_id)], HASH)
    assert version is not None
    assert (version.images[0].digest, problem) == (DIGEST, "")


@pytest.mark.parametrize("image_id", ["", "web:1", "sha256:short"])
def test_without_a_digest_image_and_template_stand_for_the_version(image_id: str) -> None:
    version, problem = version_of(TEMPLATE, [pod(image_id), pod(image_id, name="two")], HASH)
    assert version is not None
    assert version.images[0].digest == "shop/web:1+5c9f"
    assert "no digest is known of web" in problem


def test_a_container_that_has_not_started_is_no_version_yet() -> None:
    waiting = pod("", state={"waiting": {"reason": "ImagePullBackOff"}})
    assert version_of(TEMPLATE, [waiting], HASH) == (None, "pod one has not started all of its containers")


def test_pods_of_which_only_some_have_a_digest_do_not_agree() -> None:
    assert version_of(TEMPLATE, [pod(DIGEST), pod("")], HASH)[0] is None


def test_init_containers_of_the_template_count_and_injected_ones_do_not() -> None:
    template = {"spec": {**TEMPLATE["spec"], "initContainers": [{"name": "migrate", "image": "m:1"}]}}
    ended = {"state": {"terminated": {"exitCode": 0}}, "image": "m:1", "imageID": DIGEST}
    inits = [{"name": "migrate", **ended}, {"name": "istio-init", **ended}]
    version, _ = version_of(template, [pod(DIGEST, initContainerStatuses=inits)], HASH)
    assert version is not None
    assert [image.container for image in version.images] == ["migrate", "web"]


def test_ephemeral_containers_are_not_part_of_the_version() -> None:
    debug: Any = [{"name": "debugger", "imageID": DIGEST, "state": {"running": {}}}]
    with_debugger = version_of(TEMPLATE, [pod(DIGEST, ephemeralContainerStatuses=debug)], HASH)[0]
    assert with_debugger == version_of(TEMPLATE, [pod(DIGEST)], HASH)[0]


def test_forty_containers_are_one_version() -> None:
    names = [f"c{number}" for number in range(40)]
    template = {"spec": {"containers": [{"name": name, "image": f"{name}:1"} for name in names]}}
    many = pod(DIGEST)
    many["status"]["containerStatuses"] = [{"name": name, "imageID": DIGEST} for name in names]
    version, _ = version_of(template, [many], HASH)
    assert version is not None
    assert len(version.images) == 40


def test_an_image_that_is_no_reference_is_told_apart_as_it_is_written() -> None:
    odd: Any = pod("")
    odd["status"]["containerStatuses"][0]["image"] = ":::not an image"
    version, problem = version_of(TEMPLATE, [odd], HASH)
    assert version is not None
    assert version.images[0].digest == ":::not an image+5c9f"
    assert problem


@pytest.mark.parametrize(
    "image",
    [
        "app", "app:1", "shop/app:1.2_3-rc", "localhost:5000/app", "registry.example.org/shop/app__x:v1",
        f"app@sha256:{'a' * 64}", f"r.example.org:443/a/b-c.d:t@sha256:{'0' * 64}", "[::1]:5000/app:1",
        "UPPER.example.org/app",
    ],
)  # fmt: skip
def test_an_image_that_a_runtime_can_read_is_one(image: str) -> None:
    assert is_reference(image)


@pytest.mark.parametrize(
    "image",
    [
        "",
        ":::no image",
        "App:1",
        "app:",
        "app: 1",
        "app@sha256:abc",
        "/app",
        "app//x",
        "app:1:2",
        "https://r/app",
        "app:1\n",
    ],
)
def test_an_image_that_no_runtime_can_read_is_none(image: str) -> None:
    assert not is_reference(image)

"""Addresses, images and environments: the ground that pods stand on."""

import socket

import pytest

from gate.errors import Permanent
from gate.sandbox.kubernetes.language.downward import Site, Unresolved
from gate.sandbox.kubernetes.runtime.environment import command, environment, expanded
from gate.sandbox.kubernetes.runtime.images import Image, Images, PullFailed, reference
from gate.sandbox.kubernetes.services.addresses import Addresses

SITE = Site(address="127.1.2.3", node_address="127.1.0.1", allocatable={"cpu": "2", "memory": "1Gi"})


def test_two_sandboxes_do_not_share_addresses():
    with Addresses(start=100) as one, Addresses(start=100) as other:
        assert one.second_octet != other.second_octet
        assert one.pod().split(".")[1] != other.pod().split(".")[1]


def test_a_piece_of_loopback_is_free_again_when_its_sandbox_is_gone():
    with Addresses(start=110) as one:
        octet = one.second_octet
    with Addresses(start=octet) as other:
        assert other.second_octet == octet


def test_an_address_given_back_is_not_the_next_one_handed_out():
    with Addresses() as addresses:
        first = addresses.pod()
        addresses.release(first)
        assert addresses.pod() != first


def test_addresses_run_out_with_a_remedy():
    with Addresses() as addresses:
        handed_out = {addresses.service() for _ in range(32 * 254)}
        assert len(handed_out) == 32 * 254
        with pytest.raises(Permanent, match="delete some"):
            addresses.service()
        last = handed_out.pop()
        addresses.release(last)
        assert addresses.service() == last


def test_pods_can_all_listen_on_one_port():
    with Addresses() as addresses:
        servers = [socket.create_server((addresses.pod(), 8080)) for _ in range(3)]
        for each in servers:
            each.close()


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("shop", "docker.io/library/shop:latest"),
        ("shop:1", "docker.io/library/shop:1"),
        ("team/shop:1", "docker.io/team/shop:1"),
        ("registry.example.com/shop:1", "registry.example.com/shop:1"),
        ("localhost:5000/shop", "localhost:5000/shop:latest"),
        ("shop@sha256:ab", "docker.io/library/shop@sha256:ab"),
    ],
)
def test_image_names_are_completed_as_a_container_runtime_does(name, full):
    assert reference(name) == full


def test_the_digest_is_that_of_the_content_not_of_the_name_or_place(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "main.py").write_text("print(1)")

    def image(name, folder):
        path = tmp_path / folder / "main.py"
        return Image(name=name, argv=("/usr/bin/python3", str(path)), files=(path,))

    assert image("a:1", "here").digest() == image("b:2", "there").digest()
    before = image("a:1", "here").digest()
    (tmp_path / "here" / "main.py").write_text("print(2)")
    assert image("a:1", "here").digest() != before


def test_an_image_can_be_pulled_by_its_digest():
    images = Images([Image(name="shop:1", argv=("one",)), Image(name="shop:2", argv=("two",))])
    pinned = images.pull("shop:2").image_id
    assert images.pull(pinned).argv == ("two",)
    with pytest.raises(PullFailed, match="not found"):
        images.pull("shop@sha256:" + "0" * 64)


def test_references_to_variables_are_expanded_unless_escaped_or_unknown():
    assert expanded("$(A) $$(A) $(B)", {"A": "x"}) == "x $(A) $(B)"


def test_the_command_of_a_container_replaces_the_images_and_arguments_follow():
    assert command({"args": ["--at=$(HOST)"]}, ["serve"], {"HOST": "127.1.2.3"}) == ["serve", "--at=127.1.2.3"]
    assert command({"command": ["other"], "args": ["x"]}, ["serve"], {}) == ["other", "x"]


def test_a_whole_config_map_becomes_variables_and_optional_ones_may_be_missing():
    pod = {"metadata": {"name": "one", "namespace": "default"}, "spec": {}}
    container = {
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}}, {"secretRef": {"name": "no", "optional": True}}],
        "env": [{"name": "MISSING", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "no", "optional": True}}}],
    }

    def find(kind, name):
        return {"k": "v"} if (kind, name) == ("configmap", "c") else None

    found = environment(pod, container, SITE, [], find)
    assert found["P_k"] == "v"
    assert "MISSING" not in found


def test_an_unknown_field_is_refused_by_name():
    pod = {"metadata": {"name": "one", "namespace": "default"}, "spec": {}}
    container = {"env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "status.what"}}}]}
    with pytest.raises(Unresolved, match=r"status\.what"):
        environment(pod, container, SITE, [], lambda _kind, _name: None)

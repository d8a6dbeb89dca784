"""What a workload's metadata and its image say of the commit, and about which project."""

import pytest

from gate.model import CommitHint, Rung
from gate.tracking.ladder import hints_of, project_of

SHA = "0123456789abcdef0123456789abcdef01234567"
REGISTRY = "registry.example.org:5050"


def rungs(*hints: CommitHint) -> list[Rung]:
    return [hint.rung for hint in hints]


@pytest.mark.parametrize(
    ("image", "project", "revision"),
    [
        (f"{REGISTRY}/shop/checkout:{SHA}", "shop/checkout", SHA),
        (f"{REGISTRY}/shop/checkout/api:{SHA[:8]}", "shop/checkout/api", SHA[:8]),
        (f"{REGISTRY}/shop/checkout/main:{SHA}@sha256:{'0' * 64}", "shop/checkout/main", SHA),
        (f"shop/checkout:{SHA}", "shop/checkout", SHA),
        (f"checkout:{SHA}", "checkout", SHA),
    ],
)
def test_a_tag_that_is_a_commit_is_one(image: str, project: str, revision: str) -> None:
    assert hints_of({}, {}, [image]) == (CommitHint(rung=Rung.IMAGE_TAG, project=project, revision=revision),)


@pytest.mark.parametrize(
    "image",
    ["checkout", "checkout:1.2.3", "checkout:latest", f"checkout@sha256:{'0' * 64}", f"checkout:{SHA[:7]}",
     f"checkout:{SHA.upper()}", f"{REGISTRY}/shop/checkout", f"checkout:v{SHA}"],
)  # fmt: skip
def test_any_other_tag_says_nothing(image: str) -> None:
    assert hints_of({}, {}, [image]) == ()


def test_the_rungs_are_in_the_order_of_what_they_are_worth() -> None:
    said = {
        "org.opencontainers.image.revision": SHA,
        "org.opencontainers.image.source": "https://gitlab.example.org/shop/checkout.git",
    }
    found = hints_of(said, {}, [f"checkout:{SHA}"])
    assert rungs(*found) == [Rung.OCI_LABELS, Rung.IMAGE_TAG]
    assert found[0].project == "shop/checkout"


@pytest.mark.parametrize(
    ("said", "subscribed", "project"),
    [
        ("shop/checkout", ["shop/checkout"], "shop/checkout"),
        ("shop/checkout/api", ["shop/checkout", "shop/checkout/api"], "shop/checkout/api"),
        ("shop/checkoutx", ["shop/checkout", "shop/cart"], ""),
        ("Shop/Checkout", ["shop/checkout", "shop/cart"], "shop/checkout"),
        ("mirror/checkout", ["shop/checkout"], "shop/checkout"),
        ("mirror/checkout", ["shop/checkout", "shop/cart"], ""),
        ("anything", [], ""),
    ],
)
def test_an_image_belongs_to_the_longest_project_that_its_path_begins_with(
    said: str, subscribed: list[str], project: str
) -> None:
    assert project_of(CommitHint(rung=Rung.IMAGE_TAG, project=said, revision=SHA), subscribed) == project


def test_a_source_of_another_project_is_not_taken_for_the_only_one_subscribed() -> None:
    assert project_of(CommitHint(rung=Rung.OCI_LABELS, project="elsewhere/lib", revision=SHA), ["shop/checkout"]) == ""

"""Each project is on the GitLab whose group holds it, and a file that does not say that clearly is refused."""

from pathlib import Path

import pytest

from gate.errors import GateError, Permanent
from gate.gitlab.instances import Instance, Instances, read_instances


def routes(*groups: tuple[str, ...]) -> Instances[str]:
    instances = [
        Instance(url=f"https://{number}", token_file=Path("t"), groups=each) for number, each in enumerate(groups)
    ]
    return Instances(instances, lambda each: each.url)


@pytest.mark.parametrize(
    ("project", "url"),
    [
        ("shop/checkout", "https://0"),
        ("Shop/Checkout", "https://0"),
        ("shop/payments/api", "https://1"),
        ("shop/paymentsx/api", "https://0"),
        ("shopping/list", "https://2"),
        ("17", "https://2"),
    ],
)
def test_the_narrowest_group_decides(project: str, url: str) -> None:
    assert routes(("shop",), ("shop/payments",), ()).of(project) == url


def test_a_project_that_is_nowhere_is_said_with_the_remedy() -> None:
    with pytest.raises(Permanent, match="no GitLab is configured for the project a/b; add its group"):
        routes(("shop",)).of("a/b")


def test_the_file_says_address_token_ca_and_groups(tmp_path: Path) -> None:
    file = tmp_path / "gitlabs.yaml"
    a, b, ca = (tmp_path / name for name in ("a", "b", "ca"))
    for each in (a, b, ca):
        each.touch()
    file.write_text(
        f"- {{url: https://a.example.org/, tokenFile: {a}, caFile: {ca}, groups: [Shop/]}}\n"
        f"- {{url: https://b.example.org, tokenFile: {b}}}\n"
    )
    first, second = read_instances(file)
    assert first == Instance(url="https://a.example.org", token_file=a, ca_file=ca, groups=("shop",))
    assert second == Instance(url="https://b.example.org", token_file=b)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "is no list of GitLabs"),
        ("{a: b}", "is no list of GitLabs"),
        ("- [", "cannot be read"),
        ("- {url: gitlab.example.org, tokenFile: t}", "is 'gitlab.example.org', not an address"),
        ("- {url: https://x}", "tokenFile is missing"),
        ("- {url: https://x, tokenfile: t}", "tokenfile is not known; did you mean tokenFile"),
        ("- {url: https://x, tokenFile: t, groups: shop}", "groups is no list of paths"),
        ("- {url: https://x, tokenFile: t}\n- {url: https://y, tokenFile: t}", "(no groups) stands in more than one"),
        ("- seven", "url is ''"),
        ("- {url: https://x, tokenFile: t, groups: no}", "groups: no without quotes is false in YAML 1.1"),
        ("- {url: https://x, tokenFile: t, groups: false}", "groups is no list of paths"),
        ("- {url: https://x, tokenFile: t, groups: {}}", "groups is no list of paths"),
        ("- {url: https://x, tokenFile: t, groups: ''}", "groups is no list of paths"),
        ("- {url: https://x, tokenFile: t, groups: }", "groups is no list of paths"),
        ("- {url: https://x, tokenFile: t, groups: [/]}", "groups is no list of paths"),
        ("- url: https://x\n  groups: [a]\n  groups: [b]", "gitlabs.yaml:3: [0]: 'groups' stands here twice"),
        ("- {url: https://x, tokenFile: nowhere}", "tokenFile is 'nowhere', which is no file that can be read"),
        ("- {url: https://x, tokenFile: t, caFile: nowhere}", "caFile is 'nowhere', which is no file that can be read"),
        ("- {url: https://x, tokenFile: [t]}", "tokenFile is ['t'], which is no file"),
        ("[" * 5000, "gitlabs.yaml:1: this cannot be read as YAML: too large"),
        ("- {url: 2026-99-99, tokenFile: t}", "is '2026-99-99', not an address"),
        ("- {url: https://x}\n---\n- {url: https://y}", "holds 2 documents; write all GitLabs into one list"),
        ("", "is no list of GitLabs"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "gitlabs.yaml"
    file.write_text(text)
    with pytest.raises(GateError) as error:
        read_instances(file)
    assert words in str(error.value)

"""The file with the catalogues: everything that is wrong with it is said at once, with the nearest right word."""

from pathlib import Path

import pytest

from gate.catalogue.sources import Source, read_sources
from gate.config import Settings
from gate.errors import GateError
from gate.wire.sources import is_read, sources_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name in ("token", "ca.pem", "hosts", "signers"):
        (tmp_path / name).touch()
    return tmp_path / "catalogues.yaml"


def written(file: Path, text: str) -> Path:
    file.write_text(text.replace("DIR", str(file.parent)))
    return file


def test_each_catalogue_has_its_own_way_in_and_the_first_goes_before_the_others(file: Path) -> None:
    text = """\
- name: shop
  url: https://gitlab.example.org/shop/chaos.git
  tokenFile: DIR/token
  caFile: DIR/ca.pem
  verifySignatures: {allowedSignersFile: DIR/signers}
- {name: company, url: "git@gitlab.example.org:platform/chaos.git", tag: v3, knownHostsFile: DIR/hosts}
"""
    shop, company = sources_of(Settings.read({"CHAOS_GATE_CATALOGUES": str(written(file, text))}))
    assert (shop.name, shop.ref, shop.verifies) == ("shop", "refs/heads/main", True)
    assert (company.ref, company.known_hosts_file, company.verifies) == (
        "refs/tags/v3",
        file.parent / "hosts",
        False,
    )
    assert is_read([shop, company], "platform/chaos", "refs/tags/v3")
    assert not is_read([shop, company], "platform/chaos", "refs/heads/main")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- {name: a, url: x, tokenfile: DIR/token}", 'there is no field "tokenfile"; did you mean tokenFile?'),
        ("- {name: a}", "[0].url: is missing"),
        ("- {name: a, url: x, caFile: DIR/nowhere}", "nowhere is no file that can be read; mount it there"),
        ("- {name: a, url: x}\n- {name: a, url: y}", "two catalogues are called a"),
        ("- {name: a, url: x, branch: main, tag: v1}", "branch main and tag v1 are both there; keep one"),
        ("- {name: a, url: x, branch: '--upload-pack=x'}", "is no name of a branch or a tag"),
        ("- {name: a, url: x, branch: 'main:other'}", "is no name of a branch or a tag"),
        ("- {name: a, url: x, verifySignatures: {}}", "verifySignatures names no keys"),
        ("- {name: a, url: 'git@example.org:x.git'}", "is reached by SSH: name a knownHostsFile"),
        ("- {name: a, url: 'ssh://git@example.org/x.git'}", "is reached by SSH: name a knownHostsFile"),
        ("- {name: a, url: 'http://example.org/x', tokenFile: DIR/token}", "a tokenFile is for an https:// address"),
        ("[]", "must not be empty"),
        ("a: b", "must be a list"),
        ("- {", "cannot be read as YAML"),
        ("- {name: a, url: x}\n---\n- {name: b, url: x}", "write all catalogues into one list"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(file: Path, text: str, complaint: str) -> None:
    with pytest.raises(GateError) as raised:
        read_sources(written(file, text))
    assert complaint in str(raised.value)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_catalogue_over_ssh_needs_the_file_that_names_its_known_hosts() -> None:
    with pytest.raises(
        GateError, match=r"CHAOS_GATE_CATALOGUE: .* knownHostsFile.* in the file of CHAOS_GATE_CATALOGUES"
    ):
        sources_of(Settings.read({"CHAOS_GATE_CATALOGUE": "git@example.org:chaos.git"}))


@pytest.mark.parametrize("other", ["CHAOS_GATE_CATALOGUE", "CHAOS_GATE_CATALOGUE_BRANCH"])
def test_one_catalogue_and_a_file_of_several_contradict_each_other(file: Path, other: str) -> None:
    with pytest.raises(GateError, match=f"CHAOS_GATE_CATALOGUES and {other} are both there"):
        Settings.read({"CHAOS_GATE_CATALOGUES": str(written(file, "[]")), other: "x"})


@pytest.mark.parametrize("address", ["/srv/chaos.git", "https://example.org/x:y.git", "file:///srv/x.git", "x"])
def test_what_is_not_reached_by_ssh_needs_no_known_hosts(address: str) -> None:
    assert Source(address=address).problem == ""

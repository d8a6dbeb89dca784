"""The settings: everything that is wrong with them is said at once, and secrets are never shown."""

from datetime import timedelta
from pathlib import Path

import pytest

from gate.config import Resolve, Settings
from gate.errors import GateError, Permanent, Temporary

LEAST = {"CHAOS_GATE_CATALOGUE": "https://gitlab.example.org/chaos.git"}
GITLAB = "CHAOS_GATE_GITLAB"


def test_a_catalogue_is_all_that_is_needed() -> None:
    settings = Settings.read(LEAST)
    assert (settings.branch, settings.fetch_every) == ("main", timedelta(seconds=30))
    assert (settings.listen, settings.resolve) == (("127.0.0.1", 8080), Resolve.DNS)
    assert settings.gitlab_token is None
    assert settings.nodes == ()


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = {
        "CHAOS_GATE_FETCH_EVERY": "soon",
        "CHAOS_GATE_GITLAB_URL": "gitlab.example.org",
        "CHAOS_GATE_LISTEN": "8080",
        "CHAOS_GATE_RESOLVE": "hosts",
        "CHAOS_GATE_NAMESPCE": "x",
    }
    with pytest.raises(GateError) as raised:
        Settings.read(wrong)
    said = str(raised.value)
    for name in ("CHAOS_GATE_CATALOGUE is missing", *(name for name in wrong)):
        assert name in said
    assert "did you mean CHAOS_GATE_NAMESPACE?" in said


@pytest.mark.parametrize(("written", "meant"), [("90s", 90), ("1m30s", 90), ("2m", 120)])
def test_times_are_written_as_in_documents(written: str, meant: int) -> None:
    settings = Settings.read(LEAST | {"CHAOS_GATE_FETCH_EVERY": written})
    assert settings.fetch_every == timedelta(seconds=meant)


@pytest.mark.parametrize(("written", "complaint"), [("30", "write 30s for seconds"), ("0s", "must be more than 0s")])
def test_a_time_without_its_unit_or_of_no_length_is_refused(written: str, complaint: str) -> None:
    with pytest.raises(GateError, match=complaint):
        Settings.read(LEAST | {"CHAOS_GATE_FETCH_EVERY": written})


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("shop,cart, shop", "shop is there twice"),
        ("team-*", "patterns are for subscriptions"),
        ("Shop", "not the name"),
    ],
)
def test_namespaces_are_names_and_each_is_there_once(written: str, complaint: str) -> None:
    assert Settings.read(LEAST | {"CHAOS_GATE_NAMESPACES": "shop, cart"}).namespaces == ("shop", "cart")
    with pytest.raises(GateError, match=complaint):
        Settings.read(LEAST | {"CHAOS_GATE_NAMESPACES": written})


def test_a_gitlab_needs_a_token() -> None:
    with pytest.raises(GateError, match="CHAOS_GATE_GITLAB_TOKEN_FILE is missing"):
        Settings.read(LEAST | {"CHAOS_GATE_GITLAB_URL": "https://gitlab.example.org"})


@pytest.mark.parametrize("name", [f"{GITLAB}_TOKEN_FILE", f"{GITLAB}_CA_FILE"])
def test_what_is_for_one_gitlab_is_not_ignored_where_there_is_none_or_a_file_of_several(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(GateError, match=f"{name} is for no GitLab: {GITLAB}_URL is missing"):
        Settings.read(LEAST | {name: str(file)})
    with pytest.raises(GateError, match=f"{GITLAB}S and {name} are both there; write all into the first"):
        Settings.read(LEAST | {name: str(file), f"{GITLAB}S": str(file)})


def test_a_variable_that_is_set_to_nothing_is_missing() -> None:
    with pytest.raises(GateError, match="CHAOS_GATE_CATALOGUE is missing"):
        Settings.read({"CHAOS_GATE_CATALOGUE": ""})
    assert Settings.read(LEAST | {"CHAOS_GATE_CATALOGUE_BRANCH": ""}).branch == "main"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("0.0.0.0:80", ("0.0.0.0", 80)), ("[::1]:8080", ("::1", 8080)), ("localhost:0", ("localhost", 0))],
)
def test_the_address_to_listen_on_may_be_of_any_family(written: str, meant: tuple[str, int]) -> None:
    assert Settings.read(LEAST | {"CHAOS_GATE_LISTEN": written}).listen == meant


def test_credentials_are_read_when_they_are_used_and_only_for_their_namespace(tmp_path: Path) -> None:
    settings = Settings.read(LEAST | {"CHAOS_GATE_CREDENTIALS": str(tmp_path)})
    find = settings.credentials
    assert find is not None
    with pytest.raises(Permanent, match="there are no credentials shop/token to be read"):
        find("shop", "token")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "token").write_text("secret\n")
    assert find("shop", "token") == "secret"
    (tmp_path / "shop" / "token").write_text("rotated\n")
    assert find("shop", "token") == "rotated"
    for namespace, name in (
        ("other", "token"),
        ("shop", "../shop/token"),
        ("..", "token"),
        ("shop", ""),
        ("", "token"),
    ):
        with pytest.raises(Permanent):
            find(namespace, name)


def test_a_folder_of_credentials_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"CHAOS_GATE_CREDENTIALS: .*nowhere is no folder"):
        Settings.read(LEAST | {"CHAOS_GATE_CREDENTIALS": str(tmp_path / "nowhere")})


def test_variables_of_others_are_left_alone() -> None:
    Settings.read(LEAST | {"PATH": "/bin", "CHAOS_GATE_URL": "for the command wait"})


def test_a_token_is_read_when_it_is_used_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "token"
    settings = Settings.read(LEAST | {f"{GITLAB}_URL": "https://gitlab.example.org", f"{GITLAB}_TOKEN_FILE": str(file)})
    assert settings.gitlab_token is not None
    with pytest.raises(Temporary):
        settings.gitlab_token()
    file.write_text("first\n")
    assert settings.gitlab_token() == "first"
    file.write_text("rotated\n")
    assert settings.gitlab_token() == "rotated"
    assert "rotated" not in repr(settings)


def test_evidence_is_kept_in_the_state_folder_unless_it_is_said_where() -> None:
    settings = Settings.read(LEAST | {"CHAOS_GATE_STATE": "state"})
    assert (settings.evidence, settings.keep_evidence) == (Path("state/evidence"), timedelta(days=30))
    elsewhere = Settings.read(LEAST | {"CHAOS_GATE_EVIDENCE": "/evidence", "CHAOS_GATE_KEEP_EVIDENCE": "7d"})
    assert (elsewhere.evidence, elsewhere.keep_evidence) == (Path("/evidence"), timedelta(days=7))


def test_an_audience_needs_a_gitlab_that_signs() -> None:
    with pytest.raises(GateError, match="CHAOS_GATE_AUDIENCE needs a GitLab that signs"):
        Settings.read(LEAST | {"CHAOS_GATE_AUDIENCE": "chaos-gate"})

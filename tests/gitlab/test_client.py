"""The transport, over real sockets: what goes wrong becomes an error that says so, and the token stays secret."""

import itertools
import json
import logging
import socket
from pathlib import Path

import pytest

from gate.config import Secret
from gate.errors import GateError, Permanent, Temporary
from gate.gitlab.client import LARGEST_BODY, MOST_PAGES, WHOLE_TIMEOUT, GitLab

TOKEN = "glpat-marked-as-secret"


@pytest.fixture
def gitlab(scripted):
    client = GitLab(scripted.address, lambda: TOKEN)
    yield client
    client.close()


def test_the_token_goes_into_its_header_and_the_project_into_one_segment(scripted, gitlab) -> None:
    scripted.answers("200 OK", b'{"id": 3, "sha": "abc", "status": "running"}')
    assert gitlab.pipeline("group/shop", 3).sha == "abc"
    head = scripted.heard[0].decode()
    assert head.startswith("GET /api/v4/projects/group%2Fshop/pipelines/3 HTTP/1.1\r\n")
    assert f"PRIVATE-TOKEN: {TOKEN}\r\n" in head


def test_the_token_is_read_again_for_each_request(scripted, tmp_path: Path) -> None:
    file = tmp_path / "token"
    client = GitLab(scripted.address, Secret(file))
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        scripted.answers("200 OK", b'{"id": 5}')
        assert client.user() == 5
        assert f"PRIVATE-TOKEN: {token}\r\n".encode() in scripted.heard[-1]
    client.close()


def test_a_token_file_that_is_not_there_is_said_and_may_come(tmp_path: Path) -> None:
    with pytest.raises(Temporary, match=r"nothing cannot be read"):
        Secret(tmp_path / "nothing")()


def test_a_token_file_that_is_not_text_is_said_without_a_byte_of_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"glpat-\xff-hush")
    with pytest.raises(Temporary, match=r"is not text") as error:
        Secret(file)()
    assert "hush" not in repr(error.value)


@pytest.mark.parametrize("token", ["", "two words", "line\r\nX-Admin: yes", "schlüssel"])
def test_what_is_no_token_is_never_sent_nor_shown(scripted, token: str) -> None:
    client = GitLab(scripted.address, lambda: token)
    with pytest.raises(Temporary, match="the GitLab token is empty or holds spaces") as error:
        client.user()
    assert not token or token not in str(error.value)
    assert scripted.heard == []
    client.close()


def test_no_log_no_error_and_no_repr_holds_the_token(scripted, gitlab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = [repr(gitlab), repr(vars(gitlab))]
    for status in ("200 OK", "401 Unauthorized", "502 Bad Gateway", "302 Found"):
        scripted.answers(status, b'{"id": 1}', "Location: http://127.0.0.1:9/elsewhere")
        try:
            gitlab.user()
        except GateError as error:
            said.append(repr(error))
    assert len(said) == 5
    assert TOKEN not in "".join(said) + caplog.text


def test_a_redirect_is_not_followed_with_the_token(scripted, gitlab) -> None:
    scripted.answers("301 Moved Permanently", b"", f"Location: {scripted.address}/api/v4/user")
    with pytest.raises(Permanent, match="redirects"):
        gitlab.user()
    assert len(scripted.heard) == 1


def test_a_connection_cut_before_the_answer_is_worth_another_try(scripted, gitlab) -> None:
    scripted.sends(b"")
    with pytest.raises(Temporary, match="did not answer GET /user"):
        gitlab.user()


def test_a_connection_cut_within_the_answer_is_worth_another_try(scripted, gitlab) -> None:
    scripted.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    with pytest.raises(Temporary, match="answered to GET /user was cut off"):
        gitlab.user()


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = GitLab(address, lambda: TOKEN)
    with pytest.raises(Temporary, match=r"did not answer GET /user: ConnectionRefusedError"):
        client.user()
    client.close()


@pytest.mark.parametrize("address", ["gitlab.example.org", "ssh://git@gitlab.example.org", "http://"])
def test_an_address_that_is_none_is_a_persons_task(address: str) -> None:
    client = GitLab(address, lambda: TOKEN)
    with pytest.raises(Permanent, match="is not an address of a GitLab"):
        client.user()
    client.close()


def test_the_ca_file_is_the_one_of_the_settings_and_said_if_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of-others.pem").touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "of-others.pem"))
    client = GitLab("https://127.0.0.1:1", lambda: TOKEN, authority=tmp_path / "gone.pem")
    with pytest.raises(Temporary, match=r"https://127\.0\.0\.1:1 was not asked: .*gone\.pem; mount the file of its CA"):
        client.user()
    client.close()


def test_an_answer_without_end_is_dropped(scripted, gitlab) -> None:
    scripted.answers("200 OK", b"x" * (LARGEST_BODY + 1))
    with pytest.raises(Temporary, match="more than"):
        gitlab.user()


def test_an_answer_that_drips_for_ever_is_given_up(scripted) -> None:
    hours = itertools.count(step=WHOLE_TIMEOUT + 1)
    client = GitLab(scripted.address, lambda: TOKEN, monotonic=lambda: next(hours))
    scripted.drips(b'{"id"')
    with pytest.raises(Temporary, match="took more than 30 s"):
        client.user()
    client.close()


def test_a_list_that_is_longer_than_is_read_is_no_list(scripted, gitlab) -> None:
    for page in range(MOST_PAGES):
        link = f'Link: <{scripted.address}/api/v4/projects/1/x?page={page + 2}>; rel="next"'
        scripted.answers("200 OK", b"[]", link)
    with pytest.raises(Temporary, match="has more than 2000 things"):
        gitlab.external("1", "abc", pipeline=3)


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"[]", b'{"name": "x"}', b'{"id": "x"}', b"null"])
def test_a_200_that_is_not_gitlabs_is_not_believed(scripted, gitlab, body: bytes) -> None:
    scripted.answers("200 OK", body)
    with pytest.raises(Temporary, match="GitLab answered"):
        gitlab.user()


def test_a_rate_limit_says_when_to_come_back(scripted, gitlab) -> None:
    scripted.answers("429 Too Many Requests", b"Retry later\n", "Retry-After: 12")
    with pytest.raises(Temporary) as error:
        gitlab.user()
    assert error.value.retry_after == 12.0


def test_rows_and_deployments_are_read(scripted, gitlab) -> None:
    row = {"id": 9, "name": "n", "status": "running", "sha": "abc", "pipeline_id": 3, "author": {"id": 5}}
    scripted.answers("200 OK", json.dumps([row, row | {"author": None, "description": "d"}]).encode())
    rows = gitlab.statuses("1", "abc", pipeline=3, name="n")
    assert [(one.state, one.author, one.description) for one in rows] == [("running", 5, ""), ("running", None, "d")]
    scripted.answers("200 OK", b'[{"id": 1, "sha": "abc", "status": "success"}]')
    assert [one.status for one in gitlab.deployments("1", environment="staging")] == ["success"]

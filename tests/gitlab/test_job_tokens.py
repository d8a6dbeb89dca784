"""A job's JWT says which project it is of, if one of our GitLabs signed it for us, and not otherwise."""

import base64
import json
import socket
import threading
import time
from pathlib import Path

import pytest
from joserfc import jwk, jwt

from gate.errors import Denied, Temporary
from gate.gitlab.instances import Instance, Instances
from gate.gitlab.job_tokens import AT_MOST, FRESH, JobTokens, Signer
from tests.gitlab.ground import PATIENCE, World, job_token

AUDIENCE = "chaos-gate"


@pytest.fixture(scope="module")
def token(world: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a job of the project shop/jobs is given."""
    return job_token(world, "shop/jobs", AUDIENCE, tmp_path_factory.mktemp("job") / "token")


def tokens(world: World, **more: object) -> JobTokens:
    return of_one(world.server.url, **more)


def of_one(url: str, audience: str = AUDIENCE, **more: object) -> JobTokens:
    """Where one GitLab has every project."""
    return JobTokens([Signer(url=url)], audience, **{"home": lambda _: url, **more})


def test_the_token_of_a_job_says_its_project(world: World, token: str) -> None:
    assert tokens(world).project(token) == "shop/jobs"


def test_a_token_for_somebody_else_is_not_taken(world: World, token: str) -> None:
    with pytest.raises(Denied, match="needs `aud: elsewhere`"):
        of_one(world.server.url, "elsewhere").project(token)


def test_a_token_that_is_over_is_not_taken(world: World, token: str) -> None:
    with pytest.raises(Denied, match="expired_token"):
        tokens(world, now=lambda: time.time() + 2 * 3600).project(token)


def test_no_token_is_none(world: World) -> None:
    with pytest.raises(Denied, match="a job has to send a JWT of its GitLab: `id_tokens` with `aud: chaos-gate`"):
        tokens(world).project("")


def test_a_gitlab_may_not_speak_for_a_project_of_another(world: World, token: str) -> None:
    here, other = world.server.url, "https://other.example.org"
    instances = [
        Instance(url=here, token_file=Path("t")),
        Instance(url=other, token_file=Path("t"), groups=("shop",)),
    ]
    with pytest.raises(Denied, match=rf"{here} may not speak for shop/jobs, which is on {other}; mend `groups`"):
        tokens(world, home=Instances(instances, lambda each: each.url).of).project(token)
    with pytest.raises(Denied, match=r"may not speak for shop/jobs: no GitLab is configured for the project shop/jobs"):
        tokens(world, home=Instances([], lambda each: each.url).of).project(token)


def changed(token: str, part: int, **claims: str) -> str:
    parts = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    parts[part] = base64.urlsafe_b64encode(json.dumps(said | claims).encode()).decode().rstrip("=")
    return ".".join(parts)


def test_what_was_changed_or_signed_by_another_is_not_taken(world: World, token: str) -> None:
    own_key = jwk.RSAKey.generate_key(2048)
    claims = {"iss": world.server.url, "aud": AUDIENCE, "exp": int(time.time()) + 60, "project_path": "shop/jobs"}
    forged = jwt.encode({"alg": "RS256"}, claims, own_key)
    unsigned = f"{changed(token, 0, alg='none').rpartition('.')[0]}."
    shared = jwt.encode({"alg": "HS256"}, claims, jwk.OctKey.import_key("secret" * 8))
    for each in (
        changed(token, 1, project_path="shop/other"),
        forged,
        unsigned,
        shared,
        "rubbish",
        "a.b.c",
        "x" * 99999,
    ):
        with pytest.raises(Denied) as error:
            tokens(world).project(each)
        assert each not in str(error.value)


def test_while_the_keys_cannot_be_had_there_is_no_answer(token: str) -> None:
    with pytest.raises(Temporary, match=r"the keys of http://.* cannot be read"):
        of_one("http://127.0.0.1:1").project(token)


@pytest.fixture
def rotating(scripted) -> tuple[JobTokens, list[float], object]:
    """A signer whose keys a test changes."""
    clock = [0.0]
    return of_one(scripted.address, monotonic=lambda: clock[0]), clock, scripted


def shows(scripted, *keys: jwk.RSAKey) -> None:
    """Answer the next request with these keys."""
    body = {"keys": [{**key.as_dict(private=False), "kid": key.kid} for key in keys]}
    scripted.answers("200 OK", json.dumps(body).encode())


def signed(scripted, key: jwk.RSAKey, project: object = "a/b") -> str:
    claims = {"iss": scripted.address, "aud": AUDIENCE, "exp": int(time.time()) + 600, "project_path": project}
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


def test_new_keys_are_fetched_when_they_are_met_but_not_for_each_rubbish(rotating) -> None:
    verifier, clock, scripted = rotating
    old, new = (jwk.RSAKey.generate_key(2048, {"kid": name}) for name in ("old", "new"))
    shows(scripted, old)
    assert verifier.project(signed(scripted, old)) == "a/b"
    for _ in range(3):
        with pytest.raises(Denied):
            verifier.project(signed(scripted, new))
    assert len(scripted.heard) == 1
    clock[0] += AT_MOST
    shows(scripted, new)
    assert verifier.project(signed(scripted, new)) == "a/b"
    assert len(scripted.heard) == 2


@pytest.mark.parametrize("project", [7, ["a/b"], {"a": "b"}])
def test_a_project_that_is_no_path_is_not_taken(rotating, project: object) -> None:
    verifier, _, scripted = rotating
    key = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    shows(scripted, key)
    with pytest.raises(Denied, match="names no project; `project_path` has to be a path"):
        verifier.project(signed(scripted, key, project))


def test_keys_that_cannot_be_read_are_asked_for_once_in_a_while_only(rotating) -> None:
    verifier, clock, scripted = rotating
    key = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    scripted.answers("502 Bad Gateway")
    for each in (signed(scripted, key), "rubbish", signed(scripted, key)):
        with pytest.raises(Temporary, match="cannot be read: HTTPError"):
            verifier.project(each)
    assert len(scripted.heard) == 1
    clock[0] += AT_MOST
    shows(scripted, key)
    assert verifier.project(signed(scripted, key)) == "a/b"


def test_old_keys_are_better_than_none_and_are_not_renewed_at_each_question(rotating) -> None:
    verifier, clock, scripted = rotating
    key, new = (jwk.RSAKey.generate_key(2048, {"kid": name}) for name in ("one", "new"))
    shows(scripted, key)
    assert verifier.project(signed(scripted, key)) == "a/b"
    clock[0] += FRESH + 1
    scripted.answers("502 Bad Gateway")
    for _ in range(3):
        assert verifier.project(signed(scripted, key)) == "a/b"
        with pytest.raises(Temporary, match="cannot be read: HTTPError"):  # it may be signed with a new one
            verifier.project(signed(scripted, new))
    assert len(scripted.heard) == 2


def test_while_one_asks_for_the_keys_nobody_waits(rotating) -> None:
    verifier, clock, scripted = rotating
    key = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    shows(scripted, key)
    assert verifier.project(signed(scripted, key)) == "a/b"
    clock[0] += FRESH + 1
    asked, answered = threading.Event(), threading.Event()

    def hangs(connection: socket.socket) -> None:
        asked.set()
        answered.wait(PATIENCE)
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    scripted.plays.append(hangs)
    asking = threading.Thread(target=verifier.project, args=(signed(scripted, key),))
    asking.start()
    try:
        assert asked.wait(PATIENCE)
        assert verifier.project(signed(scripted, key)) == "a/b"
        with pytest.raises(Temporary, match="are being read"):
            verifier.project("rubbish")
        assert asking.is_alive()
    finally:
        answered.set()
        asking.join()


def test_a_ca_file_that_is_gone_is_said(tmp_path: Path) -> None:
    signer = Signer(url="https://127.0.0.1:1", authority=tmp_path / "gone.pem")
    with pytest.raises(Temporary, match=r"cannot be read: .*gone\.pem; mount the file of its CA there"):
        JobTokens([signer], AUDIENCE, home=lambda _: signer.url).project("a.b.c")

"""What is done every hour about GitLab is done by the leader only, and nothing that goes wrong ends it."""

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gate.config import Settings
from gate.errors import Denied, GateError
from gate.gitlab.instances import Instance
from gate.gitlab.orphans import Own
from gate.gitlab.statuses import post
from gate.model import Announcement, Commit, Gate, StatusState
from gate.wire.gitlabs import EVERY, UNKNOWN, GitLabs, Upkeep, askers_of, instances_of
from tests.clocks import HandClock
from tests.gitlab.ground import PATH, World, job_token, served

MARK = "glpat-marked-as-secret"


class Clock(HandClock):
    """Waits for as long as it takes until it is woken."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(30)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with served() as world:
        yield world


@dataclass
class Kept:
    """An upkeep over the embedded GitLab."""

    world: World
    folder: Path
    leads: bool = True
    known: Iterable[str] | None = (PATH,)
    compared: int = 0
    insisted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        file = self.folder / "token"
        file.write_text(self.world.token)
        instance = Instance(url=self.world.server.url, token_file=file)
        self.gitlabs = GitLabs([instance], lambda: self.insisted.append("led"), Clock())
        self.upkeep = Upkeep(self.gitlabs, self, self.compare, leads=lambda: self.leads, clock=Clock())

    def projects(self) -> Iterable[str] | None:
        return self.known

    def gates(self) -> Sequence[Gate]:
        return ()

    def own(self) -> Own:
        return Own(names={"chaos/staging/gone"})

    def compare(self) -> None:
        self.compared += 1

    def says(self, state: StatusState) -> None:
        commit = Commit(project=PATH, sha=self.world.sha, pipeline=self.world.pipelines[0])
        self.world.client.send(
            post(Announcement(name="chaos/staging/gone", commit=commit, version="v", state=state, description=""))
        )

    @property
    def shown(self) -> list[str]:
        return [row["status"] for row in self.world.shown("chaos/staging/gone", self.world.pipelines[0])]


@pytest.fixture
def kept(world: World, tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(world, tmp_path)
    yield kept
    kept.gitlabs.close()


def test_the_leader_compares_everything_and_finishes_orphans(kept: Kept) -> None:
    kept.says(StatusState.RUNNING)
    assert kept.upkeep.once() == EVERY
    assert (kept.compared, kept.shown, kept.insisted) == (1, ["canceled"], ["led"])


def test_another_replica_only_looks_at_the_tokens(kept: Kept) -> None:
    kept.says(StatusState.RUNNING)
    kept.leads = False
    assert kept.upkeep.once() == EVERY
    assert (kept.compared, kept.shown) == (0, ["running"])


def test_before_the_catalogue_is_read_nothing_counts_as_an_orphan(kept: Kept) -> None:
    kept.says(StatusState.RUNNING)
    kept.known = None
    assert kept.upkeep.once() == UNKNOWN
    assert kept.shown == ["running"]


def test_a_mistake_ends_neither_the_hour_nor_the_next(kept: Kept) -> None:
    tried, stop = threading.Semaphore(0), threading.Event()

    def compare() -> None:
        tried.release()
        raise RuntimeError("nobody has thought of this")

    upkeep = Upkeep(kept.gitlabs, kept, compare, leads=lambda: True, clock=Clock())
    thread = threading.Thread(target=upkeep.run, args=(stop,))
    thread.start()
    try:
        assert tried.acquire(timeout=30)
        upkeep.hurry()
        assert tried.acquire(timeout=30)
    finally:
        stop.set()
        upkeep.hurry()
        thread.join()


def test_no_line_of_the_log_and_no_repr_holds_the_token(
    kept: Kept, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "token").write_text(MARK)
    announcement = Announcement(
        name="chaos/staging/marked",
        commit=Commit(project=PATH, sha=kept.world.sha, pipeline=kept.world.pipelines[0]),
        version="v",
        state=StatusState.FAILED,
        description="d",
    )
    said = []
    for act in (kept.gitlabs.look, kept.upkeep.once, lambda: kept.gitlabs.report(announcement)):
        try:
            act()
        except GateError as error:
            said.append(f"{error!r} {error.__cause__!r} {error.__context__!r}")
    fenced = kept.gitlabs.of(PATH)
    said += [repr(kept.gitlabs.tokens), repr(fenced), repr(vars(fenced)), repr(vars(fenced.client)), caplog.text]
    assert "token_refused" in caplog.text
    assert MARK not in "\n".join(said)


def test_the_settings_name_one_gitlab_or_a_file_of_several_but_not_both(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    file = tmp_path / "gitlabs.yaml"
    file.write_text(f"- {{url: 'https://a.example.org', tokenFile: {token}}}\n")
    one = {
        "CHAOS_GATE_CATALOGUE": "/c",
        "CHAOS_GATE_GITLAB_URL": "https://g.example.org",
        "CHAOS_GATE_GITLAB_TOKEN_FILE": str(token),
        "CHAOS_GATE_GITLAB_CA_FILE": str(token),
    }
    several = {"CHAOS_GATE_CATALOGUE": "/c", "CHAOS_GATE_GITLABS": str(file)}
    assert instances_of(Settings.read(one)) == (Instance(url="https://g.example.org", token_file=token, ca_file=token),)
    assert instances_of(Settings.read(several)) == (Instance(url="https://a.example.org", token_file=token),)
    assert instances_of(Settings.read({"CHAOS_GATE_CATALOGUE": "/c"})) == ()
    with pytest.raises(GateError, match="are both there"):
        Settings.read(one | several)


def test_of_several_gitlabs_each_speaks_only_for_the_projects_that_the_file_puts_there(
    world: World, tmp_path: Path
) -> None:
    token, file = tmp_path / "token", tmp_path / "gitlabs.yaml"
    token.touch()
    file.write_text(
        f"- {{url: '{world.server.url}', tokenFile: {token}}}\n"
        f"- {{url: 'http://127.0.0.1:1', tokenFile: {token}, groups: [shop/payments]}}\n"
    )
    several = {"CHAOS_GATE_CATALOGUE": "/c", "CHAOS_GATE_GITLABS": str(file), "CHAOS_GATE_AUDIENCE": "gate"}
    askers = askers_of(Settings.read(several))
    assert askers is not None
    assert askers.project(job_token(world, "shop/jobs", "gate", tmp_path / "here")) == "shop/jobs"
    with pytest.raises(Denied, match=r"may not speak for shop/payments, which is on http://127\.0\.0\.1:1"):
        askers.project(job_token(world, "shop/payments", "gate", tmp_path / "elsewhere"))

"""The catalogue's repository: real git, read at a commit, the last good revision staying in force."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import git
import pytest

from gate.catalogue.repository import Repository
from gate.catalogue.sources import Source
from gate.catalogue.subscribed import Subscribed
from gate.errors import GateError, Permanent, Temporary
from gate.model import Workflow, WorkloadKind, WorkloadName
from tests.catalogue.conftest import NOW, Mirrored
from tests.catalogues import Origin
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.documents.vocabularies import WORDS

CHECKOUT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")


def runs_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder
    except OSError:  # it has ended, or is somebody else's
        return False


def test_the_documents_are_read_at_the_newest_revision(origin: Origin, mirror: Repository) -> None:
    revision = mirror.fetch()
    catalogue = mirror.read(NOW)
    assert catalogue.revision == revision
    assert [each.name for each in catalogue.loaded.subscriptions] == ["checkout"]
    assert [each.name for each in catalogue.loaded.workflows] == ["survives"]


def test_a_change_is_seen_at_the_next_fetch(origin: Origin, mirror: Repository) -> None:
    mirror.fetch()
    revision = origin.commit(subscriptions__checkout_yaml=None)
    assert mirror.fetch() == revision
    assert mirror.read(NOW).loaded.subscriptions == ()


def test_a_branch_that_was_pushed_by_force_is_followed(origin: Origin, mirror: Repository) -> None:
    mirror.fetch()
    repo = git.Repo(origin.folder)
    repo.git.commit("--amend", "--quiet", "--message=another history")
    assert mirror.fetch() == repo.head.commit.hexsha
    repo.close()


def test_while_git_is_away_the_last_revision_stays_in_force(origin: Origin, mirror: Repository) -> None:
    revision = mirror.fetch()
    origin.folder.rename(origin.folder.with_name("gone"))
    with pytest.raises(Temporary, match=r"cannot be fetched: .*does not appear to be a git repository") as raised:
        mirror.fetch()
    assert "\n" not in str(raised.value)
    assert mirror.read(NOW).revision == revision


def test_a_mirror_that_outlived_its_process_is_read_without_fetching(
    origin: Origin, mirror: Repository, tmp_path: Path
) -> None:
    revision = mirror.fetch()
    origin.folder.rename(origin.folder.with_name("gone"))
    again = Repository(Source(address=str(origin.folder)), tmp_path / "mirror", WORDS)
    assert again.read(NOW).revision == revision
    again.close()


def test_a_mirror_of_another_repository_is_not_read(mirror: Repository, mirrored: Mirrored) -> None:
    mirror.fetch()
    again = mirrored(Source(address="/nowhere"))
    assert again.fetched() is None
    with pytest.raises(Permanent, match="has never been fetched"):
        again.read(NOW)


def test_a_branch_may_be_called_like_the_folder_of_another(origin: Origin, mirrored: Mirrored) -> None:
    for branch in ("rel", "rel/1"):
        with git.Repo(origin.folder) as repo:
            repo.git.branch("--move", branch)
        revision = mirrored(Source(address=str(origin.folder), branch=branch)).fetch()
        assert mirrored(Source(address=str(origin.folder), branch=branch)).read(NOW).revision == revision


def test_a_catalogue_that_was_never_fetched_cannot_be_read(mirror: Repository) -> None:
    with pytest.raises(Permanent, match="has never been fetched"):
        mirror.read(NOW)


def test_a_link_is_refused_and_the_rest_is_read(origin: Origin, mirror: Repository) -> None:
    origin.link("workflows/link.yaml", "/etc/passwd")
    mirror.fetch()
    loaded = mirror.read(NOW).loaded
    assert [str(problem) for problem in loaded.problems] == [
        "workflows/link.yaml:1: is a link; put the document itself here"
    ]
    assert len(loaded.workflows) == 1


def test_a_submodule_is_refused_and_the_rest_is_read(origin: Origin, mirror: Repository) -> None:
    origin.submodule("workflows/others")
    mirror.fetch()
    loaded = mirror.read(NOW).loaded
    assert [str(problem) for problem in loaded.problems] == [
        "workflows/others:1: is a submodule; put the documents themselves here"
    ]
    assert len(loaded.workflows) == 1


@pytest.mark.parametrize(("target", "complaint"), [("", "is a file; "), ("/etc", "is a link; ")])
def test_a_folder_that_is_none_is_refused_and_the_rest_is_read(
    origin: Origin, mirror: Repository, target: str, complaint: str
) -> None:
    origin.commit(workflows__survives_yaml=None)
    (origin.folder / "workflows").rmdir()
    if target:
        origin.link("workflows", target)
    else:
        (origin.folder / "workflows").write_text("here")
        origin.commit()
    mirror.fetch()
    loaded = mirror.read(NOW).loaded
    assert complaint in str(loaded.problems[0])
    assert len(loaded.subscriptions) == 1


def test_only_what_changed_is_parsed_again(origin: Origin, mirror: Repository) -> None:
    mirror.fetch()
    before = mirror.read(NOW).loaded
    origin.commit(subscriptions__checkout_yaml=SUBSCRIPTION.replace("staging", "testing"))
    mirror.fetch()
    after = mirror.read(NOW).loaded
    assert after.workflows[0] is before.workflows[0]
    assert after.subscriptions[0].environment == "testing"


def test_when_the_mirror_was_last_fresh_outlives_the_process_and_a_fetch_that_fails(
    origin: Origin, mirror: Repository, tmp_path: Path
) -> None:
    assert mirror.fetched() is None
    mirror.fetch()
    fresh = mirror.fetched()
    assert fresh is not None
    origin.folder.rename(origin.folder.with_name("gone"))
    again = Repository(Source(address=str(origin.folder)), tmp_path / "mirror", WORDS)
    with pytest.raises(Temporary):
        again.fetch()
    assert again.fetched() == fresh
    again.close()


def test_the_locks_of_a_fetch_that_was_killed_are_broken_and_those_of_a_living_one_are_not(
    origin: Origin, mirror: Repository, tmp_path: Path
) -> None:
    lock = tmp_path / "mirror" / "shallow.lock"
    lock.touch()
    with pytest.raises(Temporary, match=r"shallow\.lock"):
        mirror.fetch()
    os.utime(lock, (0, 0))
    assert mirror.fetch() == mirror.revision()


def test_a_damaged_mirror_is_said_and_how_to_mend_it(origin: Origin, mirror: Repository, tmp_path: Path) -> None:
    mirror.fetch()
    for thing in (tmp_path / "mirror" / "objects").rglob("*"):
        if thing.is_file():
            thing.unlink()
    again = Repository(Source(address=str(origin.folder)), tmp_path / "mirror", WORDS)
    with pytest.raises(Permanent, match="is damaged; delete"):
        again.read(NOW)
    again.close()


def test_git_that_ends_while_it_waits_is_begun_again(origin: Origin, mirror: Repository, tmp_path: Path) -> None:
    mirror.fetch()
    mirror.read(NOW)
    waiting = [int(each.name) for each in Path("/proc").glob("[0-9]*") if runs_in(each, tmp_path / "mirror")]
    assert waiting
    for process in waiting:
        os.kill(process, signal.SIGKILL)
    revision = origin.commit(workflows__other_yaml="")
    mirror.fetch()
    assert mirror.read(NOW).revision == revision


def test_a_revision_that_cannot_be_noted_is_in_force_all_the_same(
    origin: Origin, mirror: Repository, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "mirror" / "refs" / "taken").write_text("a file in the way")
    revision = mirror.fetch()
    assert mirror.read(NOW).revision == revision
    assert "catalogue.unnoted" in caplog.text


def test_an_address_that_looks_like_an_option_is_none(tmp_path: Path) -> None:
    repository = Repository(Source(address=f"--upload-pack=touch {tmp_path}/done;"), tmp_path / "option", WORDS)
    with pytest.raises(Temporary):
        repository.fetch()
    assert not (tmp_path / "done").exists()
    repository.close()


def test_a_missing_branch_is_said(origin: Origin, tmp_path: Path) -> None:
    repository = Repository(Source(address=str(origin.folder), branch="production"), tmp_path / "other", WORDS)
    with pytest.raises(Temporary, match="couldn't find remote ref refs/heads/production") as raised:
        repository.fetch()
    assert "\n" not in str(raised.value)
    repository.close()


def test_a_secret_in_the_address_is_not_shown(tmp_path: Path) -> None:
    repository = Repository(Source(address="https://bot:s3cret@127.0.0.1:1/x.git"), tmp_path / "secret", WORDS)
    with pytest.raises(GateError) as raised:
        repository.fetch()
    assert "s3cret" not in str(raised.value)
    assert "s3cret" not in repository.shown
    repository.close()


def test_the_claims_of_a_workload_follow_the_catalogue(origin: Origin, mirror: Repository) -> None:
    subscribed = Subscribed(lambda: NOW)
    mirror.fetch()
    assert subscribed.put(mirror.read(NOW)) == {CHECKOUT}
    (claim,) = subscribed.of(CHECKOUT, {})
    assert ([each.name for each in claim.workflows], claim.problems) == (["survives"], ())
    origin.commit(workflows__survives_yaml=WORKFLOW.replace("hold: 4s", "hold: 4"))
    mirror.fetch()
    subscribed.put(mirror.read(NOW))
    (claim,) = subscribed.of(CHECKOUT, {})
    assert "workflows/survives.yaml:20" in claim.problems[0]
    origin.commit(subscriptions__checkout_yaml=SUBSCRIPTION.replace("environment", "enviroment"))
    mirror.fetch()
    subscribed.put(mirror.read(NOW))
    (claim,) = subscribed.of(CHECKOUT, {})
    assert claim.subscription is None
    origin.commit(subscriptions__checkout_yaml=None)
    mirror.fetch()
    assert CHECKOUT in subscribed.put(mirror.read(NOW))
    assert subscribed.of(CHECKOUT, {}) == []


@pytest.mark.parametrize("workload", ["workload: {kind: Deployment}", "workload: {"])
def test_a_subscription_that_no_longer_says_whose_it_is_keeps_its_claim(
    origin: Origin, mirror: Repository, workload: str
) -> None:
    subscribed = Subscribed(lambda: NOW)
    mirror.fetch()
    subscribed.put(mirror.read(NOW))
    whole = "workload: {kind: Deployment, namespace: shop, name: checkout}"
    assert whole in SUBSCRIPTION
    origin.commit(subscriptions__checkout_yaml=SUBSCRIPTION.replace(whole, workload))
    mirror.fetch()
    assert CHECKOUT in subscribed.put(mirror.read(NOW))
    (claim,) = subscribed.of(CHECKOUT, {})
    assert (claim.name, claim.subscription) == ("checkout", None)
    assert "subscriptions/checkout.yaml:" in claim.problems[0]


def test_a_subscription_that_became_illegible_is_claimed_by_the_gate_that_remembers_it(
    origin: Origin, mirror: Repository
) -> None:
    origin.commit(subscriptions__checkout_yaml="kind: [")
    mirror.fetch()
    subscribed = Subscribed(lambda: NOW)
    subscribed.put(mirror.read(NOW))
    assert subscribed.of(CHECKOUT, {}) == []
    (claim,) = subscribed.of(CHECKOUT, {}, ["checkout"])
    assert (claim.name, claim.subscription) == ("checkout", None)
    assert "subscriptions/checkout.yaml" in claim.problems[0]


def test_what_rests_on_the_same_documents_is_resolved_once(origin: Origin, mirror: Repository) -> None:
    subscribed = Subscribed(lambda: NOW)

    def workflows() -> tuple[Workflow, ...]:
        mirror.fetch()
        subscribed.put(mirror.read(NOW))
        (claim,) = subscribed.of(CHECKOUT, {})
        return tuple(claim.workflows)

    before = workflows()
    origin.commit(subscriptions__other_yaml=SUBSCRIPTION.replace("name: checkout", "name: other"))
    assert workflows()[0] is before[0]
    origin.commit(workflows__survives_yaml=WORKFLOW.replace("hold: 4s", "hold: 5s"))
    assert workflows()[0].steps[0].hold == timedelta(seconds=5)
    origin.commit(workflows__survives_yaml=None)
    assert workflows() == ()
    origin.commit(workflows__survives_yaml=WORKFLOW)
    assert workflows() == before

"""What a Job has seen comes to the gate, whole, and can be read there by whoever may read the run."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from gate.cli.report import report
from gate.cluster.callers import AUDIENCE
from gate.model import Run, RunPhase
from gate.reports.evidence import Filed, filed
from gate.reports.shelf import LARGEST, Shelf
from gate.reports.verification import verify
from gate.sandbox.ports import keep
from gate.web.app import create_app
from gate.web.server import Server
from gate.wire.keeping import Keeping
from tests import grounds
from tests.grounds import Ground
from tests.web.conftest import Known
from tests.wire.job_world import ACCOUNT, Shop, looked_after

SHORT = timedelta(seconds=1)

pytestmark = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)


@pytest.fixture(scope="module")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox")) as (ground, _):
        yield ground


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The gate's."""
    return tmp_path / "kept"


@pytest.fixture
def gate(shop: Shop, folder: Path) -> Iterator[Callable[[int], Server]]:
    """One that keeps evidence, with the rights that are shipped; it is called with its port."""
    with shop.reviewing():
        app = create_app(Known(), keeper=Keeping(shop.as_gate(), Shelf(folder)))
        yield lambda port: Server(app, port=port, largest=LARGEST)


def played(shop: Shop, address: str) -> tuple[Run, Filed]:
    """A run that a Job has executed to its end, and what it says of its evidence."""
    run = shop.begin("scale", SHORT, to=1)
    with looked_after(shop, evidence_url=address):
        shop.eventually(lambda: shop.look(run).status.phase is RunPhase.EXECUTED)
    named = filed(shop.look(run).status)
    assert named is not None, shop.story(run)
    return run, named


def fetched(address: str, named: Filed, token: str) -> requests.Response:
    said = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(f"{address}/api/v1/evidence/{named.namespace}/{named.file}", headers=said, timeout=120)


def test_it_is_handed_in_and_judged_again_and_fetched_by_whoever_may_read_the_run(
    shop: Shop, gate: Callable[[int], Server], folder: Path, tmp_path: Path
) -> None:
    with gate(0) as server:
        run, named = played(shop, server.address)
        kept = folder / named.namespace / named.file
        shop.eventually(kept.exists)
        verified = verify(kept)
        assert (verified.same, verified.digest) == (True, named.digest), verified.problems
        reader, guest = "reader", "guest"
        for account in (reader, guest):
            shop.post(f"/api/v1/namespaces/{shop.namespace}/serviceaccounts", {"metadata": {"name": account}})
        assert fetched(server.address, named, shop.token(ACCOUNT, AUDIENCE)).content == kept.read_bytes()
        assert fetched(server.address, named, shop.token(guest, AUDIENCE)).status_code == 403
        assert fetched(server.address, named, shop.token(ACCOUNT)).status_code == 403
        assert fetched(server.address, named, "").status_code == 403
        fetching = ["fetch", f"{shop.namespace}/{run.name}", "--url", server.address, "--to", str(tmp_path)]
        environment = {"KUBECONFIG": str(shop.ground.kubeconfig)}
        done = CliRunner().invoke(report, [*fetching, "--account", ACCOUNT], env=environment)
        assert done.output.strip() == str(tmp_path / named.file)
        assert (tmp_path / named.file).read_bytes() == kept.read_bytes()
        refused = CliRunner().invoke(report, [*fetching, "--account", guest], env=environment)
        assert "may not get chaosruns" in str(refused.exception)


def test_a_gate_that_is_away_gets_it_when_it_is_back(shop: Shop, gate: Callable[[int], Server], folder: Path) -> None:
    with keep(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
        _, named = played(shop, f"http://127.0.0.1:{port}")
        assert not folder.exists()
        with gate(port):
            shop.eventually((folder / named.namespace / named.file).exists)


def test_what_the_run_does_not_name_is_not_taken(shop: Shop, gate: Callable[[int], Server], folder: Path) -> None:
    with gate(0) as server:
        _, named = played(shop, server.address)
        kept = folder / named.namespace / named.file
        shop.eventually(kept.exists)
        body, token = kept.read_bytes(), shop.token(ACCOUNT, AUDIENCE)
        for file, status, why in (
            (named.file.replace(".1.jsonl", ".2.jsonl"), 422, "does not say that its evidence is in"),
            (named.file.replace("web-survives", "web-other"), 422, "there is no ChaosRun"),
            ("..%2f..%2fout.1a.1.jsonl.gz", 422, "is not the name of evidence"),
            ("out.jsonl.gz", 422, "is not the name of evidence"),
            (named.file, 200, ""),
        ):
            address = f"{server.address}/api/v1/evidence/{named.namespace}/{file}"
            answer = requests.put(address, data=body, headers={"Authorization": f"Bearer {token}"}, timeout=120)
            assert (answer.status_code, why in answer.text) == (status, True), answer.text
        address = f"{server.address}/api/v1/evidence/{named.namespace}/{named.file}"
        assert requests.put(address, data=body, timeout=120).status_code == 403
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [named.file]

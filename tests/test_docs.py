"""The prose is tested: every sample, link, setting, field, kind and reason in it is compared with the product."""

import ast
import inspect
import re
import socket
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from gate import config
from gate.catalogue.folder import read_paths
from gate.cli import COMMANDS
from gate.cli.waiting import Exit
from gate.cluster.api import Api
from gate.cluster.workloads import Workloads
from gate.documents import forms
from gate.documents.blocks import Block
from gate.documents.catalogue import Catalogue
from gate.documents.loading import load
from gate.documents.review import Severity, review
from gate.model import SECOND, Reason, Step, Verdict, WorkloadKind, WorkloadName
from gate.running import ports
from gate.running.time import SystemClock
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.runtime.images import Image, Images
from gate.wire.vocabulary import vocabulary

Eventually = Callable[[Callable[[], object]], None]

PROJECT = Path(__file__).parents[1]
README = PROJECT / "README.md"
DOCS = PROJECT / "docs"
AUTHORS, OPERATORS = DOCS / "authors.md", DOCS / "operators.md"
PAGES = [README, PROJECT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def blocks(page: Path, language: str) -> Iterator[str]:
    """The code blocks of a page in that language."""
    return (text for found, text in FENCE.findall(page.read_text()) if found == language)


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", page.read_text())


def words(page: Path) -> set[str]:
    """What stands in code marks on the page, and each part of the dotted ones."""
    marked = re.findall(r"`([^`\n]+)`", prose(page))
    return {part for text in marked for part in text.split(".")}


def samples() -> list[tuple[str, str]]:
    """Every YAML block that says our apiVersion. Those that do not are pipelines, manifests and fragments."""
    return [
        (f"{page.relative_to(PROJECT)} sample {number}", text)
        for page in PAGES
        for number, text in enumerate(blocks(page, "yaml"), 1)
        if re.search(r"^apiVersion: chaosgate\.dev/", text, re.MULTILINE)
    ]


@pytest.mark.parametrize(("name", "text"), samples(), ids=[name for name, _ in samples()])
def test_every_sample_is_a_document_without_a_mistake(name: str, text: str) -> None:
    loaded = load(text.encode(), name, vocabulary())
    assert loaded.documents == text.count("apiVersion:")
    assert [str(problem) for problem in loaded.problems] == []


def test_pages_with_samples_have_them() -> None:
    with_samples = {name.rpartition(" sample ")[0] for name, _ in samples()}
    assert {"README.md", "docs/authors.md"} <= with_samples


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_other_yaml_block_is_yaml(page: Path) -> None:
    for text in blocks(page, "yaml"):
        assert list(yaml.safe_load_all(text))


def test_the_documents_of_the_project_have_no_errors_and_only_the_example_is_subscribed_by_nobody() -> None:
    loaded = read_paths([PROJECT / "subscriptions", PROJECT / "workflows"], vocabulary())
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=vocabulary())
    assert loaded.subscriptions
    found = [finding for finding in review(catalogue) if finding.severity is not Severity.NOTE]
    assert [(finding.severity, Path(finding.place.file).stem, finding.why) for finding in found] == [
        (Severity.WARNING, "survives-flag-off", "no subscription uses this")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(prose(page)):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(link)
    assert lost == []


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitLab and GitHub turn them into anchors."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    of_lines = set(re.findall(r'<a id="([^"]+)">', prose(page)))
    return of_lines | {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_is_found_from_the_readme() -> None:
    linked = {(README.parent / link.partition("#")[0]).resolve() for link in LINK.findall(README.read_text())}
    unfound = [page for page in DOCS.rglob("*.md") if not linked & {page, *page.parents}]
    assert unfound == []


# ------------------------------------------------------------------------------------------------------- what is named


def settings() -> set[str]:
    """The variables that the settings are read from, found where they are taken."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(config.Settings.read)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    taken = [call.args[0] for call in calls if call.func.attr == "take"]
    return {config.PREFIX + name.value for name in taken if isinstance(name, ast.Constant)} | config.ELSEWHERE


def test_the_operators_page_names_every_setting_and_no_other() -> None:
    assert len(settings() - config.ELSEWHERE) == len(config.Settings.__dataclass_fields__)
    assert set(re.findall(r"CHAOS_GATE_[A-Z_]+", OPERATORS.read_text())) == settings()


def test_the_operators_page_gives_the_defaults_of_settings_that_are_texts() -> None:
    table = dict(re.findall(r"^\| `(CHAOS_GATE_[A-Z_]+)` \| ([^|]+) \|", OPERATORS.read_text(), re.MULTILINE))
    read = config.Settings.read({"CHAOS_GATE_CATALOGUE": "x"})
    assert table["CHAOS_GATE_CATALOGUE_BRANCH"] == f"`{read.branch}`"
    assert table["CHAOS_GATE_NAMESPACE"] == f"`{read.namespace}`"
    assert table["CHAOS_GATE_RESOLVE"] == f"`{read.resolve}`"
    assert table["CHAOS_GATE_LISTEN"] == f"`{read.listen[0]}:{read.listen[1]}`"
    assert table["CHAOS_GATE_FETCH_EVERY"] == f"`{read.fetch_every.total_seconds():g}s`"


@pytest.mark.parametrize("word", [*Reason, *Verdict])
def test_authors_learn_every_reason_and_verdict(word: str) -> None:
    assert re.search(rf"^\|.*`{word}`.*\|$", AUTHORS.read_text(), re.MULTILINE)


@pytest.mark.parametrize("kind", [*vocabulary().faults, *vocabulary().probes, *vocabulary().loads])
def test_authors_learn_every_fault_probe_and_load(kind: str) -> None:
    assert re.search(rf"^### `{kind}`$", AUTHORS.read_text(), re.MULTILINE)


def models() -> list[type[BaseModel]]:
    """All forms of documents, and all blocks of faults, probes and loads."""
    known = vocabulary()
    of_documents = [each for each in vars(forms).values() if isinstance(each, type) and issubclass(each, forms.Form)]
    of_probes = [form for each in known.probes.values() for form in (each.settings, each.expect)]
    return [*of_documents, *known.faults.values(), *of_probes, *known.loads.values()]


@pytest.mark.parametrize("model", models(), ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_authors_learn_every_field(model: type[BaseModel]) -> None:
    fields = {field.alias or name for name, field in model.model_fields.items()}
    assert fields - words(AUTHORS) == set()


def tables() -> list[tuple[str, str, str, type[BaseModel]]]:
    """Chapter and section of the authors' page, the block that a table there explains, and the block's form."""
    known = vocabulary()
    return [
        *(("Faults", kind, "with", form) for kind, form in known.faults.items()),
        *(("Probes", kind, kind, each.settings) for kind, each in known.probes.items()),
        *(("Probes", kind, "expect", each.expect) for kind, each in known.probes.items()),
        *(("Load", kind, kind, form) for kind, form in known.loads.items()),
    ]


@pytest.mark.parametrize(("chapter", "kind", "block", "form"), tables())
def test_the_table_of_a_block_has_a_row_for_each_of_its_fields_and_no_other(
    chapter: str, kind: str, block: str, form: type[BaseModel]
) -> None:
    (text,) = re.findall(rf"^## {chapter}$(.*?)(?=^## )", AUTHORS.read_text(), re.MULTILINE | re.DOTALL)
    (section,) = re.findall(rf"^### `{kind}`$(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL)
    table = "".join(re.findall(rf"^\| field in `{block}` .*?(?=\n\n|\Z)", section, re.MULTILINE | re.DOTALL))
    rows = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(rows) == sorted(field.alias or name for name, field in form.model_fields.items())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_named_somewhere(command: str) -> None:
    assert any(f"chaos-gate {command}" in page.read_text() for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_no_page_names_a_command_that_is_not_there(page: Path) -> None:
    """Only what a reader could type: what stands in a console block, or in code marks."""
    typed = "\n".join([*blocks(page, "console"), *re.findall(r"`([^`\n]+)`", prose(page))])
    named = set(re.findall(r"(?:^|&& )chaos-gate ([a-z]+)", typed, re.MULTILINE))
    assert named - set(COMMANDS) == set()


def test_the_readme_says_the_exit_codes_of_wait() -> None:
    (sentence,) = re.findall(r"exits 0 .*?\.\n", README.read_text(), re.DOTALL)
    said = {int(code): what for code, what in re.findall(r"(\d) when ([^,]+)", " ".join(sentence.split()))}
    expected = {
        Exit.OPEN: "open",
        Exit.FAILED: "broke its steady state",
        Exit.ERRORED: "could not be found out",
        Exit.CANCELED: "newer version",
        Exit.LATE: "no verdict in time",
        Exit.UNSUBSCRIBED: "nobody subscribed",
    }
    assert said.keys() == set(expected)
    assert [code for code, what in expected.items() if what not in said[code]] == []


def test_authors_learn_every_exit_code_of_wait() -> None:
    (table,) = re.findall(r"^\| exit \|.*?(?=\n\n)", AUTHORS.read_text(), re.MULTILINE | re.DOTALL)
    assert {int(code) for code in re.findall(r"^\| (\d) \|", table, re.MULTILINE)} == set(Exit)


# ---------------------------------------------------------------------------------------------------- what is shown off


def example(heading: str) -> dict[str, Any]:
    """What the Python block under a heading of the architecture page defines."""
    page = (DOCS / "architecture.md").read_text()
    (section,) = re.findall(rf"^## {heading}$(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)
    (source,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": heading}
    exec(compile(source, heading, "exec"), names)
    return names


@pytest.mark.parametrize(
    ("heading", "shape"),
    [("Adding a fault", ports.Fault), ("Adding a probe", ports.ProbeKind), ("Adding a load", ports.LoadKind)],
)
def test_the_examples_have_the_shape_that_is_asked_for(heading: str, shape: type) -> None:
    names = example(heading)
    for wanted in (name for name in vars(shape) if not name.startswith("_")):
        asked, given = vars(shape)[wanted], names[wanted]
        if isinstance(asked, property):
            assert isinstance(given, type)
            assert issubclass(given, Block)
        else:
            assert callable(given)
            assert list(inspect.signature(given).parameters) == list(inspect.signature(asked).parameters)[1:]


def test_the_fault_of_the_example_is_felt_and_comes_back_from_its_record(
    tmp_path: Path, eventually: Eventually
) -> None:
    fault = example("Adding a fault")
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="default", name="idle")
    step = Step(name="one is set aside", fault="pod-quarantine", settings={}, hold=SECOND, recover=SECOND)
    with Kubernetes(images=Images([Image(name="idle:1", argv=("sleep", "3600"))])) as kubernetes:
        (tmp_path / "kubeconfig").write_text(kubernetes.kubeconfig())
        api = Api.from_environment(str(tmp_path / "kubeconfig"))
        api.create("deployments", "default", IDLE)
        eventually(lambda: len(Workloads(api).ready_pods(name)) == 2)
        (undo,) = fault["plan"](step, name, Workloads(api).ready_pods(name), "seed", api)
        assert fault["revert"](undo, api).endswith("or gone")
        assert fault["prove"](undo, api) is None
        fault["inject"](undo, api)
        eventually(lambda: fault["prove"](undo, api))
        eventually(lambda: len(Workloads(api).ready_pods(name)) == 2)
        fault["revert"](undo, api)
        eventually(lambda: api.get("pods", "default", undo.target.name) is None)
        assert fault["revert"](undo, api).endswith("or gone")


IDLE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "idle", "namespace": "default"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "idle"}},
        "template": {
            "metadata": {"labels": {"app": "idle"}},
            "spec": {"containers": [{"name": "idle", "image": "idle:1"}]},
        },
    },
}


def surroundings() -> ports.Surroundings:
    class Nothing:
        def get(self, resource: str, namespace: str, name: str) -> None: ...

        def patch(self, resource: str, namespace: str, name: str, body: object, *, subresource: str = "") -> dict: ...

        def delete(self, resource: str, namespace: str, name: str, *, uid: str, grace: object = None) -> bool: ...

    return ports.Surroundings(cluster=Nothing(), clock=SystemClock(), namespace="shop", resolve=str)


def test_the_probe_and_the_load_of_the_examples_work() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = {"host": "127.0.0.1", "port": server.getsockname()[1]}
        ask = example("Adding a probe")["prepare"](where, {}, surroundings())
        assert ask() == ports.Answer(ok=True)
        load = example("Adding a load")["start"]({**where, "rate": "50/s"}, surroundings())
        for _ in range(3):
            server.accept()[0].close()
        summary = load.stop()
        assert summary.sent >= 2
        assert summary.failed == 0
    assert not ask().ok

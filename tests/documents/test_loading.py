"""Documents: what is right becomes nouns, what is wrong is said with its place and the nearest right word."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.documents.review import Severity, review
from gate.model import OnApproved, OnFailed, Promote, Way, WorkloadKind, WorkloadName
from tests.documents.vocabularies import WORDS

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: checkout}
spec:
  workload: {kind: Deployment, namespace: shop, name: checkout}
  environment: staging
  workflows:
    - {name: survives, parameters: {patience: 400ms}}
  gitlab: {project: shop/checkout}
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: survives}
spec:
  parameters:
    patience: {default: 1s}
  load:
    - {name: shoppers, http: {url: "http://${workload.name}.${workload.namespace}/", rate: 20/s}}
  steadyState:
    - name: answers
      http: {url: "http://checkout.shop/"}
      every: 100ms
      expect: {latency: "${parameters.patience}"}
      tolerate: {failures: 1%, streak: 1s}
  steps:
    - name: dies
      fault: pod-kill
      target: {kind: Deployment, name: inventory}
      with: {count: 2}
      hold: 4s
      recover: 1m30s
      used: answers
"""


def loaded(*texts: str) -> Loaded:
    return Loaded.together(load(text.encode(), f"file{number}.yaml", WORDS) for number, text in enumerate(texts))


def catalogue(*texts: str) -> Catalogue:
    return Catalogue(revision="r", fetched=datetime(2026, 1, 1, tzinfo=UTC), loaded=loaded(*texts), vocabulary=WORDS)


def complaints(text: str) -> list[str]:
    return [str(problem) for problem in catalogue(text).linked.problems]


def test_a_subscription_and_its_workflow_become_what_is_run() -> None:
    found = catalogue(SUBSCRIPTION, WORKFLOW)
    (subscription,) = found.loaded.subscriptions
    assert subscription.workload == WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")
    assert (subscription.settle, subscription.deadline) == (timedelta(seconds=5), timedelta(minutes=30))
    assert (subscription.on_subscribe, subscription.project) == (None, "shop/checkout")
    (workflow,), problems = found.resolve(subscription)
    assert problems == ()
    assert workflow.load[0].settings["url"] == "http://checkout.shop/"
    probe, step = workflow.steady_state[0], workflow.steps[0]
    assert (probe.kind, probe.expect, probe.tolerate.failures) == ("http", {"latency": "400ms"}, 0.01)
    assert (step.settings, step.hold, step.recover) == ({"count": 2}, timedelta(seconds=4), timedelta(seconds=90))
    assert step.target == WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="inventory")


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("hold: 4s", "hold: 4", "file0.yaml:20: spec.steps[0].hold: '4' is not a duration; write 4s for seconds"),
        ("hold: 4s", "hold: 0s", "file0.yaml:20: spec.steps[0].hold: must be more than 0s"),
        ("hold: 4s", "hlod: 4s", 'file0.yaml:20: spec.steps[0].hlod: there is no field "hlod"; did you mean hold?'),
        ("failures: 1%", "failures: 1", "is not a percentage; write it like 1%"),
        ("failures: 1%", "failures: 101%", "is more than 100%"),
        ("rate: 20/s", "rate: 20", "file0.yaml:8: spec.load[0].http.rate: '20' is not a rate; write it like 20/s"),
        ("fault: pod-kill", "fault: pod-kil", "did you mean pod-kill?"),
        ("with: {count: 2}", "with: {cuont: 2}", 'spec.steps[0].with.cuont: there is no field "cuont"'),
        ("with: {count: 2}", "with: {count: many}", "file0.yaml:19: spec.steps[0].with.count: "),
        ("      http: {url", "      htpp: {url", "did you mean http?"),
        ("kind: Workflow", "kind: Wrokflow", "did you mean Workflow?"),
        ("kind: Workflow", "kind: GameDay", "GameDay is planned, but not there yet"),
        ("v1alpha1", "v2", "file0.yaml:1: apiVersion: must be chaosgate.dev/v1alpha1"),
        ("name: survives", "name: Survives It", "does not look like"),
        ("parameters.patience", "parameters.patiense", "did you mean parameters.patience?"),
        ("{default: 1s}", "{default: 1}", "is not a duration"),
        ('"${parameters.patience}"', "1s", "file0.yaml:6: spec.parameters.patience: this parameter is not used"),
        ("  steps:", "  stpes:", 'file0.yaml:15: spec.stpes: there is no field "stpes"; did you mean steps?'),
        ("    - name: dies", "    - name: dies\n      name: twice", "'name' stands here twice, first in line 16"),
        ('${parameters.patience}"', '${parameters.patience"', "has a reference that is none"),
        (
            "chaosgate.dev/v1alpha1",
            "chaos-gate.dev/v1alpha1",
            "file0.yaml:1: apiVersion: must be chaosgate.dev/v1alpha1",
        ),
        (
            "- {name: shoppers",
            "- {name: shoppers, http: {url: 'http://x/', rate: 1/s}}\n    - {name: shoppers",
            "before it",
        ),
        ("      hold: 4s", "     hold: 4s", "is this line indented like those beside it?"),
        ("hold: 4s", "\thold: 4s", "the line begins with a tab, and YAML indents with spaces"),
    ],
)
def test_a_mistake_is_said_with_its_place_and_the_nearest_right_word(right: str, wrong: str, complaint: str) -> None:
    assert right in WORKFLOW
    said = complaints(WORKFLOW.replace(right, wrong))
    assert any(complaint in line for line in said), said


def test_a_job_that_opens_production_is_for_the_environment_production_unless_another_is_named() -> None:
    for said, environment in (("{job: ship}", "production"), ("{job: ship, environment: eu/live}", "eu/live")):
        text = SUBSCRIPTION.replace("shop/checkout}", f"shop/checkout, promote: {said}}}")
        (found,) = loaded(text).subscriptions
        assert found.promote == Promote(way=Way.PLAY, name="ship", environment=environment)


@pytest.mark.parametrize(
    ("promote", "promotes"),
    [
        ("{approve: live, onFailed: reject}", Promote(way=Way.APPROVE, name="live", on_failed=OnFailed.REJECT)),
        (
            "{approve: live, onApproved: play}",
            Promote(way=Way.APPROVE, name="live", on_approved=OnApproved.PLAY),
        ),
        ("{check: chaos}", Promote(way=Way.CHECK, name="chaos")),
        ("{trigger: main}", Promote(way=Way.TRIGGER, name="main")),
        ("{trigger: v1, project: shop/live}", Promote(way=Way.TRIGGER, name="v1", project="shop/live")),
    ],
)
def test_there_are_other_ways_to_production(promote: str, promotes: Promote) -> None:
    (found,) = loaded(SUBSCRIPTION.replace("shop/checkout}", f"shop/checkout, promote: {promote}}}")).subscriptions
    assert found.promote == promotes


@pytest.mark.parametrize(
    ("promote", "complaint"),
    [
        ("{jobs: ship}", 'promote.jobs: there is no field "jobs"; did you mean job?'),
        ("{}", "promote: must have one of job, approve, check, trigger, and only one"),
        ("{job: ship, approve: live}", "promote: must have one of job, approve, check, trigger, and only one"),
        ("{trigger: main, environment: live}", "promote: environment is for job; leave it out"),
        ("{job: ship, onFailed: wait}", "promote: onFailed is for approve; leave it out"),
        ("{job: ship, onApproved: play}", "promote: onApproved is for approve; leave it out"),
    ],
)
def test_how_production_is_opened_is_not_guessed(promote: str, complaint: str) -> None:
    said = complaints(SUBSCRIPTION.replace("shop/checkout}", f"shop/checkout, promote: {promote}}}"))
    assert any(complaint in each for each in said), said


def test_a_key_that_stands_twice_hides_no_other_mistake() -> None:
    text = WORKFLOW.replace("    - name: dies", "    - name: dies\n      name: twice").replace("hold: 4s", "hold: 4")
    assert len(complaints(text)) == 2


def test_every_mistake_is_said_at_once() -> None:
    text = WORKFLOW.replace("hold: 4s", "hold: 4").replace("recover: 1m30s", "recover: soon").replace("20/s", "20")
    assert len(complaints(text)) == 3


def test_a_broken_document_does_not_touch_the_next_one() -> None:
    found = loaded(f"{WORKFLOW.replace('hold', 'hlod')}---\n{SUBSCRIPTION}")
    assert [each.name for each in found.subscriptions] == ["checkout"]
    assert [(each.kind, each.name) for each in found.broken] == [("Workflow", "survives")]


@pytest.mark.parametrize(
    ("right", "wrong", "meant"),
    [
        ("environment", "enviroment", "did you mean environment?"),
        ("kind: Subscription", "kind: Subscripton", "did you mean Subscription?"),
        ("kind: Deployment", "kind: Deploymnt", "did you mean Deployment?"),
        ("/v1alpha1", "/v1", "must be chaosgate.dev/v1alpha1"),
    ],
)
def test_a_broken_subscription_still_says_whose_gate_it_would_have_kept(right: str, wrong: str, meant: str) -> None:
    found = catalogue(SUBSCRIPTION.replace(right, wrong))
    (broken,) = found.broken_of(WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout"))
    assert any(meant in str(problem) for problem in broken.problems)
    assert found.workloads() == {broken.workload}


def test_a_broken_document_that_is_no_subscription_keeps_nobodys_gate() -> None:
    found = catalogue(SUBSCRIPTION.replace("kind: Subscription", "kind: GameDay"))
    assert (len(found.loaded.broken), found.workloads()) == (1, set())


@pytest.mark.parametrize("kind", ["{a: 1}", "[]", "3", "", "CronJob"])
def test_a_workload_of_no_kind_is_nobodys(kind: str) -> None:
    assert catalogue(SUBSCRIPTION.replace("kind: Deployment", f"kind: {kind}")).workloads() == set()


def test_a_document_that_is_no_yaml_does_not_hide_those_around_it() -> None:
    found = loaded(f"{WORKFLOW}---\nkind: [Workflow\n---\n{SUBSCRIPTION}")
    assert ([each.name for each in found.subscriptions], [each.name for each in found.workflows]) == (
        ["checkout"],
        ["survives"],
    )
    (problem,) = found.problems
    assert problem.place.line == 25
    assert found.subscriptions[0].place == "file0.yaml:32"


@pytest.mark.parametrize(
    "text", ["# note\n%YAML 1.2\n---\n", "---\n", "--- # first\n", "\n\n---\n---\n", "---\n...\n---\n"]
)
def test_what_may_stand_before_a_document_changes_nothing(text: str) -> None:
    found = loaded(f"{text}{WORKFLOW}...\n")
    assert (found.problems, [each.name for each in found.workflows]) == ((), ["survives"])
    assert found.workflows[0].tree.place(()).line == text.count("\n") + 1


def test_a_file_has_so_many_documents_and_no_more() -> None:
    found = loaded("---\na: 1\n" * 2000)
    assert found.problems[-1].why == "at most 1000 documents, and 50000 values, in a file"
    assert len(found.problems) == 1001


@pytest.mark.parametrize(
    "workload",
    [
        "{kind: Deployment, namespace: shop, name: checkout}",
        '{"kind": "Deployment", name: checkout,namespace: shop}',
        "\n    name: checkout\n    # the shop\n\n    kind: Deployment\n    namespace: 'shop'",
    ],
)
def test_a_subscription_that_is_no_yaml_still_says_whose_gate_it_would_have_kept(workload: str) -> None:
    text = SUBSCRIPTION.replace("{kind: Deployment, namespace: shop, name: checkout}", workload)
    found = catalogue(text.replace("gitlab: {project: shop/checkout}", "gitlab: {project: shop/checkout"))
    (broken,) = found.broken_of(WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout"))
    assert broken.name == "checkout"


@pytest.mark.parametrize(("whole", "broken"), [("settle: 5s", "setle: 5s"), ("settle: 5s", "settle: [5s")])
def test_a_subscription_that_cannot_be_read_still_says_which_project_it_tells(whole: str, broken: str) -> None:
    text = SUBSCRIPTION.replace("  gitlab:", f"  {whole}\n  gitlab:")
    assert loaded(text).broken == ()
    (found,) = loaded(text.replace(whole, broken)).broken
    assert found.project == "shop/checkout"


@pytest.mark.parametrize(
    "workload", ["{kind: Deployment, name: checkout}", "{kind: Pod, namespace: shop, name: x}", "\n"]
)
def test_a_subscription_that_is_no_yaml_names_no_workload_by_half(workload: str) -> None:
    text = SUBSCRIPTION.replace("{kind: Deployment, namespace: shop, name: checkout}", workload)
    (broken,) = loaded(text.replace("gitlab: {", "gitlab: [")).broken
    assert broken.workload is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("name: survives,", "name: survive,"), "did you mean survives?"),
        (("{patience: 400ms}", "{patiens: 400ms}"), "did you mean patience?"),
        (("400ms", "soon"), "'soon' is not a duration"),
    ],
)
def test_a_subscription_that_its_workflow_cannot_satisfy_is_told_so(change: tuple[str, str], complaint: str) -> None:
    found = catalogue(SUBSCRIPTION.replace(*change), WORKFLOW)
    (subscription,) = found.loaded.subscriptions
    workflows, problems = found.resolve(subscription)
    assert workflows == ()
    assert complaint in str(problems[0])
    assert str(problems[0]).startswith("file0.yaml:8: spec.workflows[0]: ")


def test_a_subscription_to_a_broken_workflow_says_what_is_broken_there() -> None:
    found = catalogue(SUBSCRIPTION, WORKFLOW.replace("hold: 4s", "hold: 4"))
    _, problems = found.resolve(found.loaded.subscriptions[0])
    assert "file1.yaml:20: spec.steps[0].hold" in str(problems[0])


def test_a_parameter_without_default_must_be_given() -> None:
    found = catalogue(
        SUBSCRIPTION.replace(", parameters: {patience: 400ms}", ""), WORKFLOW.replace("{default: 1s}", "{}")
    )
    assert found.loaded.problems == ()
    _, problems = found.resolve(found.loaded.subscriptions[0])
    assert "the parameter patience has no default and is not given" in str(problems[0])


def test_a_document_of_somebody_else_is_passed_over_with_a_note() -> None:
    found = loaded("apiVersion: apps/v1\nkind: Deployment\n", "apiVersion: v1\nkind: Service\n")
    assert (found.problems, len(found.notes)) == ((), 2)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("on", "on"),
        ("no", "no"),
        ("1.10", 1.1),
        ("0o10", "0o10"),
        ("~", None),
        ("true", True),
        ('"1"', "1"),
        ("12", 12),
    ],
)
def test_scalars_are_read_by_the_rules_of_yaml_1_2(written: str, read: object) -> None:
    from gate.documents.tree import trees

    (tree,) = trees(f"key: {written}\n", "f")
    assert tree.value == {"key": read}


def test_text_that_a_tag_makes_something_else_is_refused() -> None:
    assert "file0.yaml:20: spec.steps[0].hold: the tag tag:yaml.org,2002:int means nothing here; leave it out" in (
        complaints(WORKFLOW.replace("hold: 4s", "hold: !!int 4"))
    )
    assert any("the tag !run means" in line for line in complaints(WORKFLOW.replace("{count: 2}", "!run {count: 2}")))


def test_a_character_that_may_not_stand_in_yaml_is_said_with_its_place() -> None:
    (problem,) = loaded(WORKFLOW.replace("dies", "di\x01es")).problems
    assert (problem.place.line, problem.place.column) == (16, 15)
    assert problem.why == "the character U+0001 may not stand in YAML"


@pytest.mark.parametrize("text", ["[" * 500_000, "? " * 300_000, "- a\n" * 200_000, "{a: " * 200_000])
def test_a_file_that_is_too_large_inside_is_refused_before_it_costs_much(text: str) -> None:
    assert "too large: at most 20000 values, nested 40 deep" in complaints(text)[0]


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    data = WORKFLOW.replace("\n", "\r\n").encode("utf-8-sig")
    assert [each.name for each in load(data, "f.yaml", WORDS).workflows] == ["survives"]


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdef", "bcdefg", strict=True)]
    assert "the document is too large" in complaints("\n".join(lines))[0]


@given(st.text(alphabet=st.sampled_from("ab:{}[]-\n \t#&*!|>'\"%@`$,?1.~"), max_size=120))
def test_no_text_makes_the_loader_raise(text: str) -> None:
    load(text.encode(), "f.yaml", WORDS)


@given(st.binary(max_size=60))
def test_no_bytes_make_the_loader_raise(data: bytes) -> None:
    load(data, "f.yaml", WORDS)


@given(st.data())
def test_no_change_of_one_place_makes_the_loader_raise(data: st.DataObject) -> None:
    lines = WORKFLOW.splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    indent = len(lines[number]) - len(lines[number].lstrip())
    junk = data.draw(st.sampled_from(["", "- 1", "x", "{}", "[]", "spec: 3", "steps: 3", "name:", "metadata: []", "~"]))
    lines[number] = " " * indent + junk
    load("\n".join(lines).encode(), "f.yaml", WORDS)


def findings(*texts: str) -> list[tuple[Severity, str]]:
    return [(each.severity, each.why) for each in review(catalogue(*texts))]


def test_documents_that_are_right_have_no_findings() -> None:
    assert findings(SUBSCRIPTION, WORKFLOW) == []


def test_a_workflow_that_nobody_uses_is_a_warning() -> None:
    other = WORKFLOW.replace("name: survives", "name: idle")
    assert findings(SUBSCRIPTION, WORKFLOW, other) == [(Severity.WARNING, "no subscription uses this")]


def test_two_workflows_of_one_name_are_an_error() -> None:
    assert any(
        severity is Severity.ERROR and "another workflow is called survives, at file1.yaml:3" in why
        for severity, why in findings(SUBSCRIPTION, WORKFLOW, WORKFLOW)
    )


def test_workflows_that_cannot_finish_before_the_deadline_are_an_error() -> None:
    hurried = SUBSCRIPTION.replace("environment: staging", "environment: staging\n  deadline: 1m")
    assert findings(hurried, WORKFLOW) == [
        (Severity.ERROR, "the workflows take up to 1m39s, the deadline is 1m"),
    ]


def test_a_probe_that_is_asked_too_seldom_for_a_sample_is_an_error() -> None:
    seldom = WORKFLOW.replace("every: 100ms", "every: 10s")
    assert findings(SUBSCRIPTION, seldom) == [
        (Severity.ERROR, "asked every 10s, it has no sample in a window of 4s"),
    ]


@pytest.mark.parametrize(
    ("every", "hold"),
    [
        ("10s", "4s"),
        ('"${parameters.patience}"', "900ms"),
        ("5s", '"${parameters.patience}"'),
    ],
)
def test_a_probe_without_a_sample_is_found_before_anybody_subscribes(every: str, hold: str) -> None:
    seldom = WORKFLOW.replace("every: 100ms", f"every: {every}").replace("hold: 4s", f"hold: {hold}")
    ((severity, why),) = findings(seldom)
    assert severity is Severity.ERROR
    assert "it has no sample in a window of" in why


@pytest.mark.parametrize(
    ("every", "hold"), [('"${parameters.patience}"', "500ms"), ("4500ms", '"${parameters.patience}"'), ("100ms", "4s")]
)
def test_a_probe_whose_times_only_a_subscription_gives_may_have_samples(every: str, hold: str) -> None:
    open_times = WORKFLOW.replace("{default: 1s}", "{}").replace("every: 100ms", f"every: {every}")
    assert findings(open_times.replace("hold: 4s", f"hold: {hold}")) == []

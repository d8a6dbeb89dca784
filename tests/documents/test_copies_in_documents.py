"""What a document may say about copies: what is hit and asked, and what contradicts it."""

from datetime import UTC, datetime

import pytest

from gate.documents.canonical import identity_of
from gate.documents.catalogue import Catalogue
from gate.documents.isolation import NOT_COPIED
from gate.documents.loading import Loaded, load
from gate.documents.review import Severity, review
from gate.documents.target import HOST, NAME, asks_service, bind
from gate.model import Compare, Isolation, Workflow
from gate.wire.vocabulary import vocabulary

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: checkout}
spec:
  workload: {kind: Deployment, namespace: shop, name: checkout}
  environment: staging
  workflows: [{name: survives}]
"""
WORKFLOW = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {name: survives}
spec:
  isolation: copy
  load:
    - {name: shoppers, http: {url: "http://${target.host}:8080/buy", rate: 20/s}}
  steadyState:
    - name: customers can buy
      http: {url: "http://${target.host}:8080/buy"}
    - name: it is there
      kubernetes: {resource: deployments, name: "${target.name}"}
      expect: {condition: Available}
  steps:
    - {name: one pod dies, fault: pod-kill, hold: 4s, recover: 5s}
"""
COPY, PREVIOUS = "isolation: copy", "compare: previous"


def catalogue(workflow: str, subscription: str = SUBSCRIPTION) -> Catalogue:
    words = vocabulary()
    texts = enumerate((workflow, subscription))
    loaded = Loaded.together(load(text.encode(), f"file{number}.yaml", words) for number, text in texts)
    return Catalogue(revision="r", fetched=datetime(2026, 1, 1, tzinfo=UTC), loaded=loaded, vocabulary=words)


def workflow_of(text: str) -> Workflow:
    found = catalogue(text)
    ((workflow,), problems) = found.resolve(found.loaded.subscriptions[0])
    assert [str(problem) for problem in problems] == []
    return workflow


def complaints(text: str, subscription: str = SUBSCRIPTION) -> list[str]:
    findings = review(catalogue(text, subscription))
    return [f"{each.place}: {each.path}: {each.why}" for each in findings if each.severity is Severity.ERROR]


@pytest.mark.parametrize("said", [COPY, PREVIOUS])
def test_what_is_hit_and_asked_is_left_open_until_the_run_knows_it(said: str) -> None:
    workflow = workflow_of(WORKFLOW.replace(COPY, said))
    assert workflow.load[0].settings["url"] == f"http://{HOST}:8080/buy"
    assert workflow.steady_state[1].settings["name"] == NAME
    assert (workflow.service, workflow.makes_copies, asks_service(workflow)) == ("checkout", True, True)
    assert bind(workflow.load[0].settings, "copy-1", "copy-1.shop")["url"] == "http://copy-1.shop:8080/buy"


def test_without_copies_it_is_the_workload_and_its_service() -> None:
    workflow = workflow_of(WORKFLOW.replace(f"  {COPY}\n", "  service: front\n"))
    assert workflow.load[0].settings["url"] == "http://front.shop:8080/buy"
    assert workflow.steady_state[1].settings["name"] == "checkout"
    assert (workflow.isolation, workflow.compare, workflow.service) == (Isolation.NONE, None, "")


def test_to_write_a_fact_for_an_address_changes_no_workflow() -> None:
    by_fact = workflow_of(WORKFLOW.replace(f"  {COPY}\n", ""))
    by_hand = workflow_of(
        WORKFLOW.replace(f"  {COPY}\n", "")
        .replace("${target.host}", "checkout.shop")
        .replace("${target.name}", "checkout")
    )
    assert identity_of(by_fact) == identity_of(by_hand)


def test_a_parameter_may_name_the_service_and_choose_the_isolation() -> None:
    text = WORKFLOW.replace(
        f"  {COPY}\n",
        """  parameters:
    front: {default: "${workload.name}-front"}
    what: {default: copy}
    path: {default: "${target.host}/buy"}
  isolation: ${parameters.what}
  service: ${parameters.front}
""",
    ).replace("${target.host}:8080/buy", "${parameters.path}")
    workflow = workflow_of(text)
    assert (workflow.isolation, workflow.service) == (Isolation.COPY, "checkout-front")
    assert workflow.load[0].settings["url"] == f"http://{HOST}/buy"


def test_both_may_be_said_together() -> None:
    workflow = workflow_of(WORKFLOW.replace(COPY, f"{COPY}\n  {PREVIOUS}"))
    assert (workflow.isolation, workflow.compare) == (Isolation.COPY, Compare.PREVIOUS)


@pytest.mark.parametrize("host", ["checkout", "checkout.shop", "checkout.shop.svc", "CHECKOUT.shop.svc.cluster.local."])
def test_an_address_of_the_service_itself_is_a_mistake(host: str) -> None:
    asked = WORKFLOW.replace('${target.host}:8080/buy"}', f'{host}:8080/buy"}}')
    (said,) = complaints(asked)
    assert said.endswith("is the service itself, and not its copy; write ${target.host}")
    loaded = WORKFLOW.replace('${target.host}:8080/buy", rate', f'{host}:8080/buy", rate')
    (said,) = complaints(loaded)
    assert "survives: " in said
    assert "spec.load[0].http.url" in said


def test_another_service_may_be_asked_beside_the_copy() -> None:
    text = WORKFLOW.replace("  steps:", '    - {name: others live, http: {url: "http://cart.shop/"}}\n  steps:')
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        (
            "isolation: copy",
            "isolation: copied",
            'spec.isolation: "copied" is not one of none, copy; did you mean copy?',
        ),
        (
            "isolation: copy",
            "compare: previos",
            'spec.compare: "previos" is not one of previous; did you mean previous?',
        ),
        (
            "pod-kill,",
            "pod-kill, target: {kind: Deployment, name: cart},",
            "spec.steps[0].target: cart is no copy, and others use it",
        ),
        (
            "pod-kill,",
            "pod-kill, target: {kind: Deployment, name: checkout},",
            "spec.steps[0].target: checkout is no copy, and others use it",
        ),
        ("pod-kill,", "node-drain,", "spec.steps[0].fault: node-drain hits nodes, which belong to everybody"),
        ("pod-kill,", "node-cordon,", "spec.steps[0].fault: node-cordon hits nodes, which belong to everybody"),
        (
            "pod-kill,",
            "config-change, with: {configMap: a, key: b},",
            "config-change hits everybody who reads the object, and the workload does",
        ),
        (
            'name: "${target.name}"',
            "name: checkout",
            "checkout is the workload itself, and not its copy; write ${target.name}",
        ),
        ("isolation: copy", "service: front\n  isolation: copy\n  baseline: 0", "is not a duration"),
    ],
)
def test_what_contradicts_a_copy_is_a_mistake_with_its_place(right: str, wrong: str, complaint: str) -> None:
    said = complaints(WORKFLOW.replace(right, wrong, 1))
    assert any(complaint in line for line in said), said
    assert all(line.startswith("file") for line in said)


def test_a_workflow_in_which_no_probe_asks_the_copy_is_a_mistake() -> None:
    text = WORKFLOW.replace(
        'url: "http://${target.host}:8080/buy"}\n    - name', 'url: "http://cart.shop/"}\n    - name'
    )
    text = text.replace('name: "${target.name}"', "name: cart")
    (said, *_) = complaints(text)
    assert "spec.steadyState: no probe asks the copy" in said


def test_a_service_that_nobody_asks_is_a_mistake() -> None:
    text = WORKFLOW.replace(COPY, f"{COPY}\n  service: front").replace("${target.host}", "cart.shop")
    (said, *_) = complaints(text)
    assert "spec.service: this is not used anywhere; write ${target.host} where it is asked" in said


def test_a_variable_is_changed_in_a_copy_and_nowhere_else() -> None:
    env = WORKFLOW.replace("pod-kill,", "config-change, with: {env: RETRIES, value: '0'},")
    assert complaints(env) == []
    for instead in (f"  {PREVIOUS}\n", ""):
        said = complaints(env.replace(f"  {COPY}\n", instead))
        why = "spec.steps[0].with.env: this is changed in a copy only; write isolation: copy"
        assert any(why in line for line in said), said


@pytest.mark.parametrize("kind", NOT_COPIED)
@pytest.mark.parametrize("what", [COPY, PREVIOUS])
def test_a_workload_that_cannot_be_copied_is_a_mistake_where_it_is_subscribed(kind: str, what: str) -> None:
    subscription = SUBSCRIPTION.replace("Deployment", kind)
    (said,) = complaints(WORKFLOW.replace(COPY, what), subscription)
    assert f"a {kind} cannot be copied: " in said
    assert said.startswith("file1.yaml")


def test_with_a_comparison_alone_a_dependency_may_be_hit() -> None:
    text = WORKFLOW.replace(COPY, PREVIOUS).replace("pod-kill,", "pod-kill, target: {kind: Deployment, name: cart},")
    assert complaints(text) == []


def test_no_step_is_called_like_one_of_the_version_before() -> None:
    text = WORKFLOW.replace(COPY, PREVIOUS).replace("one pod dies", '"dies (version before)"')
    (said, *_) = complaints(text)
    assert "spec.steps[0].name: ends as the steps of the version before do" in said


def test_the_time_of_a_comparison_counts_against_the_deadline() -> None:
    subscription = SUBSCRIPTION.replace("environment:", "deadline: 20s\n  environment:")
    assert complaints(WORKFLOW, subscription) == []
    (said,) = complaints(WORKFLOW.replace(COPY, PREVIOUS), subscription)
    assert said.endswith("the workflows take up to 28s, the deadline is 20s")

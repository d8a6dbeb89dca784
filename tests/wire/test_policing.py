"""The policy asked of runs on a cluster: what waits, what is forbidden, and that it is asked anew each time."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gate.catalogue.folder import read_paths
from gate.catalogue.subscribed import Subscribed
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.config import Settings
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded
from gate.errors import Denied, GateError, Temporary
from gate.model import (
    COPY,
    Judgement,
    Load,
    Probe,
    RunPhase,
    RunSpec,
    RunStatus,
    Step,
    Target,
    Undo,
    Verdict,
    WorkloadKind,
    WorkloadName,
)
from gate.policy.ask import ask
from gate.policy.question import Freeze, Question
from gate.policy.rules import (
    ONE_POD,
    Frozen,
    FrozenInGitLab,
    Images,
    Interval,
    Limit,
    Mandatory,
    NotDuring,
    Ownership,
    Policy,
)
from gate.sandbox.shipped import policy as of_the_demo
from gate.wire.acting import outfit_of
from gate.wire.alerts import FRESH, Alerts, firing
from gate.wire.freezes import Frozen as Heard
from gate.wire.policies import PolicyFile, in_force, read_policy
from gate.wire.policing import Policing, policy_of, refusals, reviewed
from gate.wire.vocabulary import vocabulary
from gate.wire.whose import Whose
from tests.builders import deployment
from tests.clocks import HandClock
from tests.grounds import Ground
from tests.runs import created, found, spec

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
Eventually = Callable[[Callable[[], object]], None]
SUNDAY = MONDAY - timedelta(days=1)
PROJECT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
PODS = 3


@pytest.fixture(scope="module")
def scene(lasting_sandbox: Ground) -> "Scene":
    return Scene(lasting_sandbox)


class Scene:
    """A Deployment in a namespace that has opted in, and a run of it."""

    def __init__(self, ground: Ground) -> None:
        self.api, self.namespace = ground.api, "policed"
        metadata = {"name": self.namespace, "labels": {"chaosgate.dev/chaos": "allowed"}}
        assert ground.ask("POST", "/api/v1/namespaces", {"metadata": metadata}).status_code == 201
        self.spec = spec(self.namespace, fault="pod-kill")

    def policing(self, policy: Policy | None = None, now: datetime = MONDAY) -> Policing:
        rules = policy or Policy()
        return Policing(policy=lambda: rules, api=self.api, now=lambda: now)

    def undos(self, *names: str, kind: str = "Pod") -> list[Undo]:
        pods = [Target(kind=kind, namespace=self.namespace, name=name, uid=name, node="n") for name in names]
        return [Undo(id=pod.uid, step="one", fault="pod-kill", target=pod) for pod in pods]

    def held(self, policing: Policing, *names: str, kind: str = "Pod") -> str:
        (step,) = self.spec.workflow.steps
        return policing.holds("run", self.spec, step, self.undos(*names, kind=kind))


@pytest.fixture(scope="module")
def big(scene: Scene, lasting_sandbox: Ground) -> RunSpec:
    """A run of a workload of three pods."""
    of_three = spec(scene.namespace, "big", fault="pod-kill")
    body = deployment("big", scene.namespace, replicas=PODS)
    lasting_sandbox.api.create("deployments", scene.namespace, body)
    return of_three


def when(**changes: Any) -> Policy:
    return replace(Policy(), when=replace(Policy().when, **changes))


def test_within_the_hours_nothing_holds_a_run(scene: Scene) -> None:
    assert scene.policing().admits(scene.spec) == ""
    assert scene.held(scene.policing(), "one") == ""


def test_outside_of_the_hours_a_run_waits_and_is_told_until_when(scene: Scene) -> None:
    why = "the time is outside of Mon-Fri 09:00-17:00 UTC (the safe default: spec.when.windows)"
    held = f"the policy: {why}; by the clock from Mon 2026-03-02 09:00 UTC"
    assert scene.policing(now=SUNDAY).admits(scene.spec) == held
    assert scene.held(scene.policing(now=SUNDAY), "one") == held


def test_in_a_freeze_a_run_waits_until_it_is_over(scene: Scene) -> None:
    freeze = Freeze(start=SUNDAY, end=MONDAY + timedelta(days=1), why="the move")
    held = scene.policing(when(freezes=(Frozen(rule="spec.when.freezes[0]", freeze=freeze),))).admits(scene.spec)
    assert "frozen until 2026-03-03 10:00 UTC: the move" in held
    assert held.endswith("by the clock from Tue 2026-03-03 10:00 UTC")


def test_what_no_time_allows_is_denied_with_every_rule_also_where_it_would_have_to_wait(scene: Scene) -> None:
    other = replace(scene.spec.workflow.steps[0], name="two", fault="job", settings={"image": "bad/x"})
    workflow = replace(scene.spec.workflow, steps=(*scene.spec.workflow.steps, other))
    policy = replace(Policy(), images=Images(rule="spec.images", registries=("good/*",)))
    with pytest.raises(Denied) as denied:
        scene.policing(policy, SUNDAY).admits(replace(scene.spec, workflow=workflow))
    assert "the image bad/x is not among good/*" in str(denied.value)
    with pytest.raises(Denied, match="the fault job is not allowed"):
        scene.policing(now=SUNDAY).admits(replace(scene.spec, workflow=replace(workflow, steps=(other,))))


def test_more_pods_than_the_policy_lets_be_hit_are_denied_before_the_step(scene: Scene) -> None:
    with pytest.raises(Denied, match="would hit 2 of 0 pods, and at most 1 or 34% may be hit"):
        scene.held(scene.policing(), "one", "two")


def test_pods_that_are_hit_one_by_one_are_all_counted(scene: Scene) -> None:
    """The next one may be hit before the last one is back."""
    first, *others = scene.undos("one", "two")
    undos = [first, *(replace(undo, spacing=timedelta(milliseconds=1)) for undo in others)]
    with pytest.raises(Denied, match="would hit 2 of 0 pods"):
        scene.policing().holds("run", scene.spec, scene.spec.workflow.steps[0], undos)


NOW = timedelta(0)
A_COPY = Step(name="copy", fault=COPY, settings={}, hold=NOW, recover=NOW)


@pytest.mark.parametrize("limit", [ONE_POD, replace(ONE_POD, leave_ready=2), replace(ONE_POD, faults=("pod-kill",))])
def test_a_copy_of_many_pods_takes_none_from_anybody(
    scene: Scene, big: RunSpec, limit: Limit, eventually: Eventually
) -> None:
    eventually(lambda: len(Workloads(scene.api).ready_pods(big.workload.name)) == PODS)
    undos, policing = scene.undos("big", kind="Deployment"), scene.policing(replace(Policy(), limits=(limit,)))
    assert policing.holds("run", big, A_COPY, undos) == ""
    with pytest.raises(Denied, match=r"would hit 3 of 3 pods|no rule allows scale"):
        policing.holds("run", big, replace(A_COPY, fault="scale"), undos)


def test_a_copy_is_made_within_the_hours_and_where_chaos_may_be(scene: Scene) -> None:
    undos = scene.undos("web", kind="Deployment")
    assert "the time is outside of" in scene.policing(now=SUNDAY).holds("run", scene.spec, A_COPY, undos)
    with pytest.raises(Denied, match="has not opted in"):
        scene.policing().holds("run", spec("default"), A_COPY, undos)


def test_a_node_that_nobody_has_granted_is_denied(scene: Scene) -> None:
    with pytest.raises(Denied, match="the node pool-1, which belongs to everybody"):
        scene.held(scene.policing(), "pool-1", kind="Node")
    granted = replace(Policy(), limits=(replace(ONE_POD, nodes=("pool-*",)),))
    assert scene.held(scene.policing(granted), "pool-1", kind="Node") == ""


def test_a_zone_that_is_not_known_is_none_of_those_that_are_allowed(scene: Scene) -> None:
    with pytest.raises(Denied, match=r"the zone \(unknown\) is not among a"):
        scene.held(scene.policing(replace(Policy(), limits=(replace(ONE_POD, zones=("a",)),))), "one")


def test_a_namespace_that_has_not_opted_in_is_denied_before_the_run_begins(scene: Scene) -> None:
    with pytest.raises(Denied, match="has not opted in"):
        scene.policing().admits(spec("default", fault="pod-kill"))


class Firing(BaseHTTPRequestHandler):
    """Prometheus and Alertmanager, with one alert that fires and one that is about to."""

    def do_GET(self) -> None:
        found = [
            {"state": state, "labels": {"alertname": name}} for name, state in (("Down", "firing"), ("Soon", "pending"))
        ]
        body = {"data": {"alerts": found}} if "/api/v1/" in self.path else found[:1]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(scope="module")
def alerts() -> Iterator[str]:
    with served(Firing) as address:
        yield address


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("kind", ["prometheus", "alertmanager"])
def test_while_an_alert_fires_a_run_waits(scene: Scene, alerts: str, kind: str) -> None:
    rule = NotDuring(rule="spec.when.notDuring[0]", alerts=("D*",), **{kind: alerts})
    assert firing([rule]) == ({"Down"}, set())
    assert "the alert Down fires" in scene.policing(when(not_during=(rule,))).admits(scene.spec)
    assert scene.policing(when(not_during=(replace(rule, alerts=("Soon",)),))).admits(scene.spec) == ""


def test_where_nobody_says_which_alerts_fire_a_run_waits(scene: Scene) -> None:
    rule = NotDuring(rule="spec.when.notDuring[0]", alerts=("*",), prometheus=NOWHERE)
    assert f"{NOWHERE} does not say which alerts fire" in scene.policing(when(not_during=(rule,))).admits(scene.spec)


class Broken(BaseHTTPRequestHandler):
    """Says that it is about to say a lot: ends at once, or goes on letter by letter."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b" ")
        if "/api/v2/" in self.path:
            return
        with suppress(OSError):  # whoever asks has gone
            for _ in range(10_000):
                self.wfile.write(b" ")
                self.wfile.flush()
                threading.Event().wait(0.01)

    def log_message(self, *args: object) -> None: ...


@pytest.mark.parametrize("kind", ["prometheus", "alertmanager"])
def test_an_answer_that_breaks_off_or_never_ends_says_nothing(kind: str) -> None:
    with served(Broken) as address:
        rule = NotDuring(rule="spec.when.notDuring[0]", alerts=("*",), **{kind: address})
        assert firing([rule], longest=0.2) == (set(), {address})


def test_what_takes_the_place_of_a_pod_that_was_hit_is_followed_though_an_alert_fires_by_now(
    scene: Scene, alerts: str
) -> None:
    policing = scene.policing(when(not_during=(NotDuring(rule="r", alerts=("Down",), prometheus=alerts),)))
    (undo,), (step,) = scene.undos("one"), scene.spec.workflow.steps
    assert "the alert Down fires" in policing.holds("run", scene.spec, step, [undo])
    assert policing.holds("run", scene.spec, step, [replace(undo, follows="another")]) == ""


def test_what_takes_the_place_of_a_pod_that_was_hit_does_not_wait_for_gitlab(scene: Scene) -> None:
    """The thread that follows it takes the fault back."""
    asked = list[str]()

    def freezes(name: WorkloadName, _now: datetime) -> Heard:
        asked.append(name.name)
        return Heard(unheard=("shop/web: GitLab is away",))

    rules = when(gitlab=FrozenInGitLab(rule="spec.when.gitlabFreezes"))
    policing = replace(scene.policing(rules), freezes=freezes)
    (undo,), (step,) = scene.undos("one"), scene.spec.workflow.steps
    assert policing.holds("run", scene.spec, step, [replace(undo, follows="another")]) == ""
    assert asked == []
    assert "GitLab is away" in policing.holds("run", scene.spec, step, [undo])


def test_while_it_is_not_known_whose_a_run_is_rules_about_that_allow_nothing(scene: Scene) -> None:
    subscribed = Subscribed(lambda: MONDAY)
    whose = Whose(subscribed, list)
    frozen = when(gitlab=FrozenInGitLab(rule="spec.when.gitlabFreezes"))
    by_owner = replace(scene.policing(OWNED), owners=whose.owners)
    by_project = replace(scene.policing(frozen), owners=whose.owners, freezes=lambda *_: Heard())
    for policing in (by_owner, by_project):
        with pytest.raises(Temporary, match="before a catalogue was read"):
            policing.admits(scene.spec)
    subscribed.put(Catalogue(revision="r", fetched=MONDAY, loaded=Loaded(), vocabulary=vocabulary()))
    for policing in (by_owner, by_project):
        with pytest.raises(Temporary, match=r"no readable subscription in the catalogue that is called web"):
            policing.admits(scene.spec)
    assert by_owner.admits(replace(scene.spec, asked_by="jane")) == ""
    assert replace(scene.policing(), owners=whose.owners).admits(scene.spec) == ""


def test_a_job_that_has_waited_for_long_begins_nothing_on_what_gitlab_said_before_it(scene: Scene) -> None:
    rules = when(gitlab=FrozenInGitLab(rule="spec.when.gitlabFreezes"))
    young = replace(scene.policing(rules), asked=MONDAY - timedelta(minutes=4))
    assert young.admits(scene.spec) == ""
    old = replace(young, asked=MONDAY - timedelta(hours=1))
    assert "GitLab was asked about freezes at 09:00 UTC" in old.admits(scene.spec)
    assert scene.held(old, "one") == ""
    assert replace(old, policy=Policy).admits(scene.spec) == ""


def test_a_run_by_hand_of_a_mandatory_name_is_not_that_workflow(scene: Scene) -> None:
    rule = Mandatory(rule="spec.when.mandatory[0]", workflow="survives", within=timedelta(days=7), namespaces=("*",))
    policing = scene.policing(when(mandatory=(rule,)))
    assert policing.admits(scene.spec) == ""
    by_hand = created(scene.api, scene.namespace, "by-hand", replace(scene.spec, asked_by="jane"))
    passed = RunStatus(phase=RunPhase.JUDGED, attempt=1, started=MONDAY, finished=MONDAY, verdict=Verdict.PASSED)
    try:
        Runs(scene.api).save_status(by_hand, passed)
        other = replace(scene.spec, workflow=replace(scene.spec.workflow, name="harsh"))
        for held in (other, replace(scene.spec, asked_by="jane")):
            assert "the workflow survives was never passed" in policing.admits(held)
    finally:
        scene.api.delete("chaosruns", scene.namespace, "by-hand", uid=by_hand.uid)


def test_only_runs_that_had_begun_keep_others_at_a_distance(scene: Scene) -> None:
    policing = scene.policing(when(interval=Interval(rule="spec.when.minimumInterval", least=timedelta(hours=1))))
    before = created(scene.api, scene.namespace, "before", replace(scene.spec, version="fedcba9876"))
    ended = RunStatus(phase=RunPhase.EXECUTED, finished=MONDAY - timedelta(minutes=5))
    try:
        Runs(scene.api).save_status(before, ended)
        assert policing.admits(scene.spec) == ""
        Runs(scene.api).save_status(before, replace(ended, attempt=1, started=MONDAY - timedelta(minutes=9)))
        assert "the last run there ended at 09:55" in policing.admits(scene.spec)
    finally:
        scene.api.delete("chaosruns", scene.namespace, "before", uid=before.uid)


HEAD = "apiVersion: chaosgate.dev/v1alpha1\nkind: Policy\nmetadata: {name: p}\nspec:\n"


def test_a_policy_that_changes_is_in_force_and_one_that_breaks_leaves_the_last_good_one(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"{HEAD}  namespaces: {{optIn: false}}\n")
    policy = PolicyFile(file)
    assert not policy().namespaces.opt_in
    file.write_text(f"{HEAD}  namespaces: {{optOut: false}}\n# longer than before\n")
    assert not policy().namespaces.opt_in
    assert 'there is no field "optOut"' in policy.problem
    file.unlink()
    assert not policy().namespaces.opt_in
    assert "cannot be read" in policy.problem
    file.write_text(f"{HEAD}  namespaces: {{optIn: true}}\n")
    assert policy().namespaces.opt_in
    assert policy.problem == ""


def test_a_policy_that_was_read_anew_is_told_once(tmp_path: Path) -> None:
    file, told = tmp_path / "policy.yaml", list[str]()
    file.write_text(f"{HEAD}  namespaces: {{optIn: false}}\n")
    policy = PolicyFile(file, lambda: told.append("changed"))
    policy()
    file.write_text(f"{HEAD}  namespaces: {{optOut: false}}\n# it cannot be read\n")
    policy()
    assert told == []
    file.write_text(f"{HEAD}  namespaces: {{optIn: true}}\n")
    policy()
    policy()
    assert told == ["changed"]


def test_what_keeps_the_file_from_being_in_force_is_known(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"{HEAD}  {{}}\n")
    policy = in_force(file=file, text="", zone="UTC", own="gate", nodes=())
    assert (policy().own, policy.problem) == ({"gate"}, "")
    file.write_text("nothing of the kind\n")
    assert policy().own == {"gate"}
    assert "the policy that was read last stays in force" in policy.problem
    assert in_force(file=None, text="", zone="UTC", own="gate", nodes=()).problem == ""


def test_a_job_has_the_policy_that_is_in_force_when_it_is_made(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"{HEAD}  namespaces: {{optIn: false}}\n")
    settings = Settings.read({"CHAOS_GATE_CATALOGUE": "x", "CHAOS_GATE_POLICY": str(file)})
    outfit = outfit_of(settings, policy_of(settings))
    file.write_text(f"{HEAD}  namespaces: {{optIn: true, protected: [bank]}}\n")
    (name, text), *others = outfit.present().items()
    assert (name, text, others) == ("CHAOS_GATE_POLICY_TEXT", file.read_text(), [])
    file.write_text("nothing of the kind\n")
    assert outfit.present() == {name: text}


def test_without_a_policy_a_job_has_the_safe_default() -> None:
    settings = Settings.read({"CHAOS_GATE_CATALOGUE": "x"})
    assert outfit_of(settings, policy_of(settings)).present() == {}


@pytest.mark.parametrize(
    "text", ["", "kind: Policy\n", f"{HEAD}  x: 1\n", "- a\n", f"{HEAD}  {{}}\n---\n{HEAD}  {{}}\n"]
)
def test_without_a_good_policy_there_is_nothing_to_begin_with(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(GateError, match=r"policy\.yaml"):
        PolicyFile(file)


def test_the_safe_default_has_the_hours_and_nodes_of_the_settings() -> None:
    policy = in_force(file=None, text="", zone="Europe/Berlin", own="gate", nodes=("pool-*",))()
    assert str(policy.when.zone) == "Europe/Berlin"
    assert policy.own == {"gate"}
    assert [limit.nodes for limit in policy.limits] == [("pool-*",), ()]


def test_the_policy_of_the_demo_lets_chaos_be_at_any_time(scene: Scene) -> None:
    assert scene.policing(read_policy(of_the_demo()), SUNDAY).admits(scene.spec) == ""


OWNED = replace(
    Policy(),
    ownership=(
        Ownership(rule="spec.ownership[0]", team="red", paths=("subscriptions/red/*",), namespaces=("shop",)),
        Ownership(rule="spec.ownership[1]", team="blue", paths=("subscriptions/blue/*",), namespaces=("bank",)),
    ),
)


@pytest.mark.parametrize("where", ["fault", "load"])
def test_an_account_that_a_document_names_is_asked_of_its_team(where: str) -> None:
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web")
    workflow = spec("shop", fault="job", **({"serviceAccount": "chaos"} if where == "fault" else {})).workflow
    if where == "load":
        workflow = replace(workflow, load=(Load(name="l", kind="job", settings={"serviceAccount": "chaos"}),))
    path = "subscriptions/red/a.yaml"

    def refused(*accounts: str) -> Sequence[str]:
        red = replace(OWNED.ownership[0], accounts=accounts)
        return refusals(lambda: replace(OWNED, ownership=(red,)), "chaos-gate", lambda: MONDAY)(path, name, [workflow])

    assert refused("chaos-gate", "chaos") == []
    (why,) = refused("chaos-gate")
    assert "the service account chaos is not among chaos-gate" in why


@pytest.mark.parametrize("where", ["fault", "load", "probe"])
def test_an_image_that_a_document_names_is_denied_where_the_policy_names_none(scene: Scene, where: str) -> None:
    named = {"image": "bad/x"}
    workflow = replace(
        spec(scene.namespace, fault="pod-failure", **(named if where == "fault" else {})).workflow,
        load=(Load(name="l", kind="job", settings=named if where == "load" else {"env": named}),),
        steady_state=(Probe(name="p", kind="command", settings=named if where == "probe" else {}),),
    )
    with pytest.raises(Denied, match=r"the image bad/x is among none.* \(the safe default: spec\.images\)"):
        scene.policing().admits(replace(scene.spec, workflow=workflow))
    known = replace(Policy(), images=Images(rule="spec.images", registries=("bad/*",)))
    assert scene.policing(known).admits(replace(scene.spec, workflow=workflow)) == ""


def test_a_policy_that_says_how_many_pods_does_not_open_programs_of_ones_own() -> None:
    asked = Question(at=MONDAY, fault="job", namespace="shop")
    narrow = replace(Policy(), limits=(Limit(rule="spec.blastRadius[0]", pods=1),))
    (why,) = ask(narrow, asked, "blast radius").denied
    assert "a rule has to name it, and no pattern does" in str(why)
    named = replace(narrow, limits=(*narrow.limits, Limit(rule="spec.blastRadius[1]", faults=("job",))))
    assert ask(named, asked, "blast radius").allowed


def test_what_was_put_off_is_asked_about_in_whole_but_not_about_alerts_that_it_may_have_set_off(
    scene: Scene, alerts: str
) -> None:
    (step,), targets = scene.spec.workflow.steps, [undo.target for undo in scene.undos("one", "two")]
    assert "outside of" in scene.policing(now=SUNDAY).again(scene.spec, step, targets[:1])
    loud = when(not_during=(NotDuring(rule="r", alerts=("Down",), prometheus=alerts),))
    assert scene.policing(loud).again(scene.spec, step, targets[:1]) == ""
    with pytest.raises(Denied, match="would hit 2 of 2 pods"):
        scene.policing().again(scene.spec, step, targets)
    beside = replace(step, fault="companion")
    narrow = replace(Policy(), limits=(replace(ONE_POD, faults=("scale",)),))
    assert scene.policing(narrow).again(scene.spec, beside, targets) == ""


def test_a_run_is_asked_about_the_documents_and_accounts_that_it_is_of(scene: Scene) -> None:
    owned = replace(OWNED, ownership=tuple(replace(each, namespaces=("policed",)) for each in OWNED.ownership))
    asked = replace(scene.policing(owned), owners=lambda _: ("subscriptions/red/a.yaml",), account="chaos-gate")
    assert asked.admits(scene.spec) == ""
    with pytest.raises(Denied, match="belongs to no team"):
        replace(asked, owners=lambda _: ("subscriptions/other.yaml",)).admits(scene.spec)
    strict = replace(owned, ownership=tuple(replace(each, accounts=("executor",)) for each in owned.ownership))
    with pytest.raises(Denied, match="the service account chaos-gate is not among executor"):
        replace(asked, policy=lambda: strict).admits(scene.spec)


SELECTED = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {{name: each}}
spec:
  workload: {{kind: Deployment, namespaces: [{namespaces}], selector: {{matchLabels: {{team: red}}}}}}
  environment: staging
  workflows: [{{name: survives-pod-loss}}]
"""


@pytest.mark.parametrize(
    ("namespaces", "refused"),
    [
        ("shop", ""),
        ('"sho?"', "the namespace sho? is not among shop"),
        ("shop, bank", "the namespace bank"),
        ('"*"', "*"),
    ],
)
def test_a_selector_is_asked_about_with_the_namespaces_that_it_names(
    tmp_path: Path, namespaces: str, refused: str
) -> None:
    file = tmp_path / "each.yaml"
    file.write_text(SELECTED.format(namespaces=namespaces))
    words = vocabulary()
    loaded = read_paths([file, PROJECT / "workflows" / "survives-pod-loss.yaml"], words)
    assert [str(each) for each in loaded.problems] == []
    catalogue = Catalogue(revision="", fetched=MONDAY, loaded=loaded, vocabulary=words)
    red = replace(OWNED.ownership[0], paths=("*",), accounts=("executor",))
    policy = replace(OWNED, ownership=(red,))
    said = {each.why for each in reviewed(policy, catalogue, MONDAY, "executor")}
    assert all("reaches beyond the team red" in each and refused in each for each in said)
    assert bool(said) is bool(refused)
    accounts = [each.why for each in reviewed(policy, catalogue, MONDAY, "root")]
    assert any("the service account root is not among executor" in each for each in accounts)


def test_a_document_that_reaches_beyond_its_team_is_refused_by_name() -> None:
    refused = refusals(lambda: OWNED, "chaos-gate", lambda: MONDAY)
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web")
    workflows = [spec("shop", fault="pod-kill").workflow]
    assert refused("subscriptions/red/a.yaml", name, workflows) == []
    (why,) = refused("subscriptions/blue/a.yaml", name, workflows)
    assert "reaches beyond the team blue: the namespace shop is not among bank" in why
    assert "spec.ownership[1]" in why
    (nobodys,) = refused("subscriptions/other.yaml", name, workflows)
    assert "belongs to no team; there are blue, red" in nobodys


def test_lint_says_what_the_policy_would_refuse_at_the_subscription_that_asks_for_it() -> None:
    words = vocabulary()
    loaded = read_paths([PROJECT / "subscriptions", PROJECT / "workflows"], words)
    catalogue = Catalogue(revision="", fetched=MONDAY, loaded=loaded, vocabulary=words)
    assert reviewed(Policy(), catalogue, MONDAY) == []
    narrow = replace(Policy(), limits=(replace(ONE_POD, faults=("scale",)),))
    findings = reviewed(narrow, catalogue, SUNDAY)
    assert findings
    assert all("no rule allows pod-kill in the namespace shop" in each.why for each in findings)
    assert {each.place.file.rpartition("/")[2] for each in findings} == {"checkout.yaml"}


def test_which_alerts_fire_is_asked_once_for_all_who_want_to_know_at_once() -> None:
    clock, asked = HandClock(), list[int]()

    def ask(rules: object) -> tuple[frozenset[str], frozenset[str]]:
        asked.append(1)
        return frozenset({f"Alert{len(asked)}"}), frozenset()

    rule = NotDuring(rule="spec.when.notDuring[0]", alerts=("*",), prometheus=NOWHERE)
    alerts = Alerts(clock.monotonic, ask)
    assert {alerts([rule]) for _ in range(3)} == {(frozenset({"Alert1"}), frozenset())}
    clock.advance(timedelta(seconds=FRESH))
    assert alerts([rule]) == ({"Alert2"}, set())
    assert alerts([]) == (set(), set())


def test_what_the_workload_must_have_passed_is_asked_of_its_gate_and_its_runs(scene: Scene) -> None:
    name = scene.spec.workload.name
    rule = Mandatory(rule="spec.when.mandatory[0]", workflow="basics", within=timedelta(days=7))
    policing = scene.policing(when(mandatory=(rule,)))
    assert "the workflow basics was never passed there" in policing.admits(scene.spec)
    basics = replace(scene.spec, workflow=replace(scene.spec.workflow, name="basics"))
    assert policing.admits(basics) == ""
    run = created(scene.api, scene.namespace, "basics", basics)
    try:
        ended = RunStatus(phase=RunPhase.JUDGED, attempt=1, started=MONDAY, finished=MONDAY - timedelta(days=1))
        Runs(scene.api).save_status(run, ended)
        judged = Runs(scene.api).save_verdict(
            found(scene.api, scene.namespace, "basics"), Judgement(verdict=Verdict.PASSED), 100
        )
        assert judged.spec.workload.name == name
        assert policing.admits(scene.spec) == ""
    finally:
        scene.api.delete("chaosruns", scene.namespace, "basics", uid=run.uid)


def test_a_privileged_job_is_denied_unless_the_policy_names_its_image(scene: Scene) -> None:
    limits = (Limit(rule="spec.blastRadius[0]", faults=("job",)),)
    images = Images(rule="spec.images", registries=("good/*",))
    asked = spec(scene.namespace, fault="job", image="good/netem:1", privileged=True)
    with pytest.raises(Denied, match="the image good/netem:1 may not run privileged"):
        scene.policing(replace(Policy(), limits=limits, images=images)).admits(asked)
    named = replace(images, privileged=("good/netem:*",))
    assert scene.policing(replace(Policy(), limits=limits, images=named)).admits(asked) == ""

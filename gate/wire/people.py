"""The people of a policy as Kubernetes takes them: roles, their bindings, and what a right to abort does not open.

Whoever asks a gate for something does so by writing to the API server, so that is where it is decided and recorded.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from gate.errors import Permanent
from gate.policy.people import Deed, namespaces
from gate.policy.rules import People, Policy, matches

Json = dict[str, Any]
GROUP = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
LOOKING = ("get", "list", "watch")
OURS = ("chaosgates", "chaosruns")
MODE = "chaos-gate-mode"


def _rule(group: str, resources: Sequence[str], *verbs: str, names: Sequence[str] = ()) -> Json:
    named = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs), **named}


RULES: dict[Deed, list[Json]] = {
    Deed.LOOK: [_rule("chaosgate.dev", OURS, *LOOKING)],
    Deed.RUN: [
        _rule("chaosgate.dev", ["chaosruns"], "get", "list", "create"),
        _rule("chaosgate.dev", ["chaosgates"], "get"),
        _rule(
            "apps", ["deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"], "get", "list"
        ),
        _rule("argoproj.io", ["rollouts"], "get", "list"),
        _rule("", ["pods"], "get", "list"),
    ],
    Deed.ABORT: [_rule("chaosgate.dev", ["chaosruns"], "get", "list", "patch")],
    Deed.OVERRIDE: [_rule("chaosgate.dev", ["chaosgates"], "get", "list", "patch")],
    Deed.MODE: [_rule("", ["configmaps"], "get", "patch", names=[MODE])],
}
"""What each deed takes: as little as `chaos-gate` needs for it."""


def manifests(policy: Policy, own: str, there: Sequence[str]) -> list[Json]:
    """Everything that makes it so; `own` is the gate's namespace. Patterns of namespaces stand for those of `there`.

    Raises `Permanent` where the policy names nobody, or nobody says which namespaces a pattern stands for.
    """
    if not policy.people:
        raise Permanent("the policy names no people; write spec.people")
    roles = [_role(deed, own) for deed in Deed]
    bindings = [each for rule in policy.people for each in _bindings(policy, rule, own, there)]
    return [*roles, *bindings, *_only_abort(policy)]


def _called(deed: Deed) -> str:
    return f"chaos-gate-people-{deed}"


def _role(deed: Deed, own: str) -> Json:
    kind, place = ("Role", {"namespace": own}) if deed is Deed.MODE else ("ClusterRole", {})
    metadata = {"name": _called(deed), **place}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "rules": RULES[deed]}


def _bindings(policy: Policy, rule: People, own: str, there: Sequence[str]) -> Iterator[Json]:
    subjects = [
        {"kind": kind, "apiGroup": GROUP, "name": name}
        for kind, names in (("Group", rule.groups), ("User", rule.users))
        for name in names
    ]
    for deed in dict.fromkeys((Deed.LOOK, *map(Deed, rule.deeds))):
        name = "-".join(filter(None, (_called(deed), rule.role, rule.team, rule.rule.rpartition("[")[2].rstrip("]"))))
        for namespace in _places(policy, rule, deed, own, there):
            metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
            yield {
                "apiVersion": f"{GROUP}/v1",
                "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
                "metadata": metadata,
                "roleRef": {
                    "apiGroup": GROUP,
                    "kind": "Role" if deed is Deed.MODE else "ClusterRole",
                    "name": _called(deed),
                },
                "subjects": subjects,
            }


def _places(policy: Policy, rule: People, deed: Deed, own: str, there: Sequence[str]) -> Sequence[str]:
    """Namespaces for the binding; empty names stand for all of them."""
    if deed is Deed.MODE:
        return [own]
    if not rule.team or deed is Deed.LOOK:
        return [""]
    found = []
    for pattern in namespaces(policy, rule):
        fitting = [each for each in there if matches(each, [pattern])] if set(pattern) & set("*?[") else [pattern]
        if not fitting:
            why = f"{rule.place}: the team {rule.team} has the namespaces {pattern}, and none that is there fits"
            raise Permanent(f"{why}; name those that there are with --namespace")
        found += fitting
    return sorted(set(found))


def _only_abort(policy: Policy) -> list[Json]:
    """Kubernetes knows no right to an annotation alone: whoever may abort may patch a run, and shall change no more."""
    aborting = [rule for rule in policy.people if Deed.ABORT in rule.deeds]
    groups = sorted({group for rule in aborting for group in rule.groups})
    users = sorted({user for rule in aborting for user in rule.users})
    if not aborting:
        return []
    is_one = f"request.userInfo.groups.exists(each, each in {groups}) || request.userInfo.username in {users}"
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["chaosgate.dev"],
                    "apiVersions": ["v1alpha1"],
                    "operations": ["UPDATE"],
                    "resources": ["chaosruns"],
                }
            ]
        },
        "matchConditions": [
            {"name": "people", "expression": is_one},
            {"name": "no-administrator", "expression": "!('system:masters' in request.userInfo.groups)"},
        ],
        "validations": [
            {
                "expression": "object.spec == oldObject.spec"
                " && object.metadata.?finalizers == oldObject.metadata.?finalizers"
                " && object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences",
                "message": "a run may be told to stop by chaos-gate abort, and nothing else of it may be changed",
                "reason": "Forbidden",
            }
        ],
    }
    name = {"name": _called(Deed.ABORT)}
    head = {"apiVersion": f"{ADMISSION}/v1", "metadata": name}
    binding = {"policyName": name["name"], "validationActions": ["Deny"]}
    return [
        {**head, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]

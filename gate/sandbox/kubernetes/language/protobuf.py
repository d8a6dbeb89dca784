"""Reading the protobuf bodies of `kubectl create namespace|configmap|secret|deployment|...`, which sends nothing else.

Only the messages that those commands write are known; a body with a field outside this table is refused, not guessed
at. Everything else is spoken in JSON.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from gate.sandbox.kubernetes.language.errors import UnsupportedMediaType
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.language.shapes import Form, Type, shape

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"

_NUMBERS: Mapping[str, str] = {
    "ObjectMeta": """1:name 2:generateName 3:namespace 4:selfLink 5:uid 6:resourceVersion 7:generation
        8:creationTimestamp 11:labels 12:annotations 14:finalizers""",
    "LabelSelector": "1:matchLabels 2:matchExpressions",
    "LabelSelectorRequirement": "1:key 2:operator 3:values",
    "Namespace": "1:metadata 2:spec 3:status",
    "NamespaceSpec": "1:finalizers",
    "ConfigMap": "1:metadata 2:data 3:binaryData 4:immutable",
    "Secret": "1:metadata 2:data 3:type 4:stringData 5:immutable",
    "ServiceAccount": "1:metadata",
    "Service": "1:metadata 2:spec 3:status",
    "ServiceSpec": """1:ports 2:selector 3:clusterIP 4:type 5:externalIPs 7:sessionAffinity 8:loadBalancerIP
        10:externalName 11:externalTrafficPolicy 12:healthCheckNodePort 13:publishNotReadyAddresses""",
    "ServicePort": "1:name 2:protocol 3:port 4:targetPort 5:nodePort",
    "Deployment": "1:metadata 2:spec 3:status",
    "DeploymentSpec": """1:replicas 2:selector 3:template 4:strategy 5:minReadySeconds 6:revisionHistoryLimit 7:paused
        9:progressDeadlineSeconds""",
    "Job": "1:metadata 2:spec 3:status",
    "JobSpec": """1:parallelism 2:completions 3:activeDeadlineSeconds 4:selector 5:manualSelector 6:template
        7:backoffLimit 8:ttlSecondsAfterFinished 9:completionMode 10:suspend 14:podReplacementPolicy 15:managedBy""",
    "DeploymentStrategy": "1:type 2:rollingUpdate",
    "PodTemplate": "1:metadata 2:spec",
    "PodSpec": """2:containers 3:restartPolicy 4:terminationGracePeriodSeconds 6:dnsPolicy 7:nodeSelector
        8:serviceAccountName 9:serviceAccount 10:nodeName 11:hostNetwork 12:hostPID 13:hostIPC 16:hostname 17:subdomain
        19:schedulerName 24:priorityClassName""",
    "Container": """1:name 2:image 3:command 4:args 5:workingDir 6:ports 8:resources 13:terminationMessagePath
        14:imagePullPolicy 16:stdin 17:stdinOnce 18:tty 20:terminationMessagePolicy""",
    "ContainerPort": "1:name 2:hostPort 3:containerPort 4:protocol 5:hostIP",
    "Resources": "",
    "Role": "1:metadata 2:rules",
    "ClusterRole": "1:metadata 2:rules 3:aggregationRule",
    "AggregationRule": "1:clusterRoleSelectors",
    "PolicyRule": "1:verbs 2:apiGroups 3:resources 4:resourceNames 5:nonResourceURLs",
    "RoleBinding": "1:metadata 2:subjects 3:roleRef",
    "ClusterRoleBinding": "1:metadata 2:subjects 3:roleRef",
    "Subject": "1:kind 2:apiGroup 3:name 4:namespace",
    "RoleRef": "1:apiGroup 2:kind 3:name",
    "TokenRequest": "1:metadata 2:spec 3:status",
    "TokenRequestSpec": "1:audiences 3:boundObjectRef 4:expirationSeconds",
    "BoundObjectReference": "1:kind 2:apiVersion 3:name 4:uid",
    "SelfSubjectReview": "1:metadata 2:status",
    "SelfSubjectRulesReview": "1:metadata 2:spec 3:status",
    "SelfSubjectRulesReviewSpec": "1:namespace",
    "SelfSubjectAccessReview": "1:metadata 2:spec 3:status",
    "SelfSubjectAccessReviewSpec": "1:resourceAttributes 2:nonResourceAttributes",
    "ResourceAttributes": "1:namespace 2:verb 3:group 4:version 5:resource 6:subresource 7:name",
    "NonResourceAttributes": "1:path 2:verb",
    "PodDisruptionBudget": "1:metadata 2:spec 3:status",
    "PodDisruptionBudgetSpec": "1:minAvailable 2:selector 3:maxUnavailable",
}
_BYTES = {"binaryData", "data"}
"""Maps whose values are bytes, in a Secret and a ConfigMap; JSON has them in base64."""

_ZERO_COUNTS = {"replicas", "revisionHistoryLimit", "terminationGracePeriodSeconds"}
"""Numbers that are there although they are zero. The format writes the zeros of most others, where JSON has nothing."""


def read(body: bytes) -> Object:
    """The object in the envelope. UnsupportedMediaType for what this reader does not know."""
    if not body.startswith(_MAGIC):
        raise _unknown("there is no Kubernetes envelope")
    try:
        envelope = dict(_fields(body[len(_MAGIC) :]))
        typed = dict(_fields(envelope[1]))
        version, kind = typed[1].decode(), typed[2].decode()
        if kind not in _NUMBERS:
            raise _unknown(f"no {kind} is read from it")
        return {"apiVersion": version, "kind": kind} | _message(envelope[2], kind)
    except (KeyError, IndexError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise _unknown("it cannot be understood") from error


def _unknown(why: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f"the sandbox reads little of {MEDIA_TYPE}: {why}; send JSON or YAML, with kubectl: "
        "add `--dry-run=client -o yaml | kubectl apply -f -`"
    )


def _message(data: bytes, name: str) -> Object:
    names = dict(pair.split(":") for pair in _NUMBERS[name].split())
    result: Object = {}
    for number, raw in _fields(data):
        field = names.get(str(number))
        if field is None:
            raise _unknown(f"field {number} of {name} is not in its table")
        if field in ("status", "creationTimestamp"):
            continue
        _put(
            result, field, raw, shape(name)[field], as_bytes=field in _BYTES and (name, field) != ("ConfigMap", "data")
        )
    return result


def _put(result: Object, field: str, raw: Any, wanted: Type, *, as_bytes: bool) -> None:
    """Set the field, add to the list or map that it is, or leave out what JSON would leave out."""
    if wanted.form is Form.LIST and wanted.items:
        result.setdefault(field, []).append(_value(raw, wanted.items))
    elif wanted.form is Form.MAP:
        entry = dict(_fields(raw))
        value = entry.get(2, b"")
        result.setdefault(field, {})[entry[1].decode()] = b64encode(value).decode() if as_bytes else value.decode()
    else:
        value = _value(raw, wanted)
        if value or value == {} or (value == 0 and field in _ZERO_COUNTS):
            result[field] = value


def _value(raw: Any, wanted: Type) -> Any:
    match wanted.form:
        case Form.OBJECT:
            return _message(raw, wanted.shape)
        case Form.STRING:
            return raw.decode()
        case Form.BOOL:
            return bool(raw)
        case Form.INT_OR_STRING:
            parts = dict(_fields(raw))
            return parts[3].decode() if parts.get(1) else parts.get(2, 0)
        case Form.INT | Form.LONG:
            return raw - 2**64 if raw >= 2**63 else raw
    raise _unknown(f"it holds a {wanted.form.value}")


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: numbers for varints, bytes for what has a length."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        value, place = _varint(data, place)
        match tag & 7:
            case 0:
                yield tag >> 3, value
            case 2 if place + value <= len(data):
                yield tag >> 3, data[place : place + value]
                place += value
            case wire:
                raise _unknown(f"it holds a field of wire type {wire}, or ends too early")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place

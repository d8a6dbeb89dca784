"""Reading what clients send: JSON or YAML into an object, without the fields that its kind does not know."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from gate.sandbox.kubernetes.language import protobuf
from gate.sandbox.kubernetes.language.errors import BadRequest, UnsupportedMediaType, shown
from gate.sandbox.kubernetes.language.objects import Object, micro_timestamp, moment_of, timestamp
from gate.sandbox.kubernetes.language.shapes import Form, Type, is_known, shape

_SCALARS: dict[Form, tuple[type, ...]] = {
    Form.STRING: (str,),
    Form.INT: (int,),
    Form.LONG: (int,),
    Form.NUMBER: (int, float),
    Form.BOOL: (bool,),
    Form.INT_OR_STRING: (int, str),
    Form.QUANTITY: (int, float, str),
    Form.BYTES: (str,),
    Form.TIME: (str,),
    Form.MICRO_TIME: (str,),
}
_GO_TYPES = {
    Form.STRING: "string",
    Form.INT: "int32",
    Form.LONG: "int64",
    Form.NUMBER: "float64",
    Form.BOOL: "bool",
    Form.INT_OR_STRING: "intstr.IntOrString",
    Form.QUANTITY: "resource.Quantity",
    Form.BYTES: "[]uint8",
    Form.TIME: "v1.Time",
    Form.MICRO_TIME: "v1.MicroTime",
    Form.LIST: "[]interface {}",
    Form.MAP: "map[string]string",
    Form.OBJECT: "struct",
}


class _TimelessLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # as it was built
    """YAML as Kubernetes reads it: what looks like a date stays text."""


_TimelessLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str | bytes) -> Any:
    """One YAML document as JSON values; yaml.YAMLError."""
    return yaml.load(text, Loader=_TimelessLoader)  # noqa: S506 (a SafeLoader that knows less)


class Doubled(dict[str, Any]):
    """A JSON object with keys that its text has more than once; of each the last value counts."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        keys = [key for key, _ in pairs]
        self.twice = frozenset(key for key in self if keys.count(key) > 1)


def read_json(text: str | bytes) -> Any:
    """JSON values, where an object that has a key twice remembers it; ValueError."""
    return json.loads(text, object_pairs_hook=_object_of)


def _object_of(pairs: list[tuple[str, Any]]) -> Object:
    whole = dict(pairs)
    return whole if len(whole) == len(pairs) else Doubled(pairs)


def parse(body: bytes, media_type: str) -> Object:
    """The mapping in a request's body. BadRequest if it is none, UnsupportedMediaType for a format not spoken here."""
    try:
        if media_type in ("", "application/json", "*/*"):
            value = read_json(body)
        elif media_type == "application/yaml":
            value = read_yaml(body)
        elif media_type == protobuf.MEDIA_TYPE:
            value = protobuf.read(body)
        else:
            raise UnsupportedMediaType(
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json, application/yaml"
            )
    except (ValueError, yaml.YAMLError) as error:
        raise BadRequest(f"couldn't get version/kind; json parse error: {error}") from error
    if value is None:
        return {}
    check_object(value)
    mapping: Object = value
    return mapping


def json_fault(error: json.JSONDecodeError) -> str:
    """What Go says where it cannot read JSON: the same where the text just ends, the place otherwise."""
    if error.pos >= len(error.doc.rstrip()):
        return "unexpected end of JSON input"
    return f"invalid character {shown(error.doc[error.pos])} at {error.pos}"


def check_object(value: Any) -> None:
    """BadRequest where JSON that should be an object is none."""
    if not isinstance(value, dict):
        raise BadRequest(f"couldn't get version/kind; json parse error: {type_fault(value, _VERSION_AND_KIND)}")


_VERSION_AND_KIND = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)


def type_fault(value: Any, wanted: str) -> str:
    """What Go says of a JSON value that does not fit a type of its own."""
    found = next((word for kinds, word in _JSON_WORDS if isinstance(value, kinds)), "null")
    return f"json: cannot unmarshal {found} into Go value of type {wanted}"


class UndecodableError(BadRequest):
    """An object that does not fit its kind."""

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(f"{message}: {detail}")
        self.detail = detail


class Oddity(NamedTuple):
    """What a client is told about a field unless it wants that to be an error, or does not care."""

    what: str
    path: str

    def __str__(self) -> str:
        return f'{self.what} field "{self.path}"'


def unknown_field(path: str) -> Oddity:
    """One that was dropped."""
    return Oddity("unknown", path)


def doubled_fields(value: Any, path: str = "") -> Iterator[Oddity]:
    """Those that the JSON has twice, however deep."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from doubled_fields(each, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, each in value.items():
            place = f"{path}.{key}" if path else key
            yield from doubled_fields(each, place)
            yield from _doubled(value, key, place)


def _doubled(mapping: Object, key: str, path: str) -> Iterator[Oddity]:
    if isinstance(mapping, Doubled) and key in mapping.twice:
        yield Oddity("duplicate", path)


@dataclass(frozen=True, slots=True)
class Decoded:
    object: Object
    oddities: tuple[Oddity, ...] = ()


def decode(kind: str, api_version: str, obj: Object) -> Decoded:
    """The object with nothing in it that its kind does not know, nor nulls. BadRequest where a type is wrong."""
    if not is_known(kind):
        return Decoded(obj)
    oddities: list[Oddity] = []
    try:
        pruned = _object(obj, kind, "", oddities)
    except _WrongTypeError as error:
        version = api_version.rpartition("/")[2]
        raise UndecodableError(f'{kind} in version "{version}" cannot be handled as a {kind}', str(error)) from error
    return Decoded(pruned, tuple(oddities))


class _WrongTypeError(Exception):
    """A value of another type than the field's."""


def _object(value: Object, name: str, path: str, oddities: list[Oddity]) -> Object:
    known = shape(name)
    result = {}
    for key, each in value.items():
        place = f"{path}.{key}" if path else key
        if key not in known:
            oddities.append(unknown_field(place))
            continue
        if each is not None:
            read = _value(each, known[key], place, name, oddities)
            if read or known[key].kept or known[key].form not in _LEFT_OUT:
                result[key] = read
        oddities += _doubled(value, key, place)
    return result


_LEFT_OUT = (Form.STRING, Form.INT, Form.LONG, Form.BOOL, Form.LIST, Form.MAP)
"""What is not told apart from a missing value when it is empty."""


def _value(value: Any, wanted: Type, path: str, owner: str, oddities: list[Oddity]) -> Any:
    if wanted.form is Form.ANY:
        oddities += doubled_fields(value, path)
        return value
    if wanted.form is Form.LIST and isinstance(value, list) and wanted.items:
        return [_value(each, wanted.items, f"{path}[{index}]", owner, oddities) for index, each in enumerate(value)]
    if wanted.form is Form.MAP and isinstance(value, dict) and wanted.items:
        empty = "" if wanted.items.form in (Form.STRING, Form.BYTES) else None
        filled = {key: empty if each is None else each for key, each in value.items()}
        read = {}
        for key, each in filled.items():  # Go's complaints do not say the key, the oddities do
            inner: list[Oddity] = []
            read[key] = _value(each, wanted.items, path, owner, inner)
            oddities += (oddity._replace(path=f"{path}.{key}{oddity.path[len(path) :]}") for oddity in inner)
        oddities += (oddity for key in filled for oddity in _doubled(value, key, f"{path}.{key}"))
        return read
    if wanted.form is Form.OBJECT and isinstance(value, dict):
        return _object(value, wanted.shape, path, oddities)
    if not _fits(value, wanted.form):
        found = next((word for kinds, word in _JSON_WORDS if isinstance(value, kinds)), "null")
        if found == "number" and wanted.form in _BITS:
            found = f"number {value}"
        place = re.sub(r"\[\d+\]", "", path)
        raise _WrongTypeError(
            f"json: cannot unmarshal {found} into Go struct field {owner}.{place} of type {_GO_TYPES[wanted.form]}"
        )
    if wanted.form is Form.BYTES and isinstance(value, str):
        _check_base64(value)
    if wanted.form in _TIMES:
        return _time(str(value), wanted.form)
    return value


_BITS = {Form.INT: 32, Form.LONG: 64}


def _fits(value: Any, form: Form) -> bool:
    if not isinstance(value, _SCALARS.get(form, ())) or (isinstance(value, bool) and form is not Form.BOOL):
        return False
    half = 2 ** (_BITS[form] - 1) if form in _BITS else None
    return half is None or -half <= value < half


_SECOND, _ZONE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", r"(Z|[-+]\d\d:\d\d)"
_TIMES = {
    Form.TIME: (re.compile(rf"{_SECOND}(\.\d+)?{_ZONE}"), "2006-01-02T15:04:05Z07:00"),
    Form.MICRO_TIME: (re.compile(rf"{_SECOND}\.\d{{6}}{_ZONE}"), "2006-01-02T15:04:05.000000Z07:00"),
}


def _time(text: str, form: Form) -> str:
    """The moment as the server keeps it, which is in UTC."""
    pattern, layout = _TIMES[form]
    try:
        moment = moment_of(text) if pattern.fullmatch(text) else None
    except ValueError:  # it looks like one, but there is no such day or hour
        moment = None
    if moment is None:
        raise _WrongTypeError(f'parsing time "{text}" as "{layout}": cannot parse "{text}"')
    return timestamp(moment) if form is Form.TIME else micro_timestamp(moment)


def _check_base64(text: str) -> None:
    try:
        b64decode(text.replace("\n", ""), validate=True)
    except ValueError as error:
        strange = re.search(r"[^A-Za-z0-9+/\n=]", text)
        place = strange.start() if strange else len(text)
        raise _WrongTypeError(f"illegal base64 data at input byte {place}") from error


_JSON_WORDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((bool,), "bool"),
    ((int, float), "number"),
    ((str,), "string"),
    ((list,), "array"),
    ((dict,), "object"),
)


def bare_finalizers(obj: Object) -> Iterator[str]:
    """What a client is told about finalizers of a custom object that have no domain."""
    for finalizer in obj["metadata"].get("finalizers") or ():
        if "/" not in finalizer:
            yield (
                f'metadata.finalizers: "{finalizer}": prefer a domain-qualified finalizer name '
                "to avoid accidental conflicts with other finalizer writers"
            )

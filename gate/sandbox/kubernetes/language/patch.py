"""The three patches that Kubernetes takes: JSON (RFC 6902), merge (RFC 7386), and strategic merge. Pure functions."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from gate.sandbox.kubernetes.language.errors import ApiError
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.language.shapes import Form, Type, shape

# JSON Patch, RFC 6902


class _Unprocessable(ApiError):
    code, reason = 422, "Invalid"


Document: TypeAlias = Any


def json_patch(document: Document, operations: list[Any]) -> Document:
    """The document after all operations; none is applied if one fails (422).

    Looser than the RFC where the real server is: `replace`, `copy` and `test` take a missing member of a mapping for
    null, and so does any operation its missing value; and a document that was replaced by a scalar stays as it is.
    """
    patched = document
    for operation in operations:
        if not isinstance(operation, dict):
            raise _refused()
        patched = _apply(patched, operation)
    return patched if isinstance(patched, dict | list) else document


def _apply(document: Document, operation: Object) -> Document:
    value = operation.get("value")
    match operation:
        case {"op": "replace", "path": ""}:
            return value
        case {"op": "add", "path": str(path)}:
            return _edit(document, path, value, insert=True)
        case {"op": "replace", "path": str(path)}:
            _find(document, path)
            return _edit(document, path, value)
        case {"op": "remove", "path": str(path)}:
            return _remove(document, path)
        case {"op": "move", "from": str(source), "path": str(path)}:
            value = _find(document, source)
            return _edit(_remove(document, source), path, value, insert=True)
        case {"op": "copy", "from": str(source), "path": str(path)}:
            return _edit(document, path, _find(document, source), insert=True)
        case {"op": "test", "path": str(path)} if _equal(_find(document, path), value):
            return document
    raise _refused()


def _equal(one: Any, other: Any) -> bool:
    """Equality of JSON values, where true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


def _tokens(pointer: str) -> list[str]:
    """The parts of a pointer. What is before the first slash does not count."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _find(document: Document, pointer: str) -> Any:
    """The value at the pointer, None where a mapping has no such member."""
    if not pointer:
        raise _refused()
    *parents, last = _tokens(pointer)
    for token in parents:
        document = document[_step(document, token)]
    return document.get(last) if isinstance(document, dict) else document[_step(document, last)]


def _remove(document: Document, pointer: str) -> Document:
    def without(container: Any, step: Any) -> Any:
        if isinstance(container, list):
            return container[:step] + container[step + 1 :]
        return {key: value for key, value in container.items() if key != step}

    return _rebuild(document, _tokens(pointer), without)


def _edit(document: Document, pointer: str, value: Any, *, insert: bool = False) -> Document:
    """The document with the value at the pointer: in place of what is there, or inserted where that is in a list."""

    def put(container: Any, step: Any) -> Any:
        if isinstance(container, list):
            return [*container[:step], value, *container[step + (0 if insert else 1) :]]
        return container | {step: value}

    return _rebuild(document, _tokens(pointer), put, insert=insert, new=True)


def _rebuild(
    document: Document,
    tokens: list[str],
    change: Callable[[Any, Any], Any],
    *,
    insert: bool = False,
    new: bool = False,
) -> Document:
    """The document with the change made in the container that the last token is a step of.

    `new`: to a member that a mapping does not have yet; `insert`: to a place that a list does not have yet.
    """
    if not tokens:
        raise _refused()
    if len(tokens) == 1:
        return change(document, _step(document, tokens[0], insert=insert, new=new))
    step = _step(document, tokens[0])
    inner = _rebuild(document[step], tokens[1:], change, insert=insert, new=new)
    if isinstance(document, list):
        return [*document[:step], inner, *document[step + 1 :]]
    return document | {step: inner}


def _step(container: Any, part: str, *, insert: bool = False, new: bool = False) -> Any:
    """The key or index that one part of the pointer means in the container."""
    if isinstance(container, dict):
        if part in container or new:
            return part
    elif isinstance(container, list):
        if part == "-" and insert:
            return len(container)
        if part.isdecimal() and int(part) < len(container) + insert and (part == "0" or part[0] != "0"):
            return int(part)
    raise _refused()


def _refused() -> ApiError:
    """The patch does not fit the document. The real server says no more than this, either."""
    return _Unprocessable("the server rejected our request due to an error in our request", details={})


# JSON Merge Patch, RFC 7386


def merge_patch(document: Any, patch: Any) -> Any:
    """Mappings are merged, null deletes, everything else replaces; what a list brings along has no nulls, either."""
    if isinstance(patch, list):
        return [each if each is None else merge_patch(None, each) for each in patch]
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


# Strategic merge patch

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


def strategic_merge_patch(document: Object, patch: Object, kind: str) -> Object:
    """A merge patch that knows the lists of the kind: merged by their keys, ordered and thinned out by directives."""
    return _merge_mapping(document, patch, shape(kind))


def _merge_mapping(original: Any, patch: Object, fields: Mapping[str, Type]) -> Object:
    match patch.get(_DIRECTIVE):
        case None:
            pass
        case "replace":
            bare: Object = _bare(patch)
            return bare
        case "delete":
            return {}
        case other:
            raise ApiError(f"unknown patch type: {other} in map: {_go_text(patch)}", reason="")
    merged = _thinned_out(original if isinstance(original, dict) else {}, patch)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            merged.pop(key, None)
        elif key not in merged:
            if not (isinstance(value, dict) and _DIRECTIVE in value):  # what to do with something that is not there
                merged[key] = _bare(value)
        else:
            merged[key] = _merge(merged.get(key), value, fields.get(key), patch.get(_ORDER + key))
    for key, order in patch.items():
        field = key.removeprefix(_ORDER)
        if key.startswith(_ORDER) and field not in patch and isinstance(merged.get(field), list):
            known = fields.get(field)
            merged[field] = _ordered(merged[field], merged[field], order, (known and known.merge_key) or "")
    return merged


def _thinned_out(original: Object, patch: Object) -> Object:
    """Without what the patch's directives take away."""
    thinned = {key: value for key, value in original.items() if key in patch.get(_RETAIN, original)}
    for key, value in patch.items():
        if key.startswith(_DELETE):
            field = key.removeprefix(_DELETE)
            thinned[field] = [each for each in thinned.get(field) or [] if each not in value]
    return thinned


def _merge(original: Any, patch: Any, known: Type | None, order: Any) -> Any:
    if isinstance(patch, dict):
        return _merge_mapping(original, patch, _fields(known))
    if isinstance(patch, list) and known is not None and known.merge_key is not None:
        merged = _merge_list(original if isinstance(original, list) else [], patch, known)
        return _ordered(merged, original or [], patch if order is None else order, known.merge_key)
    return _bare(patch)


def _fields(known: Type | None) -> Mapping[str, Type]:
    if known is None:
        return {}
    if known.form is Form.OBJECT:
        return shape(known.shape)
    if known.form is Form.MAP and known.items and known.items.form is Form.OBJECT:
        return _AnyKey(known.items)
    return {}


class _AnyKey(dict[str, Type]):
    """The fields of a map whose values all have one type."""

    def __init__(self, value: Type) -> None:
        super().__init__()
        self._value = value

    def get(self, _key: str, _default: Any = None) -> Any:
        return self._value


def _merge_list(original: list[Any], patch: list[Any], known: Type) -> list[Any]:
    key = known.merge_key
    if not key:
        return original + [
            each for index, each in enumerate(patch) if each not in original and each not in patch[:index]
        ]
    if any(each.get(_DIRECTIVE) == "replace" for each in _mappings(patch)):
        return [_bare(each) for each in patch if each.get(_DIRECTIVE) != "replace" or each.keys() - {_DIRECTIVE}]
    merged = list(original)
    for each in _mappings(patch):
        if key not in each:
            raise ApiError(f"map: {_go_text(each)} does not contain declared merge key: {key}", reason="")
        found = next((index for index, have in enumerate(merged) if have.get(key) == each[key]), None)
        if each.get(_DIRECTIVE) == "delete":
            merged = [have for have in merged if have.get(key) != each[key]]
        elif found is None:
            merged.append(each)
        else:
            merged[found] = _merge_mapping(merged[found], each, _fields(known.items))
    return merged


def _mappings(patch: Iterable[Any]) -> Iterable[Object]:
    for each in patch:
        if not isinstance(each, dict):
            raise ApiError(f"list element types are not identical: {_go_text(patch)}", reason="")
        yield each


def _go_text(value: Any) -> str:
    """How Go prints a value into the real message."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_go_text(each)}' for key, each in sorted(value.items()))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_go_text, value))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ordered(merged: list[Any], original: list[Any], order: list[Any], key: str) -> list[Any]:
    """The elements that the order names, in that order; between them the others, as far as they were before them."""

    def identity(each: Any) -> Any:
        return _hashable(each.get(key) if key and isinstance(each, dict) else each)

    wanted = [identity(each) for each in order]
    places = {identity(each): index for index, each in enumerate(original)}
    named = sorted((each for each in merged if identity(each) in wanted), key=lambda each: wanted.index(identity(each)))
    others = [each for each in merged if identity(each) not in wanted]
    result: list[Any] = []
    for each in named:
        while others and places.get(identity(others[0]), len(places)) < places.get(identity(each), -1):
            result.append(others.pop(0))
        result.append(each)
    return result + others


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else repr(value)


def _bare(value: Any) -> Any:
    """What a patch says, without its directives and nulls."""
    if isinstance(value, dict):
        return {key: _bare(each) for key, each in value.items() if each is not None and not str(key).startswith("$")}
    if isinstance(value, list):
        return [_bare(each) for each in value if not (isinstance(each, dict) and each.get(_DIRECTIVE) == "delete")]
    return value

"""What the API server refuses, as exceptions that know the Status object they become."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from gate.sandbox.kubernetes.language.objects import Object, is_terminating, name_of


class Kind(Protocol):
    """What refusals say of the kind that a request is about; a row of the registry."""

    @property
    def group(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def plural(self) -> str: ...

    @property
    def qualified(self) -> str:
        """``deployments.apps``"""
        ...


class Wanted(Protocol):
    """What refusals say of what somebody has no right to."""

    @property
    def verb(self) -> str: ...

    @property
    def group(self) -> str: ...

    @property
    def resource(self) -> str: ...

    @property
    def qualified(self) -> str:
        """``pods/log``"""
        ...

    @property
    def namespace(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...


class CauseType(StrEnum):
    """metav1.CauseType, as far as field validation uses it."""

    REQUIRED = "FieldValueRequired"
    INVALID = "FieldValueInvalid"
    NOT_SUPPORTED = "FieldValueNotSupported"
    FORBIDDEN = "FieldValueForbidden"
    DUPLICATE = "FieldValueDuplicate"
    TYPE_INVALID = "FieldValueTypeInvalid"
    TOO_LONG = "FieldValueTooLong"
    NOT_FOUND = "FieldValueNotFound"
    TOO_MANY = "FieldValueTooMany"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why an object is invalid: the field, and what is wrong with it."""

    field: str
    type: CauseType
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"

    def as_object(self) -> Object:
        return {"reason": self.type.value, "message": self.message, "field": self.field}


def shown(value: Any) -> str:
    """A value as the real server writes it into a message: Go's %q for strings, JSON words for the rest."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None:
        return "null"
    if isinstance(value, bool | dict | list):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def required(field: str, detail: str = "") -> Cause:
    message = f"Required value: {detail}" if detail else "Required value"
    return Cause(field=field, type=CauseType.REQUIRED, message=message)


def invalid(field: str, value: Any, detail: str) -> Cause:
    return Cause(field=field, type=CauseType.INVALID, message=f"Invalid value: {shown(value)}: {detail}")


def not_supported(field: str, value: Any, allowed: Iterable[Any]) -> Cause:
    choices = ", ".join(shown(choice) for choice in allowed)
    message = f"Unsupported value: {shown(value)}: supported values: {choices}"
    return Cause(field=field, type=CauseType.NOT_SUPPORTED, message=message)


def forbidden(field: str, detail: str) -> Cause:
    return Cause(field=field, type=CauseType.FORBIDDEN, message=f"Forbidden: {detail}")


def not_negative(mapping: Object, path: str, fields: Iterable[str]) -> list[Cause]:
    """One cause for each of the fields that is a number below 0."""
    return [
        invalid(f"{path}.{field}", mapping[field], "must be greater than or equal to 0")
        for field in fields
        if isinstance(mapping.get(field), int) and mapping[field] < 0
    ]


def not_found(field: str, value: Any) -> Cause:
    return Cause(field=field, type=CauseType.NOT_FOUND, message=f"Not found: {shown(value)}")


def duplicate(field: str, value: Any) -> Cause:
    return Cause(field=field, type=CauseType.DUPLICATE, message=f"Duplicate value: {shown(value)}")


class ApiError(Exception):
    """A request that the API server does not carry out: HTTP code, machine-readable reason, one sentence, details."""

    code = 500
    reason = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        details: Object | None = None,
        code: int | None = None,
        reason: str | None = None,
        metadata: Object | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.metadata = metadata or {}
        if code is not None:
            self.code = code
        if reason is not None:
            self.reason = reason

    def as_status(self) -> Object:
        """The metav1.Status that clients receive."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return status | {"code": self.code}


class BadRequest(ApiError):
    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    """A token that is nobody's."""

    code, reason = 401, "Unauthorized"

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Forbidden(ApiError):
    code, reason = 403, "Forbidden"

    @classmethod
    def of(cls, resource: Kind, name: str, because: str) -> "Forbidden":
        shown_name = f' "{name}"' if name else ""
        return cls(f"{resource.qualified}{shown_name} is forbidden: {because}", details=_about(resource, name))

    @classmethod
    def access(cls, user: str, wanted: Wanted, reason: str = "") -> "Forbidden":
        """The user lacks the right; `reason` is why it could not be found, where that is known."""
        because = f": {reason}" if reason else ""
        if wanted.path:
            return cls(f'forbidden: User "{user}" cannot {wanted.verb} path "{wanted.path}"{because}', details={})
        qualified = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
        name = f' "{wanted.name}"' if wanted.name else ""
        place = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
        details = {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
        return cls(
            f'{qualified}{name} is forbidden: User "{user}" cannot {wanted.verb} resource "{wanted.qualified}" '
            f'in API group "{wanted.group}" {place}{because}',
            details={key: value for key, value in details.items() if value},
        )

    @classmethod
    def terminating(cls, resource: Kind, name: str, namespace: str) -> "Forbidden":
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        return cls(
            f'{resource.qualified} "{name}" is forbidden: '
            f"unable to create new content in namespace {namespace} because it is being terminated",
            details=_about(resource, name) | {"causes": [cause]},
        )


class NotFound(ApiError):
    code, reason = 404, "NotFound"

    @classmethod
    def of(cls, resource: Kind, name: str) -> "NotFound":
        return cls(f'{resource.qualified} "{name}" not found', details=_about(resource, name))

    @classmethod
    def path(cls) -> "NotFound":
        """Nothing is served under that path."""
        return cls("the server could not find the requested resource", details={})


class MethodNotAllowed(ApiError):
    code, reason = 405, "MethodNotAllowed"

    def __init__(self, message: str = "the server does not allow this method on the requested resource") -> None:
        super().__init__(message, details={})


class NotAcceptable(ApiError):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(ApiError):
    code, reason = 409, "AlreadyExists"

    @classmethod
    def of(cls, resource: Kind, present: Object) -> "AlreadyExists":
        name = name_of(present)
        going = "object is being deleted: " if is_terminating(present) else ""
        return cls(f'{going}{resource.qualified} "{name}" already exists', details=_about(resource, name))


class Conflict(ApiError):
    code, reason = 409, "Conflict"

    @classmethod
    def of(cls, resource: Kind, name: str, because: str | None = None, called: str | None = None) -> "Conflict":
        """`called` is the word for the resource where it is not its plural."""
        because = because or (
            "the object has been modified; please apply your changes to the latest version and try again"
        )
        called = called or resource.plural
        qualified = f"{called}.{resource.group}" if resource.group else called
        message = f'Operation cannot be fulfilled on {qualified} "{name}": {because}'
        return cls(message, details=_about(resource, name) | {"kind": called})


class Gone(ApiError):
    """The version asked for is older than the history kept; list again."""

    code, reason = 410, "Expired"

    @classmethod
    def revision(cls, asked: int, oldest: int) -> "Gone":
        return cls(f"too old resource version: {asked} ({oldest})")


class UnsupportedMediaType(ApiError):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    code, reason = 422, "Invalid"

    @classmethod
    def of(cls, resource: Kind, name: str, causes: Iterable[Cause], called: str | None = None) -> "Invalid":
        """`called` is the word for the resource where it is not its kind."""
        causes = tuple(causes)
        group = "" if called == "" else resource.group
        called = resource.kind if called is None else called
        told = tuple(dict.fromkeys(map(str, causes)))
        listed = ", ".join(told)
        qualified = f"{called}.{group}" if group else called
        message = f'{qualified} "{name}" is invalid: {listed if len(told) == 1 else f"[{listed}]"}'
        details = {"name": name, "group": group, "kind": called}
        details = {key: value for key, value in details.items() if value}
        return cls(message, details=details | {"causes": [cause.as_object() for cause in causes]})


class TooManyRequests(ApiError):
    code, reason = 429, "TooManyRequests"


class NotImplementedHere(ApiError):
    """A real API server could do this; the sandbox says so instead of pretending."""

    code, reason = 501, "NotImplemented"


class Timeout(ApiError):
    code, reason = 504, "Timeout"

    @classmethod
    def too_large(cls, asked: int, current: int) -> "Timeout":
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        return cls(
            f"Timeout: Too large resource version: {asked}, current: {current}",
            details={"causes": [cause], "retryAfterSeconds": 1},
        )


def _about(resource: Kind, name: str) -> Object:
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return {key: value for key, value in details.items() if value}

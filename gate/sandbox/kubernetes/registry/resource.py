"""A kind as it is served: what it is called, what can be done with it, and the rules that its objects follow."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gate.sandbox.kubernetes.language.decoding import Decoded
from gate.sandbox.kubernetes.language.errors import Cause
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.column import Column
from gate.sandbox.kubernetes.rules.statuses import StatusForm

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

Default: TypeAlias = Callable[[Object], None]
"""Fills in, in place, what the writer left out."""

Validate: TypeAlias = Callable[[Object, Object | None], list[Cause]]
"""What is wrong with a new object, given the stored one (None when it is being created)."""


Decode: TypeAlias = Callable[[Object], Decoded]


class Grace(StrEnum):
    """How an object goes when it is deleted."""

    NONE = "at once, or when its finalizers are gone"
    POD = "terminating until its node confirms"
    NAMESPACE = "terminating until it is empty"
    DEFINITION = "terminating until there are no objects of its kinds"


class Bump(StrEnum):
    """Which changes raise metadata.generation."""

    NEVER = "never"
    SPEC = "everything but metadata and status"
    SPEC_AND_ANNOTATIONS = "the same, and annotations"
    ALL_BUT_METADATA = "status too"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where a kind keeps what its scale subresource shows (dotted paths)."""

    replicas: str = "spec.replicas"
    observed: str = "status.replicas"
    selector: str = "spec.selector"
    """A metav1.LabelSelector, or its text in a custom resource."""


def _nothing(_obj: Object) -> None:
    """No defaults."""


def _accept(_new: Object, _old: Object | None) -> list[Cause]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resource:
    """One kind as it is served. Two rows are the same only if they are the same object."""

    group: str = ""
    version: str = "v1"
    kind: str
    plural: str
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    status: bool = False
    """Has a status subresource: the main endpoint ignores status, and the status endpoint everything else."""
    scale: Scale | None = None
    verbs: tuple[str, ...] = VERBS
    generation: Bump = Bump.NEVER
    grace: Grace = Grace.NONE
    returns_deleted: bool = False
    """DELETE answers with the object, not with a Status."""
    deletion: str | None = None
    """The policy of a DELETE that names none, where it is not Background."""
    create_on_update: bool = False
    """PUT of a missing object creates it."""
    unconditional_update: bool = True
    """PUT without a resourceVersion is accepted."""
    default: Default = _nothing
    prepare: Default = _nothing
    """What only a new object gets, such as its first status."""
    validate: Validate = _accept
    status_form: StatusForm | None = None
    """What is added to a status that somebody writes; None: nothing."""
    validate_status: Validate = _accept
    """What is wrong with a status that somebody writes, given the stored object."""
    validate_aid: Validate = _accept
    """What is wrong with a pod that is given ephemeral containers, given the stored one."""
    decode: Decode | None = None
    """Reads a custom object; the built-in kinds are read by their shapes."""
    columns: tuple[Column, ...] = ()
    fields: tuple[str, ...] = ()
    """Field selectors beyond metadata.name and metadata.namespace."""
    deprecation: str = ""
    """What everybody is warned of who asks for the kind."""
    custom: bool = False
    """Defined by a CustomResourceDefinition."""
    stored_version: bool = True
    """Of several versions of a custom resource, the one that comes first in discovery."""

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the stored objects: versions of one resource share them."""
        return (self.group, self.plural)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The name in messages: ``deployments.apps``, ``pods``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def base_path(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "") -> str:
        """The URL path of a collection or, with a name, of one object."""
        middle = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.base_path}{middle}/{self.plural}" + (f"/{name}" if name else "")

    def __str__(self) -> str:
        return self.qualified

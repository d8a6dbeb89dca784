"""CustomResourceDefinitions: each one stored adds rows to the registry, each one gone takes them away."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gate.sandbox.kubernetes.controllers.naming import Naming
from gate.sandbox.kubernetes.language.conditions import is_true
from gate.sandbox.kubernetes.language.decoding import read_yaml
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.column import AGE, NAME, Column, since
from gate.sandbox.kubernetes.registry.resource import Bump, Resource, Scale
from gate.sandbox.kubernetes.registry.resources import CUSTOM_RESOURCE_DEFINITIONS
from gate.sandbox.kubernetes.schemas.schema import Schema, path_value
from gate.sandbox.kubernetes.store.changes import Change, ChangeType
from gate.sandbox.kubernetes.store.store import Store

_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""In this order discovery lists them, for custom resources only."""


def load(store: Store, path: Path) -> None:
    """Store the definition in the file, so that it is served."""
    store.create(CUSTOM_RESOURCE_DEFINITIONS, read_yaml(path.read_bytes()))


def key_of(definition: Object) -> tuple[str, str]:
    return (definition["spec"]["group"], definition["spec"]["names"]["plural"])


class CustomResources:
    """Keeps the registry in step with the definitions in the store, which get their names here."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._naming = Naming(store, clock)

    def attach(self) -> None:
        self._naming.attach()
        self._store.observe(CUSTOM_RESOURCE_DEFINITIONS, self._follow)

    def start(self) -> None:
        """From now on look again at those that want what others give up."""
        self._naming.start()

    def stop(self) -> None:
        self._naming.stop()

    def _follow(self, change: Change) -> None:
        definition = change.entry.shared
        gone = change.type is ChangeType.DELETED
        self._store.registry.replace_custom(*key_of(definition), () if gone else rows(definition))


def rows(definition: Object) -> tuple[Resource, ...]:
    """One row for each version that is served; none before all names are its own."""
    if not is_true(definition["status"], "Established"):
        return ()
    served = [version for version in definition["spec"]["versions"] if version.get("served")]
    return tuple(_row(definition, version) for version in served)


def _row(definition: Object, version: Object) -> Resource:
    spec = definition["spec"]
    names = definition["status"]["acceptedNames"]
    subresources = version.get("subresources") or {}
    has_status = "status" in subresources
    schema = Schema.of(version)
    return Resource(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular", ""),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        namespaced=spec["scope"] == "Namespaced",
        status=has_status,
        scale=_scale(subresources.get("scale")),
        verbs=_VERBS,
        generation=Bump.SPEC if has_status else Bump.ALL_BUT_METADATA,
        unconditional_update=False,
        default=schema.default,
        validate=schema.validate,
        decode=schema.decode,
        columns=_columns(version),
        custom=True,
        stored_version=bool(version.get("storage")),
    )


def _scale(scale: Object | None) -> Scale | None:
    if scale is None:
        return None
    return Scale(
        replicas=scale["specReplicasPath"].removeprefix("."),
        observed=scale["statusReplicasPath"].removeprefix("."),
        selector=str(scale.get("labelSelectorPath") or "").removeprefix("."),
    )


def _columns(version: Object) -> tuple[Column, ...]:
    declared = version.get("additionalPrinterColumns") or []
    return (NAME, *(_column(each) for each in declared)) if declared else (NAME, AGE)


def _column(declared: Object) -> Column:
    path, kind = declared["jsonPath"], declared["type"]

    def cell(obj: Object, now: datetime) -> object:
        value = path_value(obj, path)
        if kind == "date":
            return _age(value, now)
        if value is None:
            return None
        return value if kind in ("integer", "number", "boolean") else _text(value)

    return Column(
        name=declared["name"],
        cell=cell,
        type=kind,
        format=declared.get("format", ""),
        description=declared.get("description", ""),
        priority=declared.get("priority", 0),
    )


def _age(value: object, now: datetime) -> str | None:
    if value is None:
        return None
    try:
        return since(str(value), now)
    except ValueError:
        return "<invalid>"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

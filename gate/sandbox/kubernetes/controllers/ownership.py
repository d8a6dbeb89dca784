"""Who belongs to whom: controller references, adoption of orphans and release of strangers."""

from gate.sandbox.kubernetes.language.objects import (
    Object,
    controller_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.store.store import Store


def reference_to(owner: Object) -> Object:
    """The owner reference that a controller gives to what it makes."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod_of(owner: Object, *, finalizers: tuple[str, ...] = ()) -> Object:
    """A new pod of the owner's template."""
    template = owner["spec"]["template"]
    metadata: Object = {
        key: template["metadata"][key] for key in ("labels", "annotations") if template["metadata"].get(key)
    }
    metadata |= {
        "generateName": f"{name_of(owner)}-",
        "namespace": namespace_of(owner),
        "ownerReferences": [reference_to(owner)],
        "finalizers": list(finalizers),
    }
    return {"metadata": {key: value for key, value in metadata.items() if value}, "spec": template["spec"]}


def claim(store: Store, resource: Resource, owner: Object) -> list[Object]:
    """All objects of the resource that belong to the owner.

    An object without a controller that the owner's selector matches is adopted; one of the owner's that it does not
    match any more is let go, both as the real controllers do.
    """
    selector = LabelSelector.from_object(owner["spec"]["selector"])
    mine = []
    for entry in store.controlled(resource, namespace_of(owner), (uid_of(owner), "")):
        controller = controller_of(entry.shared)
        matches = selector.matches(labels_of(entry.shared))
        if (controller is None) is not matches:  # mine and matching, or nobody's and strange: nothing to change
            if controller is not None:
                mine.append(entry.copy())
        elif controller is not None:
            _set_owner(store, resource, entry.shared, uid_of(owner), None)
        elif not is_terminating(entry.shared) and not is_terminating(owner):
            mine.append(_set_owner(store, resource, entry.shared, uid_of(owner), reference_to(owner)))
    return mine


def _set_owner(store: Store, resource: Resource, obj: Object, owner: str, reference: Object | None) -> Object:
    def change(present: Object) -> Object:
        others = [each for each in present["metadata"].get("ownerReferences") or () if each["uid"] != owner]
        present["metadata"]["ownerReferences"] = [*others, reference] if reference else others
        return present

    return store.patch(resource, namespace_of(obj), name_of(obj), change)

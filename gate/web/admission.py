"""The webhook of a production cluster: reviews in, rulings out. What it rules by is somebody else's to say."""

from collections.abc import Mapping
from typing import Any, Protocol

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import BadRequest

Json = Mapping[str, Any]

LONGEST = 1024
"""Characters of a reason."""


class Ruling(Protocol):
    """What was found about the images of a pod template."""

    @property
    def allowed(self) -> bool: ...
    @property
    def why(self) -> str: ...
    @property
    def overridden(self) -> bool:
        """It is allowed although it has not passed, which is worth a warning."""
        ...


class Rules(Protocol):
    """Says whether the images of a pod template may run."""

    def __call__(self, images: Mapping[str, str]) -> Ruling: ...


def create_admission(rules: Rules) -> Flask:
    """The application that Kubernetes asks at `/admit` before it takes a workload."""
    app = Flask(__name__)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @app.post("/admit")
    def admit() -> Response:
        review = request.get_json(silent=True)
        asked = review.get("request") if isinstance(review, dict) else None
        if not isinstance(asked, dict) or not isinstance(asked.get("uid"), str):
            raise BadRequest("this is no AdmissionReview of admission.k8s.io/v1")
        allowed, why, warned = _ruling(asked, rules)
        response: dict[str, Any] = {"uid": asked["uid"], "allowed": allowed}
        if not allowed:
            response["status"] = {"code": 403, "reason": "Forbidden", "message": f"chaos-gate: {why}"[:LONGEST]}
        elif warned:
            response["warnings"] = [f"chaos-gate: {why}"[:LONGEST]]
        return jsonify({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})

    return app


def _ruling(asked: Json, rules: Rules) -> tuple[bool, str, bool]:
    """Whether, why, and whether that is worth a warning. What runs already stays as it can be scaled and labelled."""
    images, before = images_of(asked.get("object")), images_of(asked.get("oldObject"))
    if images is None:
        return False, "what is to be admitted has no pod template; ask for workloads only, see its rules", False
    if not images:
        return True, "it has no images of its own", False
    if images == before:
        return True, "its images are the same as before", False
    ruling = rules(images)
    return ruling.allowed, ruling.why, ruling.overridden


def images_of(item: Any) -> Mapping[str, str] | None:
    """Container -> image reference of a workload's pod template, init containers included. None for what is no
    workload; empty for an Argo Rollout that leaves the template to a Deployment.
    """
    match item:
        case {"spec": {"template": {"spec": dict(spec)}}}:
            containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
            return {str(each.get("name")): str(each.get("image") or "") for each in containers}
        case {"spec": {"workloadRef": {"kind": "Deployment"}}}:
            return {}
    return None

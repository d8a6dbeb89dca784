"""The questions about users and rights that the API answers: they are asked by creating them, and nothing is stored."""

from collections.abc import Callable, Mapping
from datetime import datetime

from gate.sandbox.kubernetes.access.door import Access
from gate.sandbox.kubernetes.access.tokens import BadToken, Tokens
from gate.sandbox.kubernetes.language.errors import BadRequest, Cause, Invalid, invalid
from gate.sandbox.kubernetes.language.objects import Object, timestamp
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import REVIEWS
from gate.sandbox.kubernetes.rights import authorization
from gate.sandbox.kubernetes.rights.authorization import Attributes
from gate.sandbox.kubernetes.rights.users import User


class Reviews:
    """Answers each kind of review."""

    def __init__(self, access: Access, tokens: Tokens, wall: Callable[[], datetime]) -> None:
        self._access = access
        self._tokens = tokens
        self._wall = wall
        self._kinds: Mapping[str, Callable[[Object, User, str], Object]] = {
            "TokenReview": self._token,
            "SelfSubjectReview": self._self,
            "SelfSubjectRulesReview": self._rules,
            "SelfSubjectAccessReview": self._own_access,
            "SubjectAccessReview": self._access_of,
            "LocalSubjectAccessReview": self._local_access_of,
        }

    def answers(self, resource: Resource) -> bool:
        """Whether the resource is a review."""
        return resource in REVIEWS

    def answer(self, resource: Resource, namespace: str, review: Object, user: User) -> Object:
        """The review with its status. Invalid or BadRequest for a question that is none."""
        answered = self._kinds[resource.kind](review, user, namespace)
        metadata = {key: value for key, value in review.get("metadata", {}).items() if key != "managedFields"}
        return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata, **answered}

    def _token(self, review: Object, _user: User, _namespace: str) -> Object:
        spec = review.get("spec") or {}
        if not spec.get("token"):
            raise BadRequest("token is required for TokenReview in authentication")
        try:
            found = self._tokens.bearer(spec["token"], spec.get("audiences") or ())
        except BadToken as error:
            told = {"error": str(error)} if str(error) else {}
            return {"spec": spec, "status": {"user": {}, **told}}
        status = {"authenticated": True, "user": found.user.as_object(), "audiences": list(found.audiences)}
        return {"spec": spec, "status": status}

    def _self(self, _review: Object, user: User, _namespace: str) -> Object:
        return {
            "metadata": {"creationTimestamp": timestamp(self._wall())},
            "status": {"userInfo": user.as_object()},
        }

    def _rules(self, review: Object, user: User, _namespace: str) -> Object:
        namespace = (review.get("spec") or {}).get("namespace")
        if not namespace:
            raise BadRequest("no namespace on request")
        grants = tuple(authorization.grants(user, namespace, self._access.roles))
        rules = [grant.rule for grant in grants if grant.rule]
        missing = [grant.missing for grant in grants if grant.missing]
        status: Object = {
            "resourceRules": [rule.as_object() for rule in rules if not rule.urls],
            "nonResourceRules": [rule.as_object() for rule in rules if rule.urls],
            "incomplete": False,
        }
        if missing:
            status["evaluationError"] = authorization.aggregate(missing)
        return {"spec": {}, "status": status}

    def _own_access(self, review: Object, user: User, _namespace: str) -> Object:
        return self._decided(review, _checked(review, _one_question), user)

    def _access_of(self, review: Object, _user: User, _namespace: str) -> Object:
        spec = _checked(review, _one_question, _somebody)
        return self._decided(review, spec, _subject(spec))

    def _local_access_of(self, review: Object, _user: User, namespace: str) -> Object:
        def local(spec: Object) -> list[Cause]:
            return _local(spec, namespace)

        spec = _checked(review, _one_question, _somebody, local, bare=False)
        return self._decided(review, spec, _subject(spec))

    def _decided(self, review: Object, spec: Object, user: User) -> Object:
        decision = self._access.decide(user, _attributes(spec))
        status: Object = {"allowed": decision.allowed}
        if decision.reason:
            status["reason"] = decision.reason
        return {"spec": review["spec"], "status": status}


def _checked(review: Object, *checks: Callable[[Object], list[Cause]], bare: bool = True) -> Object:
    """The spec, if it is in order. `bare`: there may be nothing in the metadata."""
    spec: Object = review.get("spec") or {}
    causes = [cause for check in checks for cause in check(spec)]
    if bare and review.get("metadata"):
        causes.append(invalid("metadata", review["metadata"], "must be empty"))
    if causes:
        raise Invalid.of(Resource(group="authorization.k8s.io", kind="", plural=""), "", causes)
    return spec


def _one_question(spec: Object) -> list[Cause]:
    about, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if about is not None and path is not None:
        told = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
        detail = "cannot be specified in combination with resourceAttributes"
        return [invalid("spec.nonResourceAttributes", told, detail)]
    if about is None and path is None:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [invalid("spec.resourceAttributes", None, detail)]
    return []


def _somebody(spec: Object) -> list[Cause]:
    if spec.get("user") or spec.get("groups"):
        return []
    return [invalid("spec.user", "", "at least one of user or group must be specified")]


def _local(spec: Object, namespace: str) -> list[Cause]:
    about, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if about is not None and about.get("namespace", "") != namespace:
        detail = "must match metadata.namespace"
        return [invalid("spec.resourceAttributes.namespace", about.get("namespace", ""), detail)]
    if path is not None:
        told = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
        return [invalid("spec.nonResourceAttributes", told, "disallowed on this kind of request")]
    return []


def _subject(spec: Object) -> User:
    return User(name=spec.get("user", ""), uid=spec.get("uid", ""), groups=tuple(spec.get("groups") or ()))


def _attributes(spec: Object) -> Attributes:
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(verb=path.get("verb", ""), path=path.get("path", ""))
    about = spec["resourceAttributes"]
    fields = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
    return Attributes(**{"verb": "", **{field: about[field] for field in fields if field in about}})

"""The door of the API: who asks, and may he? What is refused here is refused before anybody looks whether it exists."""

from collections.abc import Iterator

from gate.sandbox.kubernetes.access.attributes import attributes
from gate.sandbox.kubernetes.access.roles import StoredRoles
from gate.sandbox.kubernetes.access.tokens import BadToken, Tokens
from gate.sandbox.kubernetes.language.errors import ApiError, Forbidden, NotFound, Unauthorized
from gate.sandbox.kubernetes.language.objects import Object, name_of
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import ROLE_BINDINGS
from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.rights import authorization
from gate.sandbox.kubernetes.rights.authorization import EVERYTHING, GROUP, Attributes, Decision, Rule
from gate.sandbox.kubernetes.rights.users import ANONYMOUS, MASTERS, User
from gate.sandbox.kubernetes.store.store import Store

_EXTRA = "impersonate-extra-"
_EVERYTHING = Rule(verbs=(EVERYTHING,), groups=(EVERYTHING,), resources=(EVERYTHING,))
_EVERYWHERE = Rule(verbs=(EVERYTHING,), urls=(EVERYTHING,))


class Access:
    """Authentication by bearer tokens, impersonation, and authorization by the roles in the store."""

    def __init__(self, store: Store, tokens: Tokens) -> None:
        self.roles = StoredRoles(store)
        self._tokens = tokens

    def user(self, request: Request) -> User:
        """Who asks, or whom he wants to be. Unauthorized for a token that is nobody's, Forbidden if he may not."""
        user = self._bearer(request.headers.get("authorization", ""))
        return self._impersonated(request, user)

    def decide(self, user: User, wanted: Attributes) -> Decision:
        return authorization.decide(user, wanted, self.roles)

    def check(self, request: Request) -> None:
        """Forbidden if the one who asks may not."""
        self._demand(request.user, attributes(request))

    def check_grant(self, user: User, resource: Resource, namespace: str, obj: Object) -> None:
        """Forbidden for a role or binding that gives what its writer does not have, and may not give all the same."""
        if resource.group != GROUP or MASTERS in user.groups:
            return
        if "roleRef" in obj:
            asked = self._rules_bound(user, resource, namespace, obj)
        else:
            asked = self._rules_written(user, resource, namespace, obj)
        grants = authorization.grants(user, namespace, self.roles)
        lacking = authorization.uncovered([grant.rule for grant in grants if grant.rule], asked)
        if lacking:
            listed = "\n".join(map(str, lacking))
            raise Forbidden.of(
                resource,
                name_of(obj),
                f'user "{user.name}" (groups={authorization.listed(user.groups)}) is attempting to grant RBAC '
                f"permissions not currently held:\n{listed}",
            )

    def _rules_written(self, user: User, resource: Resource, namespace: str, role: Object) -> list[Rule]:
        escalate = Attributes(
            verb="escalate", group=GROUP, resource=resource.plural, namespace=namespace, name=name_of(role)
        )
        if self.decide(user, escalate).allowed:
            return []
        if "aggregationRule" in role:
            own = [grant.rule for grant in authorization.grants(user, namespace, self.roles) if grant.rule]
            if authorization.uncovered(own, (_EVERYTHING, _EVERYWHERE)):
                told = "must have cluster-admin privileges to use an aggregationRule"
                raise Forbidden.of(resource, name_of(role), told)
        return [Rule.of(rule) for rule in role.get("rules") or ()]

    def _rules_bound(self, user: User, resource: Resource, namespace: str, binding: Object) -> list[Rule]:
        role = binding["roleRef"]
        kind, name = role.get("kind", ""), role.get("name", "")
        bind = Attributes(verb="bind", group=GROUP, resource=f"{kind.lower()}s", namespace=namespace, name=name)
        if self.decide(user, bind).allowed:
            return []
        rules = self.roles.rules(kind, namespace if resource is ROLE_BINDINGS else "", name)
        if rules is None:
            raise NotFound.of(resource, name)
        return [Rule.of(rule) for rule in rules]

    def _bearer(self, told: str) -> User:
        token = _token(told)
        if not token:
            return ANONYMOUS
        try:
            return self._tokens.bearer(token).user
        except BadToken as error:
            raise Unauthorized from error

    def _impersonated(self, request: Request, user: User) -> User:
        name = request.headers.get("impersonate-user", "")
        uid = request.headers.get("impersonate-uid", "")
        groups = request.values("impersonate-group")
        extra = {key.removeprefix(_EXTRA): request.values(key) for key in request.headers if key.startswith(_EXTRA)}
        if not name:
            if groups or uid or extra:
                raise ApiError("who impersonates a group, a uid or extra fields has to impersonate a user", reason="")
            return user
        other = User(name=name)
        if other.account is not None:
            other = User.service_account(*other.account)
        other = User(name=name, uid=uid, groups=groups or other.groups, extra=extra)
        for wanted in _impersonations(other, groups):
            self._demand(user, wanted)
        return ANONYMOUS if name == ANONYMOUS.name else other.let_in()

    def _demand(self, user: User, wanted: Attributes) -> None:
        decision = self.decide(user, wanted)
        if not decision.allowed:
            raise Forbidden.access(user.name, wanted, decision.reason)


def _token(told: str) -> str:
    """The token in an Authorization header; "" if there is none."""
    scheme, _, rest = told.strip().partition(" ")
    return rest.partition(" ")[0] if scheme.lower() == "bearer" else ""


def _impersonations(other: User, groups: tuple[str, ...]) -> Iterator[Attributes]:
    """What somebody needs who wants to be another one."""
    if other.account is None:
        yield Attributes(verb="impersonate", resource="users", name=other.name)
    else:
        namespace, name = other.account
        yield Attributes(verb="impersonate", resource="serviceaccounts", namespace=namespace, name=name)
    for group in groups:
        yield Attributes(verb="impersonate", resource="groups", name=group)
    own = {"verb": "impersonate", "group": "authentication.k8s.io", "version": "v1"}
    for key, values in other.extra.items():
        for value in values:
            yield Attributes(**own, resource="userextras", subresource=key, name=value)
    if other.uid:
        yield Attributes(**own, resource="uids", name=other.uid)

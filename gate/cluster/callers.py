"""Who calls the gate with a token of this cluster, and what that one may do here: asked of the API server."""

from dataclasses import dataclass

from gate.cluster.api import Api
from gate.cluster.gates import API_VERSION
from gate.errors import Denied, Unproven

AUDIENCE = "chaos-gate"
"""Whom such tokens are for. One for the API server itself is not taken: it could do more than it is shown for."""
AUTHENTICATION, AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
GROUP = API_VERSION.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user, as the API server knows him."""

    name: str
    groups: tuple[str, ...] = ()


class Callers:
    """Asks with the gate's own rights, which have to let it review tokens and access: `system:auth-delegator`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def who(self, token: str) -> Caller:
        """Raises `Unproven` for a token that proves nothing, and what the API server raises."""
        if not token:
            raise Unproven(f"say who you are by a token of Kubernetes for {AUDIENCE}: kubectl create token --audience")
        said = self._api.review(AUTHENTICATION, "TokenReview", {"token": token, "audiences": [AUDIENCE]})
        # A server that knows nothing of audiences takes any token, and names none.
        if not said.get("authenticated") or AUDIENCE not in (said.get("audiences") or ()):
            raise Unproven(
                f"the token is none of this cluster for {AUDIENCE}: {said.get('error') or 'it is not said why'}"
            )
        user = said.get("user") or {}
        return Caller(name=str(user.get("username", "")), groups=tuple(user.get("groups") or ()))

    def insist(
        self,
        caller: Caller,
        verb: str,
        namespace: str,
        name: str = "",
        *,
        resource: str = "chaosruns",
        subresource: str = "",
    ) -> None:
        """Raises `Denied` unless the caller may do that to the ChaosRun of that name, or to all of another resource. No
        namespace: to those of all namespaces.
        """
        about = {"verb": verb, "group": GROUP, "resource": resource, "namespace": namespace, "name": name}
        about |= {"subresource": subresource} if subresource else {}
        asked = {"user": caller.name, "groups": list(caller.groups), "resourceAttributes": about}
        if not self._api.review(AUTHORIZATION, "SubjectAccessReview", asked).get("allowed"):
            what = f"{resource}/{subresource}" if subresource else resource
            raise Denied(f"{caller.name} may not {verb} {what} in {namespace or 'all namespaces'}")

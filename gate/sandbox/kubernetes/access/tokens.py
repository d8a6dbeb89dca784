"""Bearer tokens: they are issued to users and to service accounts, and tell later whose they are."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, namespace_of, uid_of
from gate.sandbox.kubernetes.registry.resources import PODS, SECRETS, SERVICE_ACCOUNTS
from gate.sandbox.kubernetes.rights.users import User
from gate.sandbox.kubernetes.store.store import Store

ISSUER = "https://kubernetes.default.svc.cluster.local"
"""Who issues the tokens of service accounts, and whom they are for unless somebody asks for others."""

BOUND = {"Pod": PODS, "Secret": SECRETS}
"""The kinds with which a token can end."""


class BadToken(Exception):
    """Nobody's token, or no longer; the text says why, as TokenReview does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Whom a token belongs to, and which of the asked audiences it is for."""

    user: User
    audiences: tuple[str, ...]


class Tokens:
    """All tokens of one server; they are worth nothing to any other."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._users: dict[str, User] = {}

    def for_user(self, user: User, token: str | None = None) -> str:
        """A token (a new one, if none is given) that is valid for as long as the server runs."""
        token = token or secrets.token_urlsafe(24)
        self._users[token] = user.let_in()
        return token

    def for_account(
        self, account: Object, *, audiences: Sequence[str], lifetime: timedelta, bound: Object | None = None
    ) -> tuple[str, datetime]:
        """A service account's token as a JWT, and when it expires. It ends with the account, and with `bound`."""
        begins = self._clock()
        expires = begins + lifetime
        own: Object = {"namespace": namespace_of(account), "serviceaccount": _reference(account)}
        if bound is not None:
            own[bound["kind"].lower()] = _reference(bound)
        claims = {
            "aud": list(audiences),
            "exp": int(expires.timestamp()),
            "iat": int(begins.timestamp()),
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": own,
            "nbf": int(begins.timestamp()),
            "sub": User.service_account(namespace_of(account), name_of(account)).name,
        }
        signed = f"{_encode({'alg': 'HS256', 'kid': 'sandbox'})}.{_encode(claims)}"
        return f"{signed}.{self._signature(signed)}", expires

    def bearer(self, token: str, audiences: Sequence[str] = ()) -> Bearer:
        """Whose token it is. BadToken if it is nobody's, or is for none of the audiences (none: this server's)."""
        wanted = tuple(audiences) or (ISSUER,)
        user = self._users.get(token)
        if user is not None:
            if ISSUER not in wanted:
                raise BadToken("")
            return Bearer(user=user, audiences=(ISSUER,))
        claims = self._claims(token)
        given = tuple(audience for audience in claims["aud"] if audience in wanted)
        if not given:
            listed, asked = (" ".join(json.dumps(each) for each in some) for some in (claims["aud"], wanted))
            raise BadToken(
                f"[invalid bearer token, token audiences [{listed}] is invalid for the target audiences [{asked}]]"
            )
        return Bearer(user=self._account(claims).let_in(), audiences=given)

    def _claims(self, token: str) -> Object:
        signed, _, signature = token.rpartition(".")
        try:
            claims: Object = json.loads(_decode(signed.partition(".")[2]))
            issuer = claims["iss"]
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise BadToken("invalid bearer token") from error
        if issuer != ISSUER:
            raise BadToken("invalid bearer token")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            raise BadToken("[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]")
        if self._clock().timestamp() > claims["exp"]:
            raise BadToken("[invalid bearer token, service account token has expired]")
        return claims

    def _account(self, claims: Object) -> User:
        own = claims["kubernetes.io"]
        namespace, claimed = own["namespace"], own["serviceaccount"]
        try:
            account = self._store.entry(SERVICE_ACCOUNTS, namespace, claimed["name"]).shared
        except NotFound as error:
            raise BadToken(f"[invalid bearer token, {error}]") from error
        if uid_of(account) != claimed["uid"]:
            raise BadToken(
                f"[invalid bearer token, service account UID ({uid_of(account)}) does not match "
                f"claim ({claimed['uid']})]"
            )
        return User.service_account(
            namespace,
            claimed["name"],
            uid=claimed["uid"],
            credential_id=f"JTI={claims['jti']}",
            **self._bound(own),
        )

    def _bound(self, own: Object) -> dict[str, str]:
        """What a user shows of the object that his token ends with. BadToken if that is gone."""
        for kind, resource in BOUND.items():
            claimed = own.get(kind.lower())
            if claimed is None:
                continue
            try:
                there = self._store.entry(resource, own["namespace"], claimed["name"]).shared
            except NotFound:
                there = {}
            if uid_of(there) != claimed["uid"]:
                raise BadToken("[invalid bearer token, service account token has been invalidated]")
            if kind == "Pod":
                shown = {"pod_name": claimed["name"], "pod_uid": claimed["uid"]}
                node = lookup(there, "spec.nodeName")
                return {"node_name": node, **shown} if node else shown
        return {}

    def _signature(self, signed: str) -> str:
        return _text(hmac.digest(self._key, signed.encode(), hashlib.sha256))


def _reference(obj: Object) -> Object:
    return {"name": name_of(obj), "uid": uid_of(obj)}


def _encode(part: Object) -> str:
    return _text(json.dumps(part, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

"""Who asks: a name and the groups that rights are given to. How it is proved, is `access.tokens`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from gate.sandbox.kubernetes.language.objects import Object

MASTERS = "system:masters"
"""Who is in this group may do everything, whatever roles say."""
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"

_ACCOUNTS = "system:serviceaccount"
_ACCOUNT_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """authentication.k8s.io UserInfo."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def service_account(cls, namespace: str, name: str, *, uid: str = "", **extra: str) -> Self:
        """A service account, not yet as somebody who was let in."""
        groups = (f"{_ACCOUNTS}s", f"{_ACCOUNTS}s:{namespace}")
        told = {f"authentication.kubernetes.io/{key.replace('_', '-')}": (value,) for key, value in extra.items()}
        return cls(name=f"{_ACCOUNTS}:{namespace}:{name}", uid=uid, groups=groups, extra=told)

    @property
    def account(self) -> tuple[str, str] | None:
        """Namespace and name, if this is a service account."""
        parts = self.name.split(":")
        if len(parts) != _ACCOUNT_PARTS or ":".join(parts[:2]) != _ACCOUNTS:
            return None
        return parts[2], parts[3]

    def let_in(self) -> Self:
        """The same user as one who has proved who he is."""
        if AUTHENTICATED in self.groups or UNAUTHENTICATED in self.groups:
            return self
        return replace(self, groups=(*self.groups, AUTHENTICATED))

    def as_object(self) -> Object:
        """As reviews show it."""
        told: Object = {
            "username": self.name,
            "uid": self.uid,
            "groups": list(self.groups),
            "extra": {key: list(values) for key, values in self.extra.items()},
        }
        return {key: value for key, value in told.items() if value}


ADMINISTRATOR = User(name="system:admin", groups=(MASTERS, AUTHENTICATED))
ANONYMOUS = User(name="system:anonymous", groups=(UNAUTHENTICATED,))

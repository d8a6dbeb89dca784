"""Who may read what the gate says of everybody: whoever may read the same in Kubernetes."""

from collections.abc import Sequence

from gate.cluster.api import Api
from gate.cluster.callers import Callers
from gate.config import ReadBy, Settings
from gate.web.views import Readable, Readers


class KnownReaders:
    """Asks the API server, for each request anew: a right that is taken away is gone at once."""

    def __init__(self, api: Api, namespaces: Sequence[str]) -> None:
        """`namespaces`: those that this gate is for; none: all."""
        self._callers, self._namespaces = Callers(api), namespaces

    def insist(self, token: str, what: Readable, namespace: str) -> None:
        """Raises `Unproven` for a token of nobody, `Denied` unless whoever has it may list these, there or wherever
        this gate looks.
        """
        caller = self._callers.who(token)
        for each in (namespace,) if namespace else self._namespaces or ("",):
            self._callers.insist(caller, "list", each, resource=what)


def readers_of(settings: Settings, api: Api) -> Readers | None:
    """None where everybody may read."""
    return None if settings.readers is ReadBy.EVERYBODY else KnownReaders(api, settings.namespaces)

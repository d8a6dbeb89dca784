"""The same script on both grounds, and what they answered differently."""

import difflib
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.differential.player import MERGE, Ask, Reply, play
from tests.differential.renaming import LONGEST, Renaming, as_text
from tests.differential.words import DEFINITIONS, NAMESPACES
from tests.grounds import Ground


@dataclass(frozen=True, slots=True)
class Pair:
    """The two grounds that have to agree."""

    sandbox: Ground
    real: Ground

    def agree_on(self, *script: Ask) -> None:
        """Play the script on both, in a fresh namespace; AssertionError with the requests they disagree on."""
        namespace = f"differ-{uuid.uuid4().hex[:12]}"
        with ThreadPoolExecutor(2) as together:
            plays = [together.submit(_play, script, ground, namespace) for ground in (self.sandbox, self.real)]
            ours, theirs = (each.result() for each in plays)
        disagreements = list(differences(script, ours, theirs))
        assert not disagreements, "\n".join(disagreements)


def differences(script: tuple[Ask, ...], ours: list[Reply], theirs: list[Reply]) -> Iterator[str]:
    """One text for each request that was answered differently: the request, and a diff from the real to ours."""
    shown = [ask.shown for ask in script]
    rows = zip(script, Renaming().replies(ours, shown), Renaming().replies(theirs, shown), strict=True)
    for number, (ask, our, their) in enumerate(rows):
        if our != their:
            lines = difflib.unified_diff(as_text(their), as_text(our), "real", "sandbox", lineterm="", n=2)
            yield "\n".join((f"request {number}: {ask}"[:LONGEST], *lines))


def _play(script: tuple[Ask, ...], ground: Ground, namespace: str) -> list[Reply]:
    place = NAMESPACES.path(namespace)
    made = ground.ask("POST", NAMESPACES.path(), {"metadata": {"name": namespace}})
    assert made.status_code == 201, made.text
    try:
        return play(script, ground, namespace)
    finally:
        ground.ask("DELETE", place)
        for name in {ask.path.split("/")[5] for ask in script if ask.path.startswith(f"{DEFINITIONS.path()}/")}:
            defined = DEFINITIONS.path(name.replace("${ns}", namespace))
            ground.ask("PATCH", defined, {"metadata": {"finalizers": None}}, media=MERGE)
            ground.ask("DELETE", defined)

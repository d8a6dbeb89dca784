"""What git is told by its environment: how a catalogue is reached, and nothing that this machine's settings would add.

No secret is in it: a token stays in its file, from which git's own helper takes it when a server asks.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from gate.catalogue.sources import Source

ORIGIN = "origin"
"""What the repository at the address is called."""

_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_HTTP_LOW_SPEED_LIMIT": "1",
    "GIT_HTTP_LOW_SPEED_TIME": "20",
    "LC_ALL": "C",
}
"""Never ask anybody anything, never wait for ever, and do nothing that this machine's own settings would add."""
_ALWAYS = {"core.hooksPath": os.devnull, "core.bigFileThreshold": "1m", "fetch.recurseSubmodules": "false"}
_SSH = {
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": os.devnull,
    "UpdateHostKeys": "no",
    "IdentitiesOnly": "yes",
    "PermitLocalCommand": "no",
    "ClearAllForwardings": "yes",
}
_READ_FROM = "GATE_TOKEN_FILE"
_PASSWORD = f"""printf 'password=%s\\n' "$(cat "${_READ_FROM}")" """.strip()


def to_read(said: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """For what only reads the mirror: nobody is ever asked for an object that is not there."""
    return {**_QUIET, **_configuration({**_ALWAYS, **said})}


def to_fetch(source: Source, most: int) -> dict[str, str]:
    """For what brings the mirror up to date, but for files of more than `most` bytes, where the server can do that."""
    said = {
        **_ALWAYS,
        f"remote.{ORIGIN}.url": source.address,
        f"remote.{ORIGIN}.promisor": "true",
        f"remote.{ORIGIN}.partialCloneFilter": without(most),
        "fetch.unpackLimit": "1",  # all arrives in one file, whose size can be watched
        "http.sslVerify": "true",
    }
    environment = {"GIT_ASKPASS": os.environ.get("GIT_ASKPASS", "true"), "GIT_SSH_COMMAND": _ssh(source)}
    if source.ca_file:  # not as a setting, which a variable of the machine would overrule
        environment["GIT_SSL_CAINFO"] = str(source.ca_file)
    if source.token_file:
        said |= _helper(source.address)
        environment[_READ_FROM] = str(source.token_file)
    return {**_QUIET, **environment, **_configuration(said)}


def without(most: int) -> str:
    """What git calls leaving out files of more bytes."""
    return f"blob:limit={most + 1}"


def _helper(address: str) -> dict[str, str]:
    """Has git read the token each time, for this server alone: nobody to whom it redirects gets to see it."""
    parts = urlsplit(address)
    server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    user = "" if parts.username else "echo username=oauth2; "
    return {f"credential.{server}.helper": f'!f() {{ test "$1" = get || exit 0; {user}{_PASSWORD}; }}; f'}


def _ssh(source: Source) -> str:
    options = dict(_SSH)
    if source.known_hosts_file:
        options["UserKnownHostsFile"] = _quoted(source.known_hosts_file)
    words = ["ssh", "-F", os.devnull]
    words += ["-i", str(source.ssh_key_file)] if source.ssh_key_file else []
    return shlex.join([*words, *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))])


def _quoted(path: object) -> str:
    """ssh takes several files with spaces between them, and `%` for something else."""
    return '"{}"'.format(str(path).replace("%", "%%"))


def _configuration(said: Mapping[str, str]) -> dict[str, str]:
    return dict(_numbered(said), GIT_CONFIG_COUNT=str(len(said)))


def _numbered(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for number, (name, value) in enumerate(said.items()):
        yield f"GIT_CONFIG_KEY_{number}", name
        yield f"GIT_CONFIG_VALUE_{number}", value

"""The proxy as a process: its configuration file, its event loop, its signals."""

import asyncio
import logging
import secrets
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from gate.errors import GateError, Permanent
from gate.proxy.control.server import Control
from gate.proxy.forms import mapping, nearest
from gate.proxy.snapshot import Snapshot
from gate.proxy.spec import Address, Spec, address, spec
from gate.proxy.switchboard import Switchboard

LOG = logging.getLogger("gate.proxy")

CONTROL = Address(host="127.0.0.1", port=8474)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the file says."""

    seed: str | None = None
    control: Address = CONTROL
    proxies: tuple[Spec, ...] = ()

    def onto(self, now: Snapshot, at: float) -> Snapshot:
        """The snapshot with what the file says and nothing else; what is the same stays as it is."""
        for name in now.proxies.keys() - {one.name for one in self.proxies}:
            now = now.remove(name)
        for one in self.proxies:
            now = now.put(one, at)
        return now if self.seed is None else now.reseeded(self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What was said beside the file, and stays when that is read again."""

    seed: str | None = None
    proxies: tuple[Spec, ...] = ()

    def over(self, said: Config, where: str) -> Config:
        """Both together. Raises Permanent where two proxies have one name."""
        seed = said.seed if self.seed is None else self.seed
        proxies = (*said.proxies, *self.proxies)
        _insist_on_names(proxies, where)
        return replace(said, seed=seed, proxies=proxies)


def proxy_in_words(text: str, where: str) -> Spec:
    """`NAME LISTEN UPSTREAM`, and a protocol if it is not tcp. Raises Permanent."""
    words = text.split()
    if len(words) not in {3, 4}:
        example = "inventory 127.0.0.1:8666 inventory.shop:80 http"
        raise Permanent(f'{where}: "{text}" is not name, address and upstream; write it like "{example}"')
    return spec(dict(zip(("name", "listen", "upstream", "protocol"), words, strict=False)), where)


def config(path: Path) -> Config:
    """Raises Permanent, in one line, for a file that is not there or does not say proxies."""
    try:
        given = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Permanent(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Permanent(f"{path}: cannot be read: it is not UTF-8") from error
    except yaml.YAMLError as error:
        raise Permanent(f"{path}: is not YAML: {' '.join(str(error).split())}") from error
    values = mapping({} if given is None else given, str(path))
    for name in values:
        if name not in {"seed", "control", "proxies"}:
            raise Permanent(f"{path}: {name}: {nearest(name, ['seed', 'control', 'proxies'])}")
    listed = values.get("proxies", [])
    if not isinstance(listed, list):
        raise Permanent(f"{path}: proxies: {listed!r} is not a list")
    proxies = tuple(spec(each, f"{path}: proxies[{number}]") for number, each in enumerate(listed))
    _insist_on_names(proxies, f"{path}: proxies")
    return Config(
        seed=None if values.get("seed") is None else str(values["seed"]),
        control=address(values["control"], f"{path}: control") if "control" in values else CONTROL,
        proxies=proxies,
    )


def _insist_on_names(proxies: Sequence[Spec], where: str) -> None:
    names = [one.name for one in proxies]
    for name in names:
        if names.count(name) > 1:
            raise Permanent(f'{where}: two are called "{name}"; give each a name of its own')


async def run(
    path: Path | None,
    said: Config,
    token: str | None,
    ready: Callable[[Switchboard, Control], None],
    beside: Beside,
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reads the file again. Raises Permanent where an address cannot be had."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_trouble)
    first = said.seed if said.seed is not None else secrets.token_hex(8)
    board = Switchboard(said.onto(Snapshot(seed=first), loop.time()))
    try:
        control = Control(board, said.control, token)
        await control.start()
        try:
            ended = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, ended.set)
            loop.add_signal_handler(signal.SIGHUP, lambda: reload(board, path, beside))
            ready(board, control)
            await ended.wait()
        finally:
            await control.close()
    finally:
        await board.close()


def reload(board: Switchboard, path: Path | None, beside: Beside) -> None:
    """Put in force what the file says now; a file with a mistake changes nothing. What was said beside it stays."""
    if path is None:
        LOG.warning("reload=nothing why=the proxy was started without a file")
        return
    try:
        board.change(beside.over(config(path), str(path)).onto)
    except (GateError, ValueError) as error:
        LOG.error("reload=refused why=%s", error)  # noqa: TRY400  # the line is for a person who wrote the file
    else:
        LOG.info("reload=done generation=%d", board.snapshot.generation)


def _trouble(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What the event loop could not hand to anybody, such as no more file descriptors: one line."""
    LOG.error("loop=trouble what=%s why=%s", context.get("message"), context.get("exception"))

"""The switchboard: holds the snapshot in force, and makes listeners and links follow each new one. It takes no lock: a
change is made by the event loop between two of its turns, so no link can hold it up and none sees half of it.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from gate.errors import Permanent
from gate.proxy.counters import DecisionLog, Ending
from gate.proxy.http import HttpLink
from gate.proxy.live import Link, LiveProxy
from gate.proxy.snapshot import Snapshot
from gate.proxy.sockets import BACKLOG, Side, listening
from gate.proxy.spec import Protocol, Spec
from gate.proxy.tcp import TcpLink

BATCH = 256
"""Links that decide again in one turn of the loop; then others have theirs, the control API among them."""

RETRY = 1.0
"""Seconds until a proxy that should listen again, and could not, is tried once more."""

LOG = logging.getLogger("gate.proxy")

LINKS: dict[Protocol, Callable[[LiveProxy], Side]] = {
    Protocol.TCP: lambda proxy: TcpLink(proxy).client,
    Protocol.HTTP: lambda proxy: HttpLink(proxy).client,
}
"""Protocol -> what takes a new connection."""


class Switchboard:
    """All proxies of one process."""

    def __init__(self, snapshot: Snapshot, *, shared: bool = False) -> None:
        self.snapshot = replace(snapshot, proxies={})
        self.live: dict[str, LiveProxy] = {}
        self.log = DecisionLog()
        self.waiting: dict[str, Spec] = {}
        """Proxies that stay as they are because the address where they should listen again is taken: as they should be.
        Tried again until it is free, or the proxy is changed."""
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._follow(*self._take_addresses(snapshot))

    def change(self, edit: Callable[[Snapshot, float], Snapshot]) -> Snapshot:
        """Put an edited snapshot in force, and return it. Raises what the edit raises, and Permanent where an address
        cannot be listened on; then nothing has changed.
        """
        self._follow(*self._take_addresses(edit(self.snapshot, self.now())))
        return self.snapshot

    def heal(self, edit: Callable[[Snapshot, float], Snapshot]) -> Snapshot:
        """Put an edited snapshot in force as far as that can be done, and return it. A proxy whose address cannot be
        listened on stays as it is for now, and holds up no other one; see `waiting`. The edit adds no proxy.
        """
        wanted = edit(self.snapshot, self.now())
        proxies, taken = dict(wanted.proxies), {}
        waited, self.waiting = self.waiting, {}
        for name in wanted.proxies:
            try:
                one, its = self._take_addresses(replace(wanted, proxies={name: wanted.proxies[name]}))
            except Permanent as error:
                if name not in waited:
                    LOG.warning("proxy=%s healed=not-yet retry=%gs why=%s", name, RETRY, error)
                self.waiting[name], proxies[name] = wanted.proxies[name], self.snapshot.proxies[name]
            else:
                proxies[name] = one.proxies[name]
                taken.update(its)
        if proxies == self.snapshot.proxies:  # Nothing but what waits.
            wanted = replace(wanted, generation=self.snapshot.generation)
        self._follow(replace(wanted, proxies=proxies), taken)
        return self.snapshot

    def now(self) -> float:
        """The moment, in seconds of the proxy's clock."""
        return self._loop.time()

    async def close(self) -> None:
        """Stop listening, and end all that is connected."""
        self.change(lambda now, _: replace(now, generation=now.generation + 1, proxies={}))
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ------------------------------------------------------------------------------------------------------------

    def _follow(self, wanted: Snapshot, taken: Mapping[str, socket.socket]) -> None:
        before, self.snapshot = self.snapshot, wanted
        for name in tuple(self.waiting):
            if wanted.proxies.get(name) != before.proxies.get(name):
                del self.waiting[name]
        for name in self.live.keys() - wanted.proxies.keys():
            self._shut(self.live.pop(name))
        for name, spec in wanted.proxies.items():
            self._install(spec, taken.get(name), was=before.proxies.get(name), reseeded=before.seed != wanted.seed)
        self._wake_at_next_change()

    def _take_addresses(self, wanted: Snapshot) -> tuple[Snapshot, dict[str, socket.socket]]:
        """Listen where it is to be listened and is not yet. Raises Permanent, and has then taken nothing."""
        taken: dict[str, socket.socket] = {}
        proxies = dict(wanted.proxies)
        try:
            for name, asked in wanted.proxies.items():
                proxies[name] = spec = self._same_port(asked)
                live = self.live.get(name)
                if not spec.refuses and (live is None or live.socket is None or live.spec.listen != spec.listen):
                    taken[name] = made = listening(spec.listen, shared=self._shared)
                    proxies[name] = replace(spec, listen=replace(spec.listen, port=made.getsockname()[1]))
        except BaseException:
            for each in taken.values():
                each.close()
            raise
        return replace(wanted, proxies=proxies), taken

    def _same_port(self, spec: Spec) -> Spec:
        """Any free port means, for a proxy that has one, the one it has."""
        live = self.live.get(spec.name)
        if spec.listen.port == 0 and live is not None and live.spec.listen.host == spec.listen.host:
            return replace(spec, listen=live.spec.listen)
        return spec

    def _install(self, spec: Spec, taken: socket.socket | None, *, was: Spec | None, reseeded: bool) -> None:
        live = self.live.get(spec.name)
        if live is None:
            live = self.live[spec.name] = LiveProxy(spec, self.snapshot.seed, self.snapshot.generation, self.log)
        elif was is spec and not reseeded:
            return
        moved = was is not None and (was.upstream != spec.upstream or was.protocol != spec.protocol)
        live.spec, live.seed, live.generation = spec, self.snapshot.seed, self.snapshot.generation
        if taken is not None or spec.refuses:
            self._stop_listening(live)
        if taken is not None:
            live.socket = taken
            self._spawn(self._listen(live, taken))
        if spec.refuses or moved:
            _drop_all(live)
        else:
            self._decide_again([*live.links])

    def _decide_again(self, links: list[Link]) -> None:
        for link in links[:BATCH]:
            link.adopt()
        if len(links) > BATCH:
            self._loop.call_soon(self._decide_again, links[BATCH:])

    async def _listen(self, live: LiveProxy, taken: socket.socket) -> None:
        """The kernel listens already; from now on what it has taken is served."""
        if live.socket is not taken:
            return
        protocol = LINKS[live.spec.protocol]
        # The server is known before it starts, which takes a turn: who stops it in that turn has to close it, because
        # the loop would go on to ask for a socket that was closed behind its back.
        server = await self._loop.create_server(
            lambda: protocol(live), sock=taken, backlog=BACKLOG, start_serving=False
        )
        live.server = server
        await server.start_serving()

    def _stop_listening(self, live: LiveProxy) -> None:
        if live.server is not None:
            live.server.close()
        elif live.socket is not None:
            live.socket.close()
        live.server = live.socket = None

    def _shut(self, live: LiveProxy) -> None:
        self._stop_listening(live)
        _drop_all(live)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -------------------------------------------------------------------------------------------- what time changes

    def _wake_at_next_change(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        now = self._loop.time()
        others = {name: spec for name, spec in self.snapshot.proxies.items() if name not in self.waiting}
        at = replace(self.snapshot, proxies=others).next_change(now)
        if self.waiting:
            at = now + RETRY if at is None else min(at, now + RETRY)
        self._timer = None if at is None else self._loop.call_at(at, self._time_has_come)

    def _time_has_come(self) -> None:
        before = self.snapshot.generation
        try:
            self.heal(self._healed)
            if self.snapshot.generation != before:
                LOG.info("proxy=healed generation=%d why=the time of a fault is over", self.snapshot.generation)
            else:
                for live in self.live.values():
                    self._decide_again([*live.links])
        finally:
            self._wake_at_next_change()

    def _healed(self, now: Snapshot, at: float) -> Snapshot:
        """Without what is over, and with what waits for its address."""
        for spec in self.waiting.values():
            now = now.put(spec, at)
        return now.healed(at)


def _drop_all(live: LiveProxy) -> None:
    for link in tuple(live.links):
        link.drop(Ending.CHANGED)

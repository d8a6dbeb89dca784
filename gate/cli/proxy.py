"""`chaos-gate proxy`: the fault proxy, and what it would do."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from gate.proxy.control.server import Control
    from gate.proxy.switchboard import Switchboard


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  chaos-gate proxy --config proxies.yaml
  chaos-gate proxy --control 127.0.0.1:8474
  chaos-gate proxy --add "inventory 127.0.0.1:8666 inventory.shop:80 http"
  chaos-gate proxy explain --config proxies.yaml --proxy inventory --count 20
""",
)
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML file with the proxies; read again on SIGHUP. See docs/proxy.md.",
)
@click.option(
    "--control",
    metavar="HOST:PORT",
    envvar="CHAOS_GATE_PROXY_CONTROL",
    show_envvar=True,
    help="Where the control API listens, whatever the file says.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the token that the control API asks for; needed unless it is on loopback.",
)
@click.option("--seed", help="What all decisions follow from, whatever the file says; made up if nobody says one.")
@click.option(
    "--add",
    "added",
    multiple=True,
    metavar="'NAME LISTEN UPSTREAM [PROTOCOL]'",
    help="A proxy beside those of the file; may be given more than once.",
)
@click.pass_context
def proxy(
    context: click.Context,
    file: Path | None,
    control: str | None,
    token_file: Path | None,
    seed: str | None,
    added: tuple[str, ...],
) -> None:
    """Run proxies that delay, break and cut what passes, as the control API says, until Ctrl-C or SIGTERM."""
    if context.invoked_subcommand is not None:
        return
    import asyncio
    from dataclasses import replace

    from gate.proxy.process import Beside, Config, config, proxy_in_words, run
    from gate.proxy.spec import address

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    beside = Beside(seed=seed, proxies=tuple(proxy_in_words(words, "--add") for words in added))
    said = beside.over(config(file) if file else Config(), str(file))
    said = replace(said, control=address(control, "--control") if control else said.control)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(run(file, said, _token(token_file), _ready, beside))


def _ready(board: "Switchboard", control: "Control") -> None:
    click.echo(f"control     http://{control.address}   seed {board.snapshot.seed}")
    for one in board.snapshot.proxies.values():
        click.echo(f"{one.name:11} {one.listen} -> {one.upstream} ({one.protocol})")


def _token(file: Path | None) -> str | None:
    from gate.errors import Permanent

    if file is None:
        return None
    try:
        token = file.read_text().strip()
    except OSError as error:
        raise Permanent(f"--token-file {file}: {error.strerror}") from error
    if not token:
        raise Permanent(f"--token-file {file}: is empty; write a token into it")
    return token


def _loop_factory() -> "Callable[[], AbstractEventLoop] | None":
    """uvloop where it is installed; it is about twice as fast."""
    try:
        import uvloop
    except ImportError:
        return None
    new: Callable[[], AbstractEventLoop] = uvloop.new_event_loop
    return new


@proxy.command(
    epilog="""\b
Examples:
  chaos-gate proxy explain --config proxies.yaml --proxy inventory --count 20
  chaos-gate proxy explain --config proxies.yaml --proxy inventory --id req-7 --id req-8 --output json
"""
)
@click.option("--config", "file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--proxy", "name", required=True, help="The proxy that is asked about.")
@click.option("--count", default=100, show_default=True, type=click.IntRange(1, 1_000_000), help="Requests 1 to this.")
@click.option(
    "--id", "ids", multiple=True, help="A request by its id, instead of numbers; may be given more than once."
)
@click.option("--method", default="GET", show_default=True)
@click.option("--path", default="/", show_default=True)
@click.option("--seed", help="Instead of the file's.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain(
    file: Path, name: str, count: int, ids: tuple[str, ...], method: str, path: str, seed: str | None, output: str
) -> None:
    """Say which of the requests 1 to n would be hit, and by what, right after the start; nothing is sent."""
    from gate.errors import Permanent
    from gate.proxy.explain import explain as explained
    from gate.proxy.explain import identities
    from gate.proxy.process import config
    from gate.proxy.snapshot import Snapshot
    from gate.proxy.spec import Request

    said = config(file)
    seed = seed if seed is not None else said.seed
    if seed is None:
        raise Permanent(f"{file}: says no seed, so nobody can tell; write seed: into it or give --seed")
    one = said.onto(Snapshot(seed=seed), 0.0).proxy(name)
    asked = Request(method=method.upper(), path=path, headers={})
    decisions = [*explained(one, seed, ids or identities(one, count), asked, age=0.0)]
    hit = {each.identity: [act.fault for act in each.acts] for each in decisions if each.acts}
    if output == "json":
        click.echo(json.dumps({"proxy": name, "seed": seed, "asked": len(decisions), "hit": hit}))
        return
    for identity, faults in hit.items():
        click.echo(f"{identity:11} {', '.join(faults)}")
    click.echo(f"{len(hit)} of {len(decisions)} would be hit")


@proxy.command(
    epilog="""\b
Examples:
  chaos-gate proxy ask GET /v1/proxies
  chaos-gate proxy ask PUT /v1/proxies/inventory/faults/slow '{"percent": "30%", "delay": {"time": "400ms"}}'
  chaos-gate proxy ask POST /v1/heal
"""
)
@click.option(
    "--control",
    metavar="HOST:PORT",
    envvar="CHAOS_GATE_PROXY_CONTROL",
    show_envvar=True,
    default="127.0.0.1:8474",
    show_default=True,
    help="Where the control API listens.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the token that the control API asks for.",
)
@click.option(
    "--within",
    default="0s",
    show_default=True,
    metavar="DURATION",
    help="How long to wait for a proxy that does not listen yet.",
)
@click.argument("method", type=click.Choice(["GET", "PUT", "POST", "PATCH", "DELETE"], case_sensitive=False))
@click.argument("path")
@click.argument("body", required=False)
def ask(control: str, token_file: Path | None, within: str, method: str, path: str, body: str | None) -> None:
    """Ask the control API of a proxy that runs, and print its answer. docs/proxy.md lists what can be asked."""
    from gate.proxy.control.client import ask as asked
    from gate.proxy.spec import address
    from gate.quantities import duration

    try:
        patience = duration(within).total_seconds()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--within") from error
    said = asked(address(control, "--control"), method, path, body, token=_token(token_file), within=patience)
    if said:
        click.echo(said)

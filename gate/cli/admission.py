"""`chaos-gate admission`: the webhook by which a production cluster takes only versions that have passed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from gate.cli.duration import Duration
from gate.cli.ending import told_to_end
from gate.errors import GateError

_FILE = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Example:
  chaos-gate admission --verdicts /etc/chaos-gate/verdicts --key /etc/chaos-gate/key/key.pub.pem \\
    --certificate /etc/chaos-gate/tls/tls.crt --private-key /etc/chaos-gate/tls/tls.key
"""
)
@click.option("--verdicts", type=_FILE, required=True, help="Folder of the signed verdicts; read at each question.")
@click.option("--key", type=_FILE, required=True, help="Public key of the gate, in PEM; read at each question.")
@click.option("--certificate", type=_FILE, required=True, help="Certificate chain in PEM; read again when it changes.")
@click.option("--private-key", type=_FILE, required=True, help="Its key.")
@click.option("--listen", default="127.0.0.1:8443", show_default=True, help="In a pod 0.0.0.0:8443.")
@click.option("--max-age", type=Duration(), help="How old a pass may be, such as 2160h.  [default: as old as it is]")
def admission(
    verdicts: Path, key: Path, certificate: Path, private_key: Path, listen: str, max_age: timedelta | None
) -> None:
    """Answer the production cluster whether a workload's images may run: if a signed verdict says that this version has
    passed, or that a person lets it through. Who cannot know says no.
    """
    import logging

    from gate.wire.admitting import admission as webhook

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise GateError(f"--listen is {listen!r}, not an address such as 0.0.0.0:8443")
    ended = told_to_end()
    where = host, int(port)
    with webhook(verdicts, key, certificate, private_key, where, lambda: datetime.now(UTC), max_age) as server:
        click.echo(f"asked at {server.address}/admit")
        ended.wait()

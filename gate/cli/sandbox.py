"""`chaos-gate sandbox`: the demo's Kubernetes, GitLab and gate, to play with by hand."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gate.sandbox.kubernetes.faults.plan import Plan


@click.command(
    epilog="""\b
Example:
  chaos-gate sandbox
  chaos-gate sandbox --faults faults.yaml
  chaos-gate sandbox --only gitlab --port 8929 --root-token not-a-secret
  kubectl --kubeconfig chaos-gate-sandbox/kubeconfig -n shop set image deployment/checkout checkout=checkout:1.2
  kubectl --kubeconfig chaos-gate-sandbox/kubeconfig -n shop get crun --watch
"""
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("chaos-gate-sandbox"),
    show_default=True,
    help="Folder for the kubeconfig and the gate's log.",
)
@click.option(
    "--faults",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file that says how Kubernetes misbehaves, from the gate's start on; see docs/sandbox.md.",
)
@click.option("--only", type=click.Choice(["gitlab"]), help="Run this alone: an empty GitLab, to be filled by its API.")
@click.option("--port", type=click.IntRange(0, 65535), help="With --only: where it listens; 0 for any that is free.")
@click.option("--root-token", help="With --only: the administrator's token. One is made up if it is not said.")
def sandbox(folder: Path, faults: Path | None, only: str | None, port: int | None, root_token: str | None) -> None:
    """Run an embedded Kubernetes with the sample shop, an embedded GitLab and the gate until Ctrl-C or SIGTERM."""
    if only is None and (port is not None or root_token is not None):
        raise click.UsageError("--port and --root-token are for --only gitlab; the whole sandbox chooses its own")
    if only is None:
        _everything(folder, faults)
    elif faults is not None:
        raise click.UsageError("--faults is about Kubernetes, which --only gitlab does not run")
    else:
        _gitlab(port or 0, root_token)


def _gitlab(port: int, root_token: str | None) -> None:
    import secrets

    from gate.cli.ending import told_to_end
    from gate.errors import Permanent
    from gate.sandbox.gitlab import GitLab

    token = root_token or secrets.token_hex(10)
    stop = told_to_end()
    gitlab = GitLab(port=port, root_token=token)
    try:
        gitlab.start()
    except OSError as error:
        gitlab.close()
        raise Permanent(f"GitLab cannot listen on port {port}: {error.strerror}; choose another --port") from error
    try:
        click.echo(f"GitLab      {gitlab.url}   root token {token}")
        click.echo("\nIt is empty. Ctrl-C ends it and forgets everything.")
        stop.wait()
    finally:
        gitlab.close()


def _everything(folder: Path, faults: Path | None) -> None:
    from gate.cli.ending import told_to_end
    from gate.sandbox.demo.stage import PROJECT, Stage

    plan = _plan(faults) if faults else None

    stop = told_to_end()
    with Stage(folder, faults=plan) as stage:
        kubeconfig = stage.kubeconfig
        for what, value in (
            ("Kubernetes", stage.kubernetes.url),
            ("kubeconfig", kubeconfig),
            ("GitLab", f"{stage.gitlab.url}   root token {stage.root_token}, project {PROJECT}"),
            ("gate", f"{stage.gate_url}   log {stage.folder / 'gate.log'}"),
        ):
            click.echo(f"{what:11} {value}")
        click.echo("\nUpgrade the shop, and watch the gate judge it:")
        click.echo(f"  kubectl --kubeconfig {kubeconfig} -n shop set image deployment/checkout checkout=checkout:1.2")
        click.echo(f"  kubectl --kubeconfig {kubeconfig} -n shop get crun --watch")
        click.echo("\nCtrl-C ends it and everything that it started.")
        stop.wait()
        click.echo("ending; taking back what runs …")
        for rule, times in plan.struck.items() if plan else ():
            click.echo(f"fault       {rule} struck {times} time{'' if times == 1 else 's'}")


def _plan(path: Path) -> "Plan":
    """Raises GateError with every mistake in the file."""
    from gate.sandbox.kubernetes.controllers.definitions import CustomResources, load
    from gate.sandbox.kubernetes.faults.file import load as load_faults
    from gate.sandbox.kubernetes.store.store import Store
    from gate.sandbox.shipped import crds

    store = Store()
    CustomResources(store).attach()
    for crd in crds():
        load(store, crd)
    return load_faults(path, store.registry)

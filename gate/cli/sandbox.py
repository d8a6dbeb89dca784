"""`chaos-gate sandbox`: the demo's Kubernetes, GitLab and gate, to play with by hand."""

import signal
import threading
from pathlib import Path

import click


@click.command(
    epilog="""\b
Example:
  chaos-gate sandbox
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
def sandbox(folder: Path) -> None:
    """Run an embedded Kubernetes with the sample shop, an embedded GitLab and the gate until Ctrl-C or SIGTERM."""
    from gate.sandbox.demo.stage import PROJECT, Stage

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Stage(folder) as stage:
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

"""`chaos-gate serve`: the gate itself, as it runs in a cluster."""

import gc
import logging
import os

import click


@click.command(
    epilog="""\b
Example:
  CHAOS_GATE_CATALOGUE=https://gitlab.example.org/platform/chaos-catalogue.git \\
  CHAOS_GATE_GITLAB_URL=https://gitlab.example.org \\
  CHAOS_GATE_GITLAB_TOKEN_FILE=/var/run/secrets/gitlab/token \\
  chaos-gate serve
"""
)
@click.option("--debug", is_flag=True, help="Log every comparison, not only those that change something.")
def serve(debug: bool) -> None:
    """Run the gate until SIGTERM or Ctrl-C. Settings come from CHAOS_GATE_… variables; Kubernetes from KUBECONFIG, or
    from the pod that this runs in.
    """
    from gate.cli.ending import told_to_end
    from gate.config import Settings
    from gate.wire.serving import serve as run

    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(threadName)s: %(name)s %(message)s",
    )
    for noisy in ("urllib3", "git"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    gc.freeze()  # what is imported stays: no collection has to look through it again
    run(Settings.read(os.environ), told_to_end())

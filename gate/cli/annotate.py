"""`chaos-gate annotate`: prints what a deploy job has to run so that the gate knows the commit. It changes nothing."""

from enum import StrEnum

import click

from gate.tracking.annotations import COMMIT, HINTS, JOB, PIPELINE, PROJECT


class Form(StrEnum):
    """By what a deploy job brings a workload to the cluster."""

    KUBECTL = "kubectl"
    HELM = "helm"
    KUSTOMIZE = "kustomize"


@click.command(
    epilog="""\b
Examples:
  chaos-gate annotate checkout.yaml
  chaos-gate annotate --form helm ./charts/checkout --values annotations
  chaos-gate annotate --form kustomize overlays/staging
"""
)
@click.argument("source", required=False)
@click.option(
    "--form",
    type=click.Choice([str(each) for each in Form]),
    default=str(Form.KUBECTL),
    show_default=True,
    help="What the deploy job uses.",
)
@click.option("--values", default="annotations", show_default=True, help="Helm: the value that holds the annotations.")
def annotate(source: str | None, form: str, values: str) -> None:
    """Print the lines with which a deploy job says project, commit and pipeline on the workload.

    They go on the workload's own metadata, in one write with the image, and not on its pod template, which would
    replace the pods for nothing. SOURCE is the manifest, the chart or the folder that is deployed.
    """
    for line in lines(Form(form), source, values=values):
        click.echo(line)


def lines(form: Form, source: str | None, *, values: str = "annotations") -> list[str]:
    """The command, line by line, in GitLab's variables."""
    said = {name: HINTS[name] for name in (PROJECT, COMMIT, PIPELINE, JOB)}
    if form is Form.HELM:
        # A dot in a key is part of it only behind a backslash; numbers have to stay text.
        pairs = [f'--set-string "{values}.{name.replace(".", _DOT)}={value}"' for name, value in said.items()]
        return [f"helm upgrade --install {_name(source)} {source or 'CHART'} \\", *_continued(pairs)]
    made = "-f -" if form is Form.KUSTOMIZE else f"-f {source or 'MANIFEST'}"
    before = f"kubectl kustomize {source or '.'} | " if form is Form.KUSTOMIZE else ""
    pairs = [f'{name}="{value}"' for name, value in said.items()]
    begin = f"{before}kubectl annotate --local --overwrite {made} -o yaml \\"
    return [begin, *_continued([*pairs[:-1], f"{pairs[-1]} | kubectl apply -f -"])]


_DOT = "\\\\."


def _name(source: str | None) -> str:
    return (source or "NAME").rstrip("/").rpartition("/")[2]


def _continued(parts: list[str]) -> list[str]:
    return [*(f"  {part} \\" for part in parts[:-1]), f"  {parts[-1]}"]

"""`chaos-gate report`: what can be said about a run from what it left behind, without gate and cluster."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gate.reports.verification import Verified

SAME, DIFFERENT = 0, 1


@click.group(
    epilog="""\b
Example:
  chaos-gate report fetch shop/checkout-survives-pod-loss --account reader
  chaos-gate report verify checkout-survives-pod-loss.1a2b3c4d.1.jsonl.gz
"""
)
def report() -> None:
    """Look at what runs left behind."""


@report.command(
    epilog="""\b
Examples:
  chaos-gate report verify run.jsonl.gz
  chaos-gate report verify --output json run.jsonl.gz
  chaos-gate report verify --key gate.pub.pem --digest sha256:0123… chaos-gate-verdict.json

\b
Exit codes:
  0  the verdict is the same; of a signed verdict: the gate has signed it, whatever it is
  1  it is another one, or the file is not as it was written
  2  the file cannot be read, or was never finished
"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--key", type=click.Path(path_type=Path), help="Of a signed verdict: the file with the gate's public key."
)
@click.option("--digest", "digests", multiple=True, help="Of a signed verdict: an image that it has to be about.")
@click.option(
    "--evidence", multiple=True, type=click.Path(path_type=Path), help="Of a signed verdict: a file it was made from."
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def verify(
    ctx: click.Context,
    file: Path,
    key: Path | None,
    digests: tuple[str, ...],
    evidence: tuple[Path, ...],
    output: str,
) -> None:
    """Judge the run once more from its evidence FILE alone, and say whether the verdict is the same. Of a signed
    verdict, say whether the gate has signed it, and what it says.

    The hash that is shown stands for the whole file. Compare it with the one in the run's timeline.
    """
    from gate.cli import signed

    if signed.is_signed(file):
        now, (verdicts, problems) = datetime.now(UTC), signed.verified(file, key, digests, evidence)
        text = signed.as_json if output == "json" else lambda *said: "\n".join(signed.in_words(*said))
        click.echo(text(verdicts, problems, now))
        ctx.exit(DIFFERENT if problems else SAME)
    from gate.reports.verification import verify as judge_again

    verified = judge_again(file)
    click.echo(json.dumps(_json(verified), indent=2) if output == "json" else _text(verified))
    ctx.exit(SAME if verified.same else DIFFERENT)


@report.command(
    epilog="""\b
Example:
  chaos-gate report fetch shop/deployment-checkout-5f3a9c1d2e-0 --url https://chaos-gate.example.org --account reader
"""
)
@click.argument("run", metavar="NAMESPACE/RUN")
@click.option("--url", envvar="CHAOS_GATE_URL", required=True, help="The gate; CHAOS_GATE_URL if left out.")
@click.option("--account", required=True, help="A service account of the run's namespace that may get the run.")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
def fetch(run: str, url: str, account: str, folder: Path) -> None:
    """Fetch the evidence of a RUN from the gate that keeps it, and check that it is the file that the run names.

    The gate is shown a token of the service account, which Kubernetes gives for the gate alone (TokenRequest).
    Kubernetes comes from KUBECONFIG.
    """
    from gate.cluster.api import Api
    from gate.wire.own_evidence import evidence_of

    namespace, slash, name = run.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise click.UsageError(f'"{run}" is not NAMESPACE/RUN, such as shop/deployment-checkout-5f3a9c1d2e-0')
    click.echo(evidence_of(Api.from_environment(), url, namespace, name, account, folder))


def _json(verified: "Verified") -> dict[str, Any]:
    return {
        "run": verified.run,
        "workflow": verified.spec.workflow.name,
        "version": verified.spec.version,
        "revision": verified.spec.revision,
        "seed": verified.spec.seed,
        "same": verified.same,
        "given": asdict(verified.given) if verified.given else None,
        "computed": asdict(verified.computed) if verified.computed else None,
        "samples": verified.samples,
        "carried": verified.carried,
        "sha256": verified.digest,
        "evidence": verified.evidence,
        "problems": list(verified.problems),
    }


def _text(verified: "Verified") -> str:
    workflow, lines = verified.spec.workflow.name, []
    lines.append(f"{verified.run}: {workflow} against version {verified.spec.version}, {verified.samples} samples")
    for what, concluded in (("given", verified.given), ("judged again", verified.computed)):
        if concluded:
            judgement = concluded.judgement
            reason = f" {judgement.reason}" if judgement.reason else ""
            message = f": {judgement.message}" if judgement.message else ""
            lines.append(f"{what}: {judgement.verdict}{reason}, score {concluded.score}{message}")
    if verified.carried:
        lines.append(f"the samples of {verified.carried} windows are in the file of the executor before")
    lines += [f"sha256 {verified.digest}"] if verified.digest else []
    lines += [f"evidence {verified.evidence}"] if verified.evidence else []
    lines += [f"not as it should be: {problem}" for problem in verified.problems]
    lines += ["the verdict is the same"] if verified.same else []
    return "\n".join(lines)

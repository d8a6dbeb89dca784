"""A verdict as something to carry away: an in-toto statement about the images of a version, in a signed envelope.

Who has the public key can tell by it, without gate and cluster, what was found out about which digests, with which
workflows, from which evidence; and until when people let the version through, if they do.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gate.codec import Codec
from gate.errors import Permanent
from gate.model import Commit, ContainerImage, Gate, GateOverride, JudgedVersion, Reason, Verdict, Version, Workload
from gate.reports import envelope
from gate.reports.envelope import NoEnvelope, Untrue
from gate.tracking.overrides import in_question

PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://chaosgate.dev/verdict/v1"
DIGEST = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRun:
    """One workflow that the version was judged with."""

    workflow: str
    run: str
    verdict: Verdict | None
    document: str
    """The SHA-256 of the workflow as it was resolved."""
    evidence: str
    """The SHA-256 of the evidence that the verdict was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedVerdict:
    """What is signed."""

    workload: Workload
    version: str
    images: tuple[ContainerImage, ...]
    verdict: Verdict | None = None
    """None: it is not judged yet, and people let it through."""
    reason: Reason | None = None
    message: str = ""
    at: datetime | None = None
    """When it was judged."""
    revision: str = ""
    """The catalogue's revision that the workflows are of."""
    runs: tuple[SignedRun, ...] = ()
    commit: Commit | None = None
    overrides: tuple[GateOverride, ...] = ()


VERDICT = Codec(SignedVerdict)


def verdict_of(gate: Gate, version: str) -> SignedVerdict | None:
    """What there is to be signed of a version: the newest judgement, or that people let it through without one. None
    where there is neither, or an image without a digest, about which nobody can say anything elsewhere.
    """
    status, overrides = gate.status, tuple(each for each in gate.overrides if each.version == version)
    judged = next((each for each in status.judged if each.version == version), None)
    if judged:
        signed = _judged(gate, judged)
    elif overrides and version == in_question(status):
        images, revision = status.images, status.revision
        signed = SignedVerdict(workload=gate.workload, version=version, images=images, revision=revision)
    else:
        return None
    of_version = Version(images=signed.images).key == version
    if not of_version or not all(image.digest.startswith(DIGEST) for image in signed.images):
        return None
    commits = [each.commit for each in status.announcements if each.version == version]
    return replace(signed, overrides=overrides, commit=commits[-1] if commits else None)


def sign(verdict: SignedVerdict, key: Ed25519PrivateKey) -> str:
    """The envelope, without a line break."""
    statement = {
        "_type": STATEMENT,
        "subject": [
            {"name": image.container, "digest": {"sha256": image.digest.removeprefix(DIGEST)}}
            for image in verdict.images
        ],
        "predicateType": PREDICATE,
        "predicate": VERDICT.write_new(verdict),
    }
    return envelope.sign(json.dumps(statement, sort_keys=True, separators=(",", ":")).encode(), PAYLOAD, key)


def read(signed: bytes, key: Ed25519PublicKey) -> SignedVerdict:
    """The verdict, if the key has signed it. Raises `envelope.NoEnvelope` or `envelope.Untrue`, which say why not."""
    payload = envelope.opened(signed, PAYLOAD, key)
    try:
        said = json.loads(payload)
        if (said["_type"], said["predicateType"]) != (STATEMENT, PREDICATE):
            raise Untrue(f"it is no verdict but a {said['predicateType']}")
        verdict = VERDICT.read(said["predicate"], "the verdict")
        subjects = {(each["name"], f"{DIGEST}{each['digest']['sha256']}") for each in said["subject"]}
    except (ValueError, KeyError, TypeError, Permanent) as error:
        raise Untrue(f"what was signed is no statement of this gate: {error}") from error
    named = {(image.container, image.digest) for image in verdict.images}
    if subjects != named or Version(images=verdict.images).key != verdict.version:
        raise Untrue("what was signed contradicts itself: its subjects are not the images of its version")
    return verdict


def claimed(signed: bytes) -> frozenset[ContainerImage]:
    """The images that it says it is about, whoever says so; empty if it says nothing that can be understood. It may be
    a reason to doubt, never one to believe.
    """
    try:
        subjects = json.loads(envelope.unverified(signed))["subject"]
        return frozenset(ContainerImage(each["name"], f"{DIGEST}{each['digest']['sha256']}") for each in subjects)
    except (NoEnvelope, ValueError, KeyError, TypeError, RecursionError):
        return frozenset()


def _judged(gate: Gate, judged: JudgedVersion) -> SignedVerdict:
    runs = tuple(
        SignedRun(
            workflow=each.workflow, run=each.name, verdict=each.verdict, document=each.document, evidence=each.evidence
        )
        for each in judged.runs
    )
    return SignedVerdict(
        workload=gate.workload,
        version=judged.version,
        images=judged.images,
        verdict=judged.judgement.verdict,
        reason=judged.judgement.reason,
        message=judged.judgement.message,
        at=judged.at,
        revision=judged.revision,
        runs=runs,
    )

"""Signed verdicts: what they say of which images, and that no byte of them can be another one without being noticed."""

import base64
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate.cli.report import report
from gate.codec import Codec
from gate.config import Secret
from gate.documents.canonical import digest_of
from gate.errors import GateError
from gate.model import (
    ContainerImage,
    Gate,
    GateOverride,
    GateStatus,
    JudgedVersion,
    Judgement,
    Phase,
    Reason,
    RunEntry,
    RunStatus,
    Verdict,
    Version,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.reports import envelope
from gate.reports.envelope import NoEnvelope, Untrue
from gate.reports.signed_verdict import PAYLOAD, SignedVerdict, read, sign, verdict_of
from gate.reports.verification import verify as verified
from gate.wire.signing import Signing
from tests.reports.files import played
from tests.running.simulation import SPEC, Stage

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
DIGEST = f"sha256:{'a' * 64}"
IMAGES = (ContainerImage("app", DIGEST), ContainerImage("helper", f"sha256:{'b' * 64}"))
VERSION = Version(images=IMAGES).key
FAILED = Judgement(verdict=Verdict.FAILED, reason=Reason.PROBE_FAILED, message="slow")
RUN = RunEntry(
    name="web-1", workflow="survives", subscriptions=(), verdict=Verdict.FAILED, document="d" * 64, evidence="e" * 64
)
OVERRIDE = GateOverride(version=VERSION, who="jane", reason="INC-4711", at=NOW, until=NOW + timedelta(hours=4))


def gate(*overrides: GateOverride, **changes: object) -> Gate:
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web")
    judged = JudgedVersion(
        version=VERSION, workflows="f", at=NOW, judgement=FAILED, runs=(RUN,), images=IMAGES, revision="r1"
    )
    status = GateStatus(
        phase=Phase.CLOSED,
        verdict=Verdict.FAILED,
        version=VERSION,
        images=IMAGES,
        runs=(RUN,),
        judged=(judged,),
    )
    return Gate(
        namespace="shop",
        name="deployment-web",
        uid="g",
        workload=Workload(name=name, uid="w"),
        status=replace(status, **changes),
        overrides=overrides,
    )


def verdict(*overrides: GateOverride, **changes: object) -> SignedVerdict:
    found = verdict_of(gate(*overrides, **changes), VERSION)
    assert found is not None
    return found


SIGNED = sign(verdict(OVERRIDE), KEY).encode()


def test_what_was_signed_is_read_as_it_was() -> None:
    assert read(SIGNED, KEY.public_key()) == verdict(OVERRIDE)
    assert sign(verdict(OVERRIDE), KEY).encode() == SIGNED, "the same is signed in the same way"


def test_it_is_an_in_toto_statement_about_the_digests_in_an_envelope() -> None:
    outer = json.loads(SIGNED)
    statement = json.loads(base64.b64decode(outer["payload"]))
    assert outer["payloadType"] == "application/vnd.in-toto+json"
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [
        {"name": "app", "digest": {"sha256": "a" * 64}},
        {"name": "helper", "digest": {"sha256": "b" * 64}},
    ]
    said = statement["predicate"]
    assert (said["verdict"], said["reason"], said["revision"]) == ("FAILED", "ProbeFailed", "r1")
    assert (said["runs"][0]["document"], said["runs"][0]["evidence"]) == ("d" * 64, "e" * 64)


def test_what_is_signed_is_what_the_protocol_says() -> None:
    """With the example of the DSSE protocol."""
    said = envelope.encoded("http://example.com/HelloWorld", b"hello world")
    assert said == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(st.integers(min_value=0, max_value=len(SIGNED) - 1), st.integers(min_value=1, max_value=255))
def test_a_byte_that_is_another_one_is_noticed(place: int, change: int) -> None:
    changed = bytearray(SIGNED)
    changed[place] ^= change
    with pytest.raises((NoEnvelope, Untrue)):
        read(bytes(changed), KEY.public_key())


@given(st.integers(min_value=0, max_value=len(SIGNED) - 1))
def test_a_file_that_was_cut_off_is_no_envelope(length: int) -> None:
    with pytest.raises(NoEnvelope):
        read(SIGNED[:length], KEY.public_key())


@given(st.binary(max_size=200))
def test_whatever_else_there_is_is_no_envelope(text: bytes) -> None:
    with pytest.raises(NoEnvelope):
        read(text, KEY.public_key())


def altered(**changes: Any) -> bytes:
    """Other content, under the signature of what was there before."""
    outer = json.loads(SIGNED)
    statement = json.loads(base64.b64decode(outer["payload"]))
    statement["predicate"] |= changes
    return json.dumps(outer | {"payload": base64.b64encode(json.dumps(statement).encode()).decode()}).encode()


def resigned(**changes: Any) -> bytes:
    """A statement of another shape, by somebody who has the key."""
    statement = json.loads(base64.b64decode(json.loads(SIGNED)["payload"])) | changes
    return envelope.sign(json.dumps(statement).encode(), PAYLOAD, KEY).encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (altered(verdict="PASSED"), "its content is not what was signed"),
        (sign(verdict(), OTHER).encode(), "it is signed by the key .*, and this is the key"),
        (envelope.sign(b"{}", "text/plain", KEY).encode(), "its payload is of the type 'text/plain'"),
        (envelope.sign(b"{}", PAYLOAD, KEY).encode(), "no statement of this gate"),
        (resigned(predicateType="https://slsa.dev/provenance/v1"), "it is no verdict but a https://slsa.dev"),
        (resigned(subject=[]), "contradicts itself"),
    ],
)
def test_what_is_not_as_the_gate_signed_it_is_said_plainly(text: bytes, why: str) -> None:
    with pytest.raises(Untrue, match=why):
        read(text, KEY.public_key())


def test_of_what_nobody_has_judged_there_is_nothing_to_sign_unless_people_let_it_through() -> None:
    judging = {"phase": Phase.PENDING, "verdict": None, "judged": ()}
    assert verdict_of(gate(**judging), VERSION) is None
    let_through = verdict(OVERRIDE, **judging)
    assert (let_through.verdict, let_through.images, let_through.overrides) == (None, IMAGES, (OVERRIDE,))
    assert verdict_of(gate(OVERRIDE, **judging), "another") is None


def test_an_image_without_a_digest_cannot_be_spoken_of_elsewhere() -> None:
    images = (ContainerImage("app", "app:1+5f3a"),)
    key = Version(images=images).key
    judged = JudgedVersion(version=key, workflows="f", at=NOW, judgement=FAILED, images=images)
    assert verdict_of(gate(judged=(judged,)), key) is None


# ------------------------------------------------------------------------------------------------- files and commands


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """The files of the private and the public key."""
    private, public = tmp_path / "key.pem", tmp_path / "key.pub.pem"
    pem, nothing = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(KEY.private_bytes(pem, serialization.PrivateFormat.PKCS8, nothing))
    public.write_bytes(KEY.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def signing(keys: tuple[Path, Path], tmp_path: Path) -> Signing:
    return Signing(Secret(keys[0]), tmp_path / "evidence", timedelta(days=30), lambda: datetime.now(UTC))


def verify(*arguments: str | Path) -> Result:
    return CliRunner().invoke(report, ["verify", *map(str, arguments)])


def test_each_version_that_a_gate_remembers_has_its_file_which_is_written_anew_only_if_it_says_something_else(
    signing: Signing, tmp_path: Path
) -> None:
    signing.file(gate())
    (file,) = (tmp_path / "evidence" / "shop").iterdir()
    assert file.name == f"deployment-web.{VERSION}.verdict.json"
    before = file.stat()
    signing.file(gate())
    assert file.stat().st_ino == before.st_ino
    signing.file(gate(OVERRIDE))
    assert read(file.read_bytes().strip(), KEY.public_key()).overrides == (OVERRIDE,)


def test_what_was_filed_is_not_signed_again_until_it_changes_or_the_key_does(
    signing: Signing, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    signing.file(gate())
    (file,) = (tmp_path / "evidence" / "shop").iterdir()
    file.write_text("somebody was here")
    signing.file(gate(message="the words of the gate are not in it"))
    assert file.read_text() == "somebody was here", "nothing was looked at"
    pem, nothing = serialization.Encoding.PEM, serialization.NoEncryption()
    keys[0].write_bytes(OTHER.private_bytes(pem, serialization.PrivateFormat.PKCS8, nothing))
    signing.file(gate())
    assert read(file.read_bytes().strip(), OTHER.public_key()).version == VERSION


def test_a_file_that_is_no_text_is_written_anew(signing: Signing, tmp_path: Path) -> None:
    file = tmp_path / "evidence" / "shop" / f"deployment-web.{VERSION}.verdict.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe")
    signing.file(gate())
    assert read(file.read_bytes().strip(), KEY.public_key()).version == VERSION


def test_what_could_not_be_written_is_tried_again(signing: Signing, tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("no folder")
    signing.file(gate())
    (tmp_path / "evidence").unlink()
    signing.file(gate())
    assert len(list((tmp_path / "evidence" / "shop").iterdir())) == 1


def test_old_files_go_that_are_of_this_gate_and_of_no_other_one(signing: Signing, tmp_path: Path) -> None:
    folder = tmp_path / "evidence" / "shop"
    folder.mkdir(parents=True)
    own, another = (folder / f"deployment-web{rest}.{'0' * 10}.verdict.json" for rest in ("", ".api"))
    for file in (own, another):
        file.write_text("{}")
        os.utime(file, (0, 0))
    signing.file(gate())
    assert (own.exists(), another.exists()) == (False, True)


def test_report_verify_says_what_was_signed_and_by_whom_it_was(
    signing: Signing, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    file = tmp_path / "verdict.json"
    file.write_text(f"{signing.signed(gate(), VERSION)}\n")
    result = verify("--key", keys[1], "--digest", DIGEST, file)
    assert result.exit_code == 0, result.output
    assert "FAILED ProbeFailed: slow" in result.output
    assert result.output.endswith("the gate has signed it\n")
    other = verify("--key", keys[1], "--digest", f"sha256:{'c' * 64}", file)
    assert other.exit_code == 1
    assert f"not about sha256:{'c' * 64}" in other.output
    said = json.loads(verify("--key", keys[1], "--output", "json", file).output)
    assert (said["verdicts"][0]["verdict"], said["problems"]) == ("FAILED", [])
    assert verify(file).exit_code == 2, "without a key nothing is known"


def test_report_verify_compares_a_signed_verdict_with_the_evidence_file(
    signing: Signing, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    evidence, file = played(tmp_path / "runs"), tmp_path / "verdict.json"
    other = verify("--output", "json", evidence)
    run = replace(RUN, evidence=json.loads(other.output)["evidence"], document=digest_of(SPEC.workflow))
    judged = replace(gate().status.judged[0], runs=(run,))
    file.write_text(signing.signed(gate(judged=(judged,)), VERSION) or "")
    assert verify("--key", keys[1], "--evidence", evidence, file).exit_code == 0
    file.write_text(signing.signed(gate(), VERSION) or "")
    result = verify("--key", keys[1], "--evidence", evidence, file)
    assert result.exit_code == 1
    assert "is not the evidence that it was made from" in result.output


def test_a_key_that_is_none_is_named_with_how_to_make_one(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    with pytest.raises(GateError, match=r"holds no private Ed25519 key .* openssl genpkey"):
        Signing(Secret(keys[1]), tmp_path, timedelta(days=1), lambda: NOW)
    with pytest.raises(GateError, match="holds no public Ed25519 key"):
        envelope.public_key(keys[0])


def test_the_cluster_and_the_evidence_file_name_the_same_evidence(tmp_path: Path) -> None:
    """The verdict is made from what the run's status holds; the file holds the same."""
    stage = Stage()
    file = played(tmp_path, stage)
    status = Codec(RunStatus)
    in_cluster = status.read(status.write(stage.journal.status), "the run").evidence
    assert verified(file).evidence == digest_of(in_cluster)

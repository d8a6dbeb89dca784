"""A production cluster takes only versions that have passed, or that people let through; who cannot know says no."""

import base64
import hashlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.errors import GateError
from gate.model import ContainerImage, GateOverride, Reason, Verdict, Version, Workload, WorkloadKind, WorkloadName
from gate.reports.admitting import Ruling, found, rule
from gate.reports.signed_verdict import SignedVerdict, sign
from gate.web.admission import images_of
from gate.web.server import Server
from gate.wire.admitting import THREADS, admission
from tests.grounds import Ground

CHART = Path(__file__).parents[2] / "charts" / "chaos-gate" / "admission.yaml"
KEY = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONGEST_SILENCE = 10
"""Seconds after which the server gives a connection up, and so those that wait for one that is silent."""
PASSED, FAILED = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def verdict(
    digest: str,
    said: Verdict | None,
    *,
    at: datetime = NOW,
    override: timedelta | None = None,
    overrides: tuple[GateOverride, ...] = (),
    of: str = "web",
    key: Ed25519PrivateKey = KEY,
) -> str:
    """Signed, about a version of one container."""
    images = (ContainerImage("web", digest),)
    version = Version(images=images).key
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="staging", name=of)
    made = SignedVerdict(
        workload=Workload(name=name, uid="w"),
        version=version,
        images=images,
        verdict=said,
        reason=None if said is Verdict.PASSED else Reason.PROBE_FAILED,
        message="" if said is Verdict.PASSED else "it was slow",
        at=at,
        overrides=overrides,
    )
    if override is not None:
        jane = GateOverride(version=version, who="jane", reason="INC-4711", at=NOW, until=NOW + override)
        made = replace(made, overrides=(jane,))
    return f"{sign(made, key)}\n"


class Webhook:
    """One with its files, which a test may change."""

    def __init__(self, folder: Path) -> None:
        self.verdicts, self.key = folder / "verdicts", folder / "key.pub.pem"
        self.certificate, self.private, self.authority = folder / "tls.crt", folder / "tls.key", folder / "ca.pem"
        self.verdicts.mkdir()
        pem, public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        self.key.write_bytes(KEY.public_key().public_bytes(pem, public))
        self.certify()
        self.now = NOW
        files = self.verdicts, self.key, self.certificate, self.private
        self.server: Server = admission(*files, ("127.0.0.1", 0), lambda: self.now)

    def certify(self) -> None:
        """Give it the certificate of a new authority."""
        ca = trustme.CA()
        issued = ca.issue_cert("127.0.0.1")
        ca.cert_pem.write_to_path(str(self.authority))
        for file, pem in ((self.certificate, issued.cert_chain_pems[0]), (self.private, issued.private_key_pem)):
            fresh = file.with_suffix(".new")
            pem.write_to_path(str(fresh))
            fresh.replace(file)

    def say(self, name: str, text: str) -> None:
        (self.verdicts / name).write_text(text)

    def review(self, now: Any, before: Any = None) -> dict[str, Any]:
        """Its response to a question of the API server."""
        asked = {"uid": "u-1", "object": now, "oldObject": before}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked}
        answer = requests.post(f"{self.server.address}/admit", json=body, verify=str(self.authority), timeout=20)
        assert answer.status_code == 200, answer.text
        response = answer.json()["response"]
        assert response["uid"] == "u-1"
        return response

    def refusal(self, *images: str) -> str:
        """Why it refuses; empty if it does not."""
        response = self.review(deployment(*images))
        return "" if response["allowed"] else response["status"]["message"]


def deployment(*images: str, **changes: Any) -> dict[str, Any]:
    names = ["web", *(f"helper-{number}" for number in range(1, len(images)))]
    containers = [{"name": name, "image": image} for name, image in zip(names, images, strict=True)]
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec | changes}


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Webhook]:
    made = Webhook(tmp_path)
    with made.server:
        yield made


def test_a_version_that_has_passed_is_taken_whatever_its_name_there(webhook: Webhook) -> None:
    webhook.say("one.json", verdict(PASSED, Verdict.PASSED) + verdict(FAILED, Verdict.FAILED))
    assert webhook.refusal(f"registry.example.org/web@{PASSED}") == ""
    assert webhook.refusal(f"mirror/web:1@{PASSED}") == ""


@pytest.mark.parametrize(
    ("images", "why"),
    [
        (
            [f"web@{FAILED}"],
            "FAILED (ProbeFailed) with Deployment staging/web: it was slow; deploy one that has passed, or have it",
        ),
        ([f"web@sha256:{'c' * 64}"], "there is no signed verdict about version"),
        ([f"web@{PASSED}", f"helper@{PASSED}"], "there is no signed verdict about version"),
        (["web:1"], "web (web:1) is named without a digest; deploy what was judged"),
    ],
)
def test_what_has_not_passed_is_refused_with_the_remedy(webhook: Webhook, images: list[str], why: str) -> None:
    webhook.say("one.json", verdict(PASSED, Verdict.PASSED))
    webhook.say("two.json", verdict(FAILED, Verdict.FAILED))
    assert why in webhook.refusal(*images)


def test_an_image_that_was_built_to_be_taken_for_one_that_has_passed_is_refused(webhook: Webhook) -> None:
    """The SHA-256 of `web=` and each of these digests begin with the same ten digits."""
    harmless, evil = (f"sha256:{hashlib.sha256(seed).hexdigest()}" for seed in (b"146802", b"329056"))
    webhook.say("one.json", verdict(harmless, Verdict.PASSED))
    assert webhook.refusal(f"web@{harmless}") == ""
    assert "there is no signed verdict about version" in webhook.refusal(f"web@{evil}")


def test_the_newest_verdict_about_a_version_counts(webhook: Webhook) -> None:
    webhook.say("a.json", verdict(PASSED, Verdict.FAILED, at=NOW + HOUR))
    webhook.say("b.json", verdict(PASSED, Verdict.PASSED))
    assert "FAILED" in webhook.refusal(f"web@{PASSED}")


def test_a_version_that_another_workload_passed_with_is_refused_where_one_has_failed_with_it(webhook: Webhook) -> None:
    """Two workloads may run one image under one container's name; each says what it has found."""
    webhook.say("web.json", verdict(PASSED, Verdict.FAILED))
    webhook.say("worker.json", verdict(PASSED, Verdict.PASSED, at=NOW + HOUR, of="worker"))
    assert "FAILED (ProbeFailed) with Deployment staging/web" in webhook.refusal(f"web@{PASSED}")
    webhook.say("web.json", verdict(PASSED, Verdict.PASSED, at=NOW + HOUR))
    assert webhook.refusal(f"web@{PASSED}") == ""


def test_an_override_counts_for_the_workload_that_it_was_said_of(webhook: Webhook) -> None:
    webhook.say("web.json", verdict(PASSED, Verdict.FAILED))
    webhook.say("worker.json", verdict(PASSED, Verdict.FAILED, override=HOUR, of="worker"))
    assert "with Deployment staging/web" in webhook.refusal(f"web@{PASSED}")
    webhook.say("web.json", verdict(PASSED, Verdict.FAILED, override=HOUR))
    assert webhook.refusal(f"web@{PASSED}") == ""


@pytest.mark.parametrize("earlier", [timedelta(0), HOUR])
@pytest.mark.parametrize("files", ["ab", "ba"])
def test_an_override_that_was_taken_back_is_over_whatever_time_that_word_bears_and_whichever_file_is_first(
    webhook: Webhook, files: str, earlier: timedelta
) -> None:
    """Times are whole seconds, and those of whoever wrote them."""
    version = Version(images=(ContainerImage("web", FAILED),)).key
    long = GateOverride(version=version, who="jane", reason="INC-4711", at=NOW, until=NOW + HOUR)
    back = replace(long, who="joe", at=NOW - earlier, until=NOW - earlier)
    webhook.say(files[0], verdict(FAILED, Verdict.FAILED, overrides=(long,)))
    assert webhook.refusal(f"web@{FAILED}") == ""
    webhook.say(files[1], verdict(FAILED, Verdict.FAILED, overrides=(long, back)))
    assert "FAILED" in webhook.refusal(f"web@{FAILED}")


@pytest.mark.parametrize("said", [Verdict.FAILED, None])
def test_an_override_lets_through_with_a_warning_until_it_ends(webhook: Webhook, said: Verdict | None) -> None:
    webhook.say("one.json", verdict(FAILED, said, override=HOUR))
    response = webhook.review(deployment(f"web@{FAILED}"))
    assert response["allowed"]
    assert "overridden by jane until 2026-11-21 13:00 UTC: INC-4711" in response["warnings"][0]
    webhook.now = NOW + HOUR
    assert webhook.refusal(f"web@{FAILED}") != ""


def test_what_runs_already_may_be_scaled_and_labelled_whatever_is_known_of_it(webhook: Webhook) -> None:
    before = deployment(f"web@{FAILED}")
    assert webhook.review(deployment(f"web@{FAILED}", replicas=5), before)["allowed"]
    assert not webhook.review(deployment(f"web@sha256:{'c' * 64}"), before)["allowed"]


def test_who_cannot_know_says_no_and_what_to_mend(webhook: Webhook) -> None:
    webhook.say("one.json", verdict(PASSED, Verdict.PASSED))
    webhook.verdicts.rename(webhook.verdicts.with_name("away"))
    assert "cannot be read: No such file or directory; mend that" in webhook.refusal(f"web@{PASSED}")


def test_a_line_that_cannot_be_read_may_be_a_newer_failure_and_takes_no_other_line_with_it(webhook: Webhook) -> None:
    passed, failed = verdict(PASSED, Verdict.PASSED), verdict(FAILED, Verdict.FAILED)
    webhook.say("some.json", failed[:-20] + "\n" + passed)
    assert "has passed, but a newer verdict may stand in what cannot be read: some.json:1: it is no envelope" in (
        webhook.refusal(f"web@{PASSED}")
    )
    assert "What cannot be read (1): some.json:1: it is no envelope" in webhook.refusal(f"web@{FAILED}")
    webhook.say("some.json", f"{failed}\n\n{passed}")
    assert webhook.refusal(f"web@{PASSED}") == ""
    assert "FAILED (ProbeFailed)" in webhook.refusal(f"web@{FAILED}")


def test_a_verdict_that_another_key_has_signed_is_doubt_about_its_own_version_alone(webhook: Webhook) -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"2" * 32)
    webhook.say("here.json", verdict(PASSED, Verdict.PASSED))
    webhook.say("there.json", verdict(FAILED, Verdict.FAILED, key=other))
    assert webhook.refusal(f"web@{PASSED}") == ""
    webhook.say("there.json", verdict(PASSED, Verdict.FAILED, key=other))
    assert "there.json:1: it is signed by the key" in webhook.refusal(f"web@{PASSED}")


def test_what_people_let_through_is_let_through_whatever_cannot_be_read(webhook: Webhook) -> None:
    webhook.say("broken.json", "{")
    webhook.say("one.json", verdict(FAILED, Verdict.FAILED, override=HOUR))
    assert webhook.refusal(f"web@{FAILED}") == ""


def test_a_pass_that_is_too_old_is_none(webhook: Webhook) -> None:
    passed, late, images = verdict(PASSED, Verdict.PASSED), NOW + 2 * HOUR, {"web": f"web@{PASSED}"}
    webhook.say("one.json", passed)

    def ruling() -> Ruling:
        return rule(images, found(webhook.verdicts, KEY.public_key()), late, HOUR)

    assert "has passed, but longer than 1h ago (--max-age)" in ruling().why
    assert not ruling().allowed
    webhook.say("two.json", verdict(PASSED, Verdict.PASSED, at=late - HOUR, of="worker"))
    assert ruling().allowed, "another workload has passed with it since"
    webhook.say("one.json", verdict(PASSED, Verdict.FAILED))
    assert not ruling().allowed, "a failure is one however old it is"


def test_a_certificate_that_is_renewed_is_used_at_once(webhook: Webhook) -> None:
    webhook.say("one.json", verdict(PASSED, Verdict.PASSED))
    assert webhook.refusal(f"web@{PASSED}") == ""
    webhook.certify()
    assert webhook.refusal(f"web@{PASSED}") == "", "the new authority alone is trusted here"


def test_connections_on_which_nobody_speaks_keep_nobody_from_being_answered(webhook: Webhook) -> None:
    """Port scans and health checks of load balancers, more of them than there are threads."""
    webhook.say("one.json", verdict(PASSED, Verdict.PASSED))
    where = webhook.server.address.removeprefix("https://").split(":")
    with ExitStack() as open_ones:
        for number in range(3 * THREADS):
            silent = open_ones.enter_context(socket.create_connection((where[0], int(where[1])), timeout=30))
            if number % 3 == 0:
                trusting = ssl.create_default_context(cafile=str(webhook.authority))
                open_ones.enter_context(trusting.wrap_socket(silent, server_hostname="127.0.0.1"))
        begun = time.monotonic()
        assert webhook.refusal(f"web@{PASSED}") == ""
        assert time.monotonic() - begun < LONGEST_SILENCE, "nobody was waited for"


def test_who_speaks_no_tls_is_hung_up_on_and_takes_nothing_from_the_others(webhook: Webhook) -> None:
    webhook.say("one.json", verdict(PASSED, Verdict.PASSED))
    with pytest.raises(requests.ConnectionError):
        requests.get(webhook.server.address.replace("https", "http") + "/healthz", timeout=20)
    assert webhook.refusal(f"web@{PASSED}") == ""


def test_what_it_cannot_start_with_is_said(tmp_path: Path) -> None:
    webhook = Webhook(tmp_path)
    listen = ("127.0.0.1", 0)
    with pytest.raises(GateError, match="are no certificate with its key in PEM"):
        admission(webhook.verdicts, webhook.key, webhook.key, webhook.private, listen, lambda: NOW)
    with pytest.raises(GateError, match=r"the folder .* cannot be read"):
        admission(tmp_path / "nowhere", webhook.key, webhook.certificate, webhook.private, listen, lambda: NOW)


def test_an_argo_rollout_that_leaves_its_template_to_a_deployment_has_no_images_of_its_own() -> None:
    assert images_of({"spec": {"workloadRef": {"kind": "Deployment", "name": "web"}}}) == {}
    assert images_of({"spec": {}}) is None


def test_a_template_that_nobody_is_asked_about_is_no_template_of_a_workload() -> None:
    assert images_of({"spec": {"workloadRef": {"kind": "PodTemplate", "name": "web"}}}) is None


# ------------------------------------------------------------------------------------------------ a real control plane


@pytest.fixture
def configured(cluster: Ground, webhook: Webhook, namespace: str) -> Iterator[str]:
    """The webhook of the chart, at the address of this one, for a namespace of the test's own, which it gives."""
    (manifest,) = [
        each for each in yaml.safe_load_all(CHART.read_text()) if each["kind"] == "ValidatingWebhookConfiguration"
    ]
    manifest["metadata"]["name"] += f"-{namespace}"
    authority = base64.b64encode(webhook.authority.read_bytes()).decode()
    manifest["webhooks"][0]["clientConfig"] = {"url": f"{webhook.server.address}/admit", "caBundle": authority}
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    made = cluster.ask("POST", path, manifest)
    assert made.status_code == 201, made.text
    label = {"metadata": {"labels": {"chaosgate.dev/admission": "required"}}}
    merge = "application/merge-patch+json"
    try:
        cluster.ask("PATCH", f"/api/v1/namespaces/{namespace}", label, media=merge).raise_for_status()
        yield namespace
    finally:
        cluster.ask("DELETE", f"{path}/{manifest['metadata']['name']}")


@pytest.mark.parametrize("cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True)
def test_a_real_cluster_takes_in_labelled_namespaces_only_what_has_passed(
    cluster: Ground, webhook: Webhook, configured: str, eventually: Callable[[Callable[[], object]], None]
) -> None:
    path = f"/apis/apps/v1/namespaces/{configured}/deployments"

    def made(image: str, query: str = "?dryRun=All") -> requests.Response:
        return cluster.ask("POST", f"{path}{query}", deployment(image))

    eventually(lambda: "there is no signed verdict" in made(f"web@{PASSED}").text)
    webhook.say("one.json", verdict(PASSED, Verdict.PASSED))
    assert made(f"web@{PASSED}", "").status_code == 201
    refused = made(f"web@{FAILED}")
    assert (refused.status_code, "chaos-gate: there is no signed verdict" in refused.text) == (403, True)
    merge = "application/merge-patch+json"
    assert cluster.ask("PATCH", f"{path}/web", {"spec": {"replicas": 0}}, media=merge).status_code == 200
    other = deployment(f"web@{FAILED}")["spec"]["template"]
    assert cluster.ask("PATCH", f"{path}/web", {"spec": {"template": other}}, media=merge).status_code == 403
    webhook.say("two.json", verdict(FAILED, Verdict.FAILED, override=HOUR))
    taken = cluster.ask("PATCH", f"{path}/web?dryRun=All", {"spec": {"template": other}}, media=merge)
    assert taken.status_code == 200
    assert "overridden by jane" in taken.headers["Warning"]
    elsewhere = cluster.ask("POST", "/apis/apps/v1/namespaces/default/deployments?dryRun=All", deployment("web:1"))
    assert elsewhere.status_code == 201
    webhook.server.stop()
    assert "failed calling webhook" in made(f"web@{PASSED}").text, "nobody answers: nothing new is taken"

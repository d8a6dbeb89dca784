"""What pods mount appears where they want it, in every one of their containers and nowhere else."""

import base64
from pathlib import Path

import pytest
from pod_world import FOREVER

from gate.sandbox.kubernetes.language.downward import Site
from gate.sandbox.kubernetes.runtime.volumes import MountFailed, write

SITE = Site(address="127.1.2.3", node_address="127.1.0.1", allocatable={"cpu": "2", "memory": "1Gi"})


def mount(path, **more):
    return {"name": "v", "mountPath": path, **more}


def test_config_maps_and_secrets_are_files_at_places_that_the_machine_does_not_have(pods):
    pods.make("configmaps", "c", data={"colour": "blue"}, binaryData={"raw": base64.b64encode(b"\x00\x01").decode()})
    pods.make("secrets", "s", stringData={"password": "hush"})
    pods.run(
        "cd /settings/deep; cat colour /etc/secret/word; wc -c < raw; stat -L -c %a /etc/secret/word; sleep 99",
        spec={
            "volumes": [
                {"name": "c", "configMap": {"name": "c"}},
                {
                    "name": "s",
                    "secret": {"secretName": "s", "items": [{"key": "password", "path": "word", "mode": 0o400}]},
                },
            ]
        },
        volumeMounts=[{"name": "c", "mountPath": "/settings/deep"}, {"name": "s", "mountPath": "/etc/secret"}],
    )
    assert pods.says("400") == "bluehush2\n400\n"
    assert not Path("/settings").exists()
    assert not Path("/etc/secret").exists()


def test_what_is_mounted_cannot_be_written_unless_it_is_an_empty_dir(pods):
    pods.make("configmaps", "c", data={"k": "v"})
    pods.run(
        "touch /config/new; touch /own/new && touch /shut/new; echo end",
        spec={
            "volumes": [{"name": "c", "configMap": {"name": "c"}}, {"name": "e", "emptyDir": {}}],
            "restartPolicy": "Never",
        },
        volumeMounts=[
            {"name": "c", "mountPath": "/config"},
            {"name": "e", "mountPath": "/own"},
            {"name": "e", "mountPath": "/shut", "readOnly": True},
        ],
    )
    said = pods.says("end")
    assert "'/config/new': Read-only file system" in said
    assert "'/shut/new': Read-only file system" in said
    assert "/own/new" not in said


def test_an_empty_dir_is_shared_by_the_containers_and_outlives_a_restart(pods):
    script = (
        "echo start >> /share/log; sleep 0.2; wc -l < /share/log; [ $(wc -l < /share/log) -ge 2 ] || exit 1; " + FOREVER
    )
    volumes = {"volumes": [{"name": "v", "emptyDir": {}}]}
    other = {"name": "other", "image": "web:1", "command": ["sh", "-c", FOREVER], "volumeMounts": [mount("/elsewhere")]}
    main = {"name": "main", "image": "web:1", "command": ["sh", "-c", script], "volumeMounts": [mount("/share")]}
    pods.create({"containers": [main, other], **volumes})
    pods.says("2", "container=main")
    assert pods.container()["restartCount"] == 1
    assert pods.kubectl("exec", "one", "-c", "other", "--", "cat", "/elsewhere/log") == "start\nstart\n"


def test_a_part_of_a_volume_can_be_mounted_as_one_file(pods):
    pods.make("configmaps", "c", data={"passwd": "nobody here\n"})
    pods.run(
        f"cat /etc/passwd; ls /etc/hosts; {FOREVER}",
        spec={"volumes": [{"name": "v", "configMap": {"name": "c"}}]},
        volumeMounts=[mount("/etc/passwd", subPath="passwd")],
    )
    assert pods.says("/etc/hosts") == "nobody here\n/etc/hosts\n"


def test_a_changed_config_map_reaches_the_running_container_as_a_whole(pods, eventually):
    pods.make("configmaps", "c", data={"a": "1", "b": "1"})
    pods.run(FOREVER, spec={"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, volumeMounts=[mount("/config")])
    pods.runs()
    pods.change("configmaps", "c", data={"a": "2", "b": None})

    def seen():
        return pods.kubectl("exec", "one", "--", "sh", "-c", "ls /config; cat /config/a") == "a\n2"

    eventually(seen)
    assert pods.container()["restartCount"] == 0


def test_a_missing_config_map_is_waited_for_in_the_kubelets_words(pods):
    pods.run(FOREVER, spec={"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, volumeMounts=[mount("/config")])
    assert pods.event("FailedMount") == 'MountVolume.SetUp failed for volume "v" : configmap "c" not found'
    assert pods.waits("ContainerCreating") == ""
    pods.make("configmaps", "c", data={"k": "v"})
    pods.runs()


def test_the_downward_api_and_projections_are_files(pods):
    pods.make("configmaps", "c", data={"k": "configured"})
    downward = {
        "items": [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
            {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu"}},
        ]
    }
    sources = [{"downwardAPI": downward}, {"configMap": {"name": "c", "items": [{"key": "k", "path": "below/k"}]}}]
    pods.run(
        f"cd /all; cat labels; echo; cat cpu; echo; cat below/k; echo; {FOREVER}",
        spec={"volumes": [{"name": "v", "projected": {"sources": sources}}]},
        meta={"labels": {"app": "web", "tier": "front"}},
        volumeMounts=[mount("/all")],
        resources={"limits": {"cpu": "1500m"}},
    )
    assert pods.says("configured") == 'app="web"\ntier="front"\n2\nconfigured\n'


PROJECTED = {"projected": {"sources": [{"serviceAccountToken": {"path": "token", "audience": "somebody"}}]}}


def test_a_projected_token_is_the_pods_own_and_for_its_audience_alone(pods):
    pods.make("serviceaccounts", "cook")
    spec = {"serviceAccountName": "cook", "volumes": [{"name": "v", **PROJECTED}]}
    pods.run(f"cat /v/token; echo; {FOREVER}", spec=spec, volumeMounts=[mount("/v")])
    token = pods.says("\n").strip()

    def reviewed(*audiences):
        asked = {"spec": {"token": token, "audiences": audiences}}
        return pods.ground.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", asked).json()["status"]

    assert reviewed("somebody")["user"]["username"] == "system:serviceaccount:default:cook"
    assert "invalid for the target audiences" in reviewed()["error"]


def test_a_pod_without_its_account_waits_for_the_token(pods):
    pods.run(FOREVER, spec={"volumes": [{"name": "v", **PROJECTED}]}, volumeMounts=[mount("/v")])
    assert 'failed to fetch token: serviceaccounts "default" not found' in pods.event("FailedMount")
    pods.make("serviceaccounts", "default")
    pods.runs()


@pytest.mark.parametrize(
    ("volume", "kind"),
    [
        ({"hostPath": {"path": "/etc"}}, "hostPath"),
        ({"persistentVolumeClaim": {"claimName": "c"}}, "persistentVolumeClaim"),
    ],
)
def test_volumes_that_the_sandbox_does_not_have_are_refused_by_name(pods, volume, kind):
    pods.run(FOREVER, spec={"volumes": [{"name": "v", **volume}]}, volumeMounts=[mount("/v")])
    assert kind in pods.waits("CreateContainerError")
    assert kind in pods.event("Failed")


def test_a_volume_ends_with_its_pod(pods, sandbox, eventually):
    pods.run(f"echo $PWD; {FOREVER}", spec={"volumes": [{"name": "v", "emptyDir": {}}]}, volumeMounts=[mount("/v")])
    pods.runs()
    pods.kubectl("exec", "one", "--", "sh", "-c", "grep ' /v ' /proc/self/mountinfo > /v/where")
    source = Path(pods.kubectl("exec", "one", "--", "cut", "-d", " ", "-f", "4", "/v/where").strip())
    pods.delete(gracePeriodSeconds=0)
    eventually(pods.is_gone)
    eventually(lambda: not source.exists())


def test_a_path_that_leads_out_of_its_volume_is_refused(tmp_path):
    volume = {"name": "v", "configMap": {"name": "c", "items": [{"key": "k", "path": "../../out"}]}}
    pod = {"metadata": {"name": "one"}, "spec": {"volumes": [volume], "containers": []}}
    with pytest.raises(MountFailed, match=r'must be relative and not contain "\.\."'):
        write(pod, tmp_path / "volumes", SITE, lambda _kind, _name: {"k": b"v"})
    assert not (tmp_path.parent / "out").exists()


def test_an_optional_source_may_be_missing(tmp_path):
    volume = {"name": "v", "secret": {"secretName": "no", "optional": True}}
    pod = {"metadata": {"name": "one"}, "spec": {"volumes": [volume], "containers": []}}
    write(pod, tmp_path, SITE, lambda _kind, _name: None)
    assert [each.name for each in (tmp_path / "v").iterdir() if not each.name.startswith("..")] == []

"""The node object that the sandbox's kubelet stands for, and the scheduler that has nothing to choose."""

import os
import socket
from datetime import datetime

from gate.sandbox.kubernetes.language.objects import RELEASE, Object, is_terminating, timestamp

NODE = "sandbox"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_GATED = {"reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates"}


def place(pod: Object, old: Object | None) -> None:
    """Put a pod on the node the moment it is stored, or freed of its last gate: there is only one node."""
    if pod["spec"].get("nodeName") or is_terminating(pod):
        return
    gated = bool(pod["spec"].get("schedulingGates"))
    if not gated:
        pod["spec"]["nodeName"] = NODE
    if old is None:
        at, status = pod["metadata"]["creationTimestamp"], "False" if gated else "True"
        scheduled = {"type": "PodScheduled", "status": status, "lastProbeTime": None, "lastTransitionTime": at}
        pod["status"]["conditions"] = [scheduled | (_GATED if gated else {})]


def node(address: str, now: datetime) -> Object:
    """The node, ready from its first moment to the sandbox's end."""
    at, machine = timestamp(now), os.uname()
    resources = {"cpu": str(os.cpu_count() or 1), "memory": f"{_memory_kib()}Ki", "pods": "110"}
    return {
        "metadata": {
            "name": NODE,
            "labels": {
                "kubernetes.io/hostname": NODE,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": _ARCHITECTURES.get(machine.machine, machine.machine),
            },
        },
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": NODE}],
            "capacity": resources,
            "allocatable": resources,
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": f"pods are processes on {socket.gethostname()}",
                    "lastHeartbeatTime": at,
                    "lastTransitionTime": at,
                }
            ],
            "nodeInfo": {
                "architecture": _ARCHITECTURES.get(machine.machine, machine.machine),
                "bootID": "",
                "containerRuntimeVersion": "processes://1",
                "kernelVersion": machine.release,
                "kubeProxyVersion": "",
                "kubeletVersion": RELEASE,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "chaos-gate sandbox",
                "systemUUID": "",
            },
        },
    }


def _memory_kib() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024

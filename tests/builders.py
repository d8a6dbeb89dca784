"""The usual objects of Kubernetes, as small as an API server takes them."""

from typing import Any

Json = dict[str, Any]
IMAGE = "web:1"


def config_map(name: str = "settings", namespace: str = "default", /, **data: str) -> Json:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def pod_template(*containers: Json, app: str = "web", image: str = IMAGE, **annotations: str) -> Json:
    return {
        "metadata": {"labels": {"app": app}, "annotations": annotations},
        "spec": {"containers": list(containers) or [{"name": "main", "image": image}]},
    }


def deployment(
    name: str = "web", namespace: str = "default", *, template: Json | None = None, image: str = IMAGE, **spec: Any
) -> Json:
    """One replica unless `replicas` says otherwise; its pods have the label `app` with its name."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": template or pod_template(app=name, image=image),
            **spec,
        },
    }


def service(name: str = "web", namespace: str = "default", *, port: int = 8080) -> Json:
    """In front of the pods of the Deployment of the same name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": port}]},
    }

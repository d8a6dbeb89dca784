"""The shop's deploy job: sets the image and says in the same patch which commit and pipeline it comes from.

With kubectl at hand these are two commands, `kubectl annotate` and `kubectl set image`; one patch cannot be torn apart.
It needs nothing but Python, KUBERNETES_URL, KUBERNETES_TOKEN and GitLab's own variables.
"""

import argparse
import json
import os
import urllib.error
import urllib.request
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespace", required=True)
    namespace = parser.parse_args().namespace
    image = f"checkout:{Path('VERSION').read_text().strip()}"
    patch = {
        "metadata": {
            "annotations": {
                "chaosgate.dev/project": os.environ["CI_PROJECT_PATH"],
                "chaosgate.dev/commit": os.environ["CI_COMMIT_SHA"],
                "chaosgate.dev/pipeline": os.environ["CI_PIPELINE_ID"],
                "chaosgate.dev/job": os.environ["CI_JOB_ID"],
            }
        },
        "spec": {"template": {"spec": {"containers": [{"name": "checkout", "image": image}]}}},
    }
    request = urllib.request.Request(
        f"{os.environ['KUBERNETES_URL']}/apis/apps/v1/namespaces/{namespace}/deployments/checkout",
        data=json.dumps(patch).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['KUBERNETES_TOKEN']}",
            "Content-Type": "application/strategic-merge-patch+json",
        },
        method="PATCH",
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"deploying {image} to {namespace} was refused: {error.read().decode()}") from error
    print(f"{namespace}/checkout is being rolled out to {image}")


if __name__ == "__main__":
    main()

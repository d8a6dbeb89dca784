"""`chaos-gate execute` as a program that, if it is the first of its run, kills itself right before its n-th write."""

import os
import sys
from pathlib import Path

from gate.cli.ending import told_to_end
from gate.cluster.runs import Runs
from gate.config import Settings
from gate.wire.executing import execute
from tests.faults.application import through
from tests.faults.dying import Fuse


def main(number: str, _command: str, run: str) -> int:
    kubeconfig, (namespace, _, name) = Path(os.environ["KUBECONFIG"]), run.partition("/")
    found = Runs(through(kubeconfig)).get(namespace, name)
    is_first = found is not None and not found.begun
    api = through(kubeconfig, before=Fuse(int(number) if is_first else None))
    return execute(Settings.to_execute(os.environ), api, namespace, name, told_to_end(), keep=False)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

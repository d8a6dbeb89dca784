"""`chaos-gate execute` as a program that, if it is the first of its run, kills itself right before its n-th write for
it. The beats of its Lease are not counted: they come when they come, and change nothing that could be left behind.
"""

import os
import sys
from collections.abc import Callable

from gate.cli.ending import told_to_end
from gate.cluster.api import Api
from gate.cluster.runs import Runs
from gate.config import Settings
from gate.wire.executing import execute
from tests.faults.dying import Fuse


class Fragile(Api):
    """The product's client, whose writes on behalf of a run burn a fuse: into its record, and to what it hits."""

    fuse = Fuse(None)

    def fenced(self, insist: Callable[[], None]) -> Api:
        def insist_and_burn() -> None:
            insist()
            self.fuse()

        return super().fenced(insist_and_burn)


def main(number: str, _command: str, run: str) -> int:
    api, (namespace, _, name) = Fragile.from_environment(), run.partition("/")
    found = Runs(api).get(namespace, name)
    if found is not None and not found.begun:
        api.fuse = Fuse(int(number))
    return execute(Settings.to_execute(os.environ), api, namespace, name, told_to_end(), keep=False)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

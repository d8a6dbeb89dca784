"""The warden knows its children by asking the kernel; where that has no list of them, by looking at all processes."""

import subprocess
import sys

import pytest

from gate.sandbox.kubernetes.runtime.ward import children

CHILD = "import sys; print('up', flush=True); sys.stdin.read()"
ASK = f"""
import json, subprocess, sys
sys.path.append(sys.argv[1])
from gate.sandbox.kubernetes.runtime.ward import children

first, second = (
    subprocess.Popen([sys.executable, "-I", "-S", "-c", {CHILD!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(2)
)
for each in (first, second):
    each.stdout.readline()
both = getattr(children, sys.argv[2])() == [second.pid, first.pid]
first.kill()
first.stdout.read()
dead = getattr(children, sys.argv[2])() == [second.pid, first.pid]
first.wait()
buried = getattr(children, sys.argv[2])() == [second.pid]
second.kill()
second.wait()
print(json.dumps([both, dead, buried]))
"""
"""In a process of its own, because that of the tests has other children, and threads."""


@pytest.mark.parametrize("way", ["newest_first", "told", "searched"])
def test_the_newest_child_comes_first_and_a_dead_one_stays_until_it_is_buried(way):
    root = children.__file__.rpartition("/gate/")[0]
    asked = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ASK, root, way], capture_output=True, text=True, timeout=60, check=True
    )
    assert asked.stdout == "[true, true, true]\n"

"""A gate that may open few files keeps fewer jobs waiting, and goes on answering everybody."""

import json
import resource
import subprocess
import sys
from functools import partial

from gate.web.server import SPARE

WAITING, COME = 20, 60
SERVING = """
import json, logging, sys, threading, time
import requests
from gate.web.parking import Lot, ROOM, Wait
from gate.web.answer import Question
from gate.web.server import Server

logging.basicConfig(level=logging.INFO, stream=sys.stderr)
parked = threading.Semaphore(0)

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    room = environ.get(ROOM)
    if environ["PATH_INFO"] == "/wait" and room is not None:
        until = time.monotonic() + 300
        room.append(Wait(question=Question(project="shop/web"), known="", since=0, until=until))
    return [b"ok"]

def ask():
    said.append(requests.get(f"{server.address}/wait", timeout=300).text)

def held(count):
    time.sleep(0.05)
    return 0

said, lot = [], Lot(lambda since, timeout: held(since), lambda questions: {})
with Server(application, threads=4, lot=lot) as server:
    asking = [threading.Thread(target=ask) for _ in range(COME)]
    for each in asking:
        each.start()
    deadline = time.monotonic() + 60
    while (len(lot), len(said)) != (lot.most, COME - lot.most) and time.monotonic() < deadline:
        time.sleep(0.02)
    print(json.dumps([lot.most, len(lot), len(said), requests.get(server.address, timeout=60).text]))
    for each in asking if lot.close() is None else ():
        each.join()
"""


def started(files: int) -> subprocess.CompletedProcess[str]:
    """A server that may open so many files, when so many jobs as `COME` have come to wait."""
    program = SERVING.replace("COME", str(COME))
    limited = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (files, files))
    return subprocess.run(
        [sys.executable, "-c", program], preexec_fn=limited, capture_output=True, text=True, timeout=120, check=True
    )


def test_where_there_are_few_files_fewer_wait_and_the_log_says_so_once() -> None:
    done = started(SPARE + WAITING)
    assert json.loads(done.stdout) == [WAITING, WAITING, COME - WAITING, "ok"]
    (line,) = [each for each in done.stderr.splitlines() if "web.few_files" in each]
    assert f"limit={SPARE + WAITING} waiting_jobs={WAITING}" in line
    assert "ulimit -n" in line

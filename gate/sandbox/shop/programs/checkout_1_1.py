"""checkout 1.1: as 1.0, and a call to the inventory that failed is tried again for a while."""

import os
import time
from http.client import HTTPConnection, HTTPException

from serving import Answer, serve

INVENTORY = (os.environ["INVENTORY_SERVICE_HOST"], int(os.environ["INVENTORY_SERVICE_PORT"]))
PATIENCE = 1.6
"""Seconds in which a lost inventory usually is back."""


def take() -> bytes:
    connection = HTTPConnection(*INVENTORY, timeout=1)
    try:
        connection.request("GET", "/take")
        return connection.getresponse().read()
    finally:
        connection.close()


def take_patiently() -> bytes:
    deadline, pause = time.monotonic() + PATIENCE, 0.03
    while True:
        try:
            return take()
        except (OSError, HTTPException):
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 0.2)


def buy() -> Answer:
    try:
        return 200, {"bought": take_patiently().decode()}
    except (OSError, HTTPException) as error:
        return 502, {"error": f"the inventory does not answer: {error}"}


if __name__ == "__main__":
    serve({"/buy": buy})

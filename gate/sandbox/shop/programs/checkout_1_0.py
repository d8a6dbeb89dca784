"""checkout 1.0: buys one item; each call to the inventory has its own connection and one attempt."""

import os
from http.client import HTTPConnection, HTTPException

from serving import Answer, serve

INVENTORY = (os.environ["INVENTORY_SERVICE_HOST"], int(os.environ["INVENTORY_SERVICE_PORT"]))


def take() -> bytes:
    connection = HTTPConnection(*INVENTORY, timeout=1)
    try:
        connection.request("GET", "/take")
        return connection.getresponse().read()
    finally:
        connection.close()


def buy() -> Answer:
    try:
        return 200, {"bought": take().decode()}
    except (OSError, HTTPException) as error:
        return 502, {"error": f"the inventory does not answer: {error}"}


if __name__ == "__main__":
    serve({"/buy": buy})

"""inventory 1.0: takes one item from the shelf."""

import itertools

from serving import Answer, serve

taken = itertools.count(1)


def take() -> Answer:
    return 200, {"item": "tea", "taken": next(taken)}


if __name__ == "__main__":
    serve({"/take": take})

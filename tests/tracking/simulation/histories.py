"""Histories by their seed: what people do, with trouble in between, and then calm."""

from collections.abc import Callable
from typing import Any

from tests.tracking.simulation.world import CALM, Roughness, World

DEEDS = (
    ("deploy", 8),
    ("deploy_same_tag", 2),
    ("rollback", 4),
    ("docs_commit", 2),
    ("scale", 1),
    ("label", 1),
    ("restart", 2),
    ("lose_pod", 1),
    ("stick", 1),
    ("delete", 1),
)


def play(seed: int, **worse: Callable[[Any], Any]) -> World:
    """One whole history, calm at its end."""
    world = World(seed, **worse)
    random = world.random
    world.rough = Roughness(
        requests=random.choice((0.0, 0.02, 0.05, 0.2)),
        watches=random.choice((0.0, 0.1, 0.5)),
        between=random.choice((0.0, 0.1, 0.3)),
        leaders=random.choice((0.0, 0.2, 0.8)),
        clocks=random.choice((0.0, 0.0, 0.3)),
        people=random.choice((0.0, 0.0, 0.0, 0.2)),
    )
    rough, world.rough = world.rough, CALM
    if random.random() < 0.8:
        world.start()
    world.rough = rough
    world.tell("world", str(rough))
    if random.random() < 0.7:
        world.tell("people", world.shop.create(world.now))
    if random.random() < 0.5:
        world.rough = CALM
        world.come_to_rest()
        world.rough = rough
    names, weights = zip(*DEEDS, strict=True)
    for _ in range(random.randint(1, 7)):
        for _ in range(random.choice((5, 30, 60, 90))):
            world.step()
        if random.random() < 0.15:
            world.push(world.folder.changed(random))
        deed = random.choices(names, weights)[0] if world.shop.uid else "create"
        world.tell("people", getattr(world.shop, deed)(world.now))
    for _ in range(random.choice((0, 10, 60))):
        world.step()
    world.calm()
    return world

"""The end of every world: all works again, and all that is on its way arrives."""

from typing import TYPE_CHECKING

from simulation.till import TillMachine

if TYPE_CHECKING:
    from simulation.world import World

ROUNDS = 30
"""So many turns of sync are more than enough for all to arrive once nothing disturbs."""


def heal(world: "World") -> None:
    """Start every machine from its disk once more, and let them talk until nothing is left."""
    world.tell("world", "everything is healed")
    world.network.heal()
    _start_all(world)
    while world.network.flying:
        world.network.deliver()
    for till in world.tills:
        world.act(till, till.pull)
    for _ in range(ROUNDS):
        for till in world.tills:
            _sync(world, till)
        if all(_is_done(world, till) for till in world.tills):
            return
    world.tell("world", "sync does not come to an end")


def _start_all(world: "World") -> None:
    for till in world.tills:
        if till.up:
            till.stop()
    if not world.server.dark:
        world.crash_server("is switched off by force")
    world.server.start()
    for till in world.tills:
        world.act(till, till.start)


def _sync(world: "World", till: TillMachine) -> None:
    """What the two threads of sync would do next."""
    if till.waiting and not till.stuck:
        world.act(till, till.push)
    elif till.version != world.server.version():
        world.act(till, till.pull)


def _is_done(world: "World", till: TillMachine) -> bool:
    """Whether the till has heard all that was published, and told all that it can."""
    heard = till.version == world.server.version()
    return till.sync.state.revoked or (heard and (till.stuck or not till.waiting))

"""What stands in the way of a cluster, told before anything that takes minutes begins."""

from hack.cluster import machine
from hack.cluster.control_plane import answers
from hack.cluster.holders import program_on
from hack.cluster.parts import running
from hack.cluster.places import ClusterError, State, down_command
from hack.cluster.processes import trusted_states
from hack.cluster.settings import Settings


def check(state: State, wanted: Settings) -> None:
    """Find what would keep this cluster from coming up: the machine, other settings, ports that somebody else holds.

    Raises:
        ClusterError: in one line, with the command that helps.
    """
    machine.check(wanted.node)
    there = Settings.read(state)
    if there and any(running(state, there).values()):
        if there != wanted:
            raise ClusterError(f"{state.root} is up with other settings, {there}; end it first: {down_command(state)}")
        return  # this cluster holds its ports itself
    taken = [port for port in wanted.ports if answers(port)]
    if taken:
        raise ClusterError(in_use(taken, holder_of(taken)))


def holder_of(ports: list[int]) -> State | None:
    """The running cluster to which one of the ports belongs; None where it is none whose folder is believed."""
    return next((o for o in trusted_states() if (has := _settings(o)) and not set(has.ports).isdisjoint(ports)), None)


def in_use(ports: list[int], holder: State | None) -> str:
    """Say who holds the ports, and how to have them."""
    named = f"port{'s' * (len(ports) > 1)} {', '.join(map(str, ports))} {'are' if len(ports) > 1 else 'is'} in use"
    others = "or take other ports with --port-base"
    if holder is None:
        programs = dict.fromkeys(filter(None, map(program_on, ports)))
        return f"{named} by {', '.join(programs) or 'another program'}; end it, {others}"
    return f"{named} by the cluster in {holder.root}; end it with {down_command(holder)}, {others}"


def _settings(state: State) -> Settings | None:
    try:
        return Settings.read(state)
    except ClusterError:
        return None

"""What of a cluster must not go through the machine's HTTP proxy: all of it is on this machine."""

from collections.abc import Mapping

OWN = ("127.0.0.1", "localhost", ".svc", ".cluster.local", "10.244.0.0/16", "10.245.0.0/16", "10.96.0.0/16")
"""This machine, the names of Services, and the networks of every cluster (`settings`): pods, links, Services."""
NAMES = ("NO_PROXY", "no_proxy")


def past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, with the clusters' own addresses added to those that are reached without a proxy.

    Some programs read one of the two names, some the other: both say the same afterwards.
    """
    said = (each.strip() for name in NAMES for each in environ.get(name, "").split(","))
    value = ",".join(dict.fromkeys((*filter(None, said), *OWN)))
    return {**environ, **dict.fromkeys(NAMES, value)}

"""What can be wrong with Redis: each fault has a short word that stays, what it means, and what to do about it.

``docs/redis.md`` repeats this table; a test compares the two.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass

from redis import exceptions as client
from redis.asyncio.sentinel import MasterNotFoundError


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which Redis cannot be used: known by the client's exceptions, or by a pattern in their text."""

    word: str
    meaning: str
    advice: str
    kinds: tuple[type[BaseException], ...] = ()
    pattern: re.Pattern[str] | None = None

    def fits(self, error: BaseException) -> bool:
        """Whether ``error`` is of this kind."""
        return isinstance(error, self.kinds) or (self.pattern is not None and bool(self.pattern.search(str(error))))


# The first that fits counts, so the special ones stand before the general ones. Codes are searched for anywhere in the
# text: Redis 6.2 wraps the error of a command in a script into one of its own.
FAULTS = (
    Fault(
        "no-master",
        "no Sentinel that answers knows a healthy master of that name",
        "check the Sentinels' addresses, user and password and the name of the master in REDIS_URL",
        (MasterNotFoundError,),
    ),
    Fault(
        "tls",
        "the TLS handshake failed",
        "check that the port speaks TLS, the certificate's names and dates, and ssl_ca_certs in REDIS_URL",
        (ssl.SSLError,),
        re.compile(r"\[SSL"),
    ),
    Fault(
        "unknown-host",
        "a host of REDIS_URL has no address",
        "check its name, its namespace and the cluster's DNS",
        (socket.gaierror,),
    ),
    Fault(
        "auth",
        "Redis does not take the user and password of REDIS_URL, or wants some",
        "set those that the server has; percent-encode special characters",
        (client.AuthenticationError, client.AuthenticationWrongNumberOfArgsError),
        re.compile(r"NOAUTH|WRONGPASS"),
    ),
    Fault(
        "permission",
        "the Redis user may not run a command or use a key that the queue needs",
        "grant what docs/redis.md lists under Access",
        (client.NoPermissionError,),
        re.compile(r"NOPERM|user executing the script can't|has no permissions"),
    ),
    Fault(
        "loading",
        "Redis is reading its data from disk after a start",
        "wait; the queue needs no persistence, so that a Redis of its own can do without",
        (client.BusyLoadingError,),
        re.compile(r"LOADING "),
    ),
    Fault(
        "master-down",
        "this is a replica that has lost its master",
        "name the master in REDIS_URL, or follow it through Sentinel",
        (client.MasterDownError,),
        re.compile(r"MASTERDOWN "),
    ),
    Fault(
        "cluster-down",
        "the Cluster does not serve the slot of the queue's keys",
        "bring its failed nodes back; CLUSTER INFO says which slots are not served",
        (client.ClusterDownError, client.SlotNotCoveredError),
        re.compile(r"CLUSTERDOWN "),
    ),
    Fault(
        "moved",
        "the queue's keys are on, or on their way to, another node of a Cluster",
        "use redis+cluster:// in REDIS_URL; while slots are being moved, wait",
        (client.AskError, client.TryAgainError, client.ClusterCrossSlotError),
        re.compile(r"\b(MOVED|ASK) \d+ |TRYAGAIN |CROSSSLOT |TTL exhausted"),
    ),
    Fault(
        "not-a-cluster",
        "REDIS_URL names a Cluster, and this server is none",
        "use redis:// in REDIS_URL",
        pattern=re.compile(r"Cluster mode is not enabled|cluster support disabled"),
    ),
    Fault(
        "out-of-memory",
        "Redis has reached maxmemory and refuses writes",
        "raise maxmemory, or give the queue a Redis of its own",
        (client.OutOfMemoryError,),
        re.compile(r"OOM command not allowed"),
    ),
    Fault(
        "read-only",
        "this is a replica, or a master that has just become one",
        "name the master in REDIS_URL, or follow it through Sentinel; after a failover, wait",
        (client.ReadOnlyError,),
        re.compile(r"READONLY |previous master is now a (slave|replica)"),
    ),
    Fault(
        "cannot-save",
        "Redis refuses writes because it could not save to disk",
        "make room on its disk, or set stop-writes-on-bgsave-error no",
        pattern=re.compile(r"MISCONF "),
    ),
    Fault(
        "no-replicas",
        "Redis refuses writes because too few replicas follow it",
        "bring them back, or lower min-replicas-to-write",
        pattern=re.compile(r"NOREPLICAS "),
    ),
    Fault(
        "busy",
        "a script of somebody's keeps Redis from answering",
        "find it with SLOWLOG or the log, and end it with SCRIPT KILL",
        pattern=re.compile(r"\bBUSY "),
    ),
    Fault(
        "too-many-clients",
        "Redis takes no more connections",
        "raise maxclients, or find who holds them with CLIENT LIST",
        (client.MaxConnectionsError,),
        re.compile(r"max number of clients"),
    ),
    Fault(
        "unsupported",
        "Redis does not know a command that the queue needs",
        "use Redis 6.2 or newer, or Valkey, and rename none of the commands that docs/redis.md lists under Access",
        pattern=re.compile(r"(?i)unknown (sub)?command|unknown redis command|not supported"),
    ),
    Fault(
        "wrong-type",
        "somebody else wrote under the queue's keys",
        "give each installation a database of its own; the operator makes its index anew",
        pattern=re.compile(r"WRONGTYPE "),
    ),
    Fault(
        "not-redis",
        "what answers is no Redis",
        "check host and port of REDIS_URL, and whether the port speaks TLS (rediss://)",
        (client.InvalidResponse,),
        re.compile(r"Protocol Error"),
    ),
    Fault(
        "timeout",
        "Redis did not answer in time",
        "see whether it hangs or is paused, whether packets are dropped, and whether rediss:// meets a plain port",
        (client.TimeoutError, TimeoutError),
        re.compile(r"^Timeout "),
    ),
    Fault(
        "refused",
        "nobody listens at host and port of REDIS_URL",
        "see whether Redis runs, and check host and port, or the path of the socket",
        (ConnectionRefusedError, FileNotFoundError),
        re.compile(r"Connection refused|No such file or directory"),
    ),
    Fault(
        "unreachable",
        "there is no way to the host of REDIS_URL",
        "check its address, routes and network policies",
        pattern=re.compile(r"(?i)no route to host|network is unreachable|host is unreachable"),
    ),
    Fault(
        "closed",
        "the connection was closed",
        "see why Redis, or a proxy before it, ended it; a restart or a failover does, and passes",
        (client.ConnectionError, OSError),
    ),
    Fault(
        "other",
        "Redis answered with an error that has no word here",
        "read its own words",
        (BaseException,),
    ),
)

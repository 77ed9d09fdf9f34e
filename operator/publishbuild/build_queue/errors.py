"""Whatever the client raises becomes one error, with a word, what it means and what to do: see `FAULTS`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from redis.exceptions import RedisClusterException, RedisError

from publishbuild.build_queue.faults import FAULTS, Fault

# What the client raises: some errors of a Cluster are no RedisError.
UNREACHABLE = (RedisError, RedisClusterException, OSError)

_LONGEST_DETAIL = 200
_COMMAND = re.compile(r"^Command # \d+ .*? of pipeline caused error: ", re.DOTALL)
_ARGUMENTS = re.compile(r",? with args beginning with")


class QueueUnavailableError(Exception):
    """Redis cannot be used now; the text says why and never holds the URL, which may carry a password.

    ``word`` is the one of `FAULTS` that fits.
    """

    def __init__(self, text: str, word: str = "other") -> None:
        super().__init__(text)
        self.word = word


def fault_of(error: BaseException) -> Fault:
    """The fault behind ``error``, or behind what it was raised from: the client often hides the first cause."""
    chain = list(_chain(error))
    return next(fault for fault in FAULTS if any(fault.fits(link) for link in chain))


def unavailable(error: BaseException) -> QueueUnavailableError:
    """The error for the log: word, meaning, advice and the server's own words, in one line."""
    fault = fault_of(error)
    return QueueUnavailableError(f"{fault.word}: {fault.meaning}; {fault.advice} ({_detail(error)})", fault.word)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _detail(error: BaseException) -> str:
    # The client repeats the command, the server its arguments: the one is long, the other may be a password.
    text = _COMMAND.sub("", str(error))
    text = _ARGUMENTS.split(text)[0]
    text = " ".join(f"{type(error).__name__}: {text}".split())
    return text if len(text) <= _LONGEST_DETAIL else f"{text[:_LONGEST_DETAIL]}…"

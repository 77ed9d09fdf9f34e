"""The arguments of ``make demo``, refused in one line where they do not fit together."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hack.demo.images import DemoImages

ABOUT = """Build and submit a real Expo app through the whole chain, twice; one of the two fails as it should."""


def arguments_of(words: Sequence[str]) -> argparse.Namespace:
    """What was asked for; what does not fit together ends the process with one line."""
    parser = argparse.ArgumentParser(prog="make demo", description=ABOUT)
    parser.add_argument("--keep", action="store_true", help="leave everything up afterwards (make demo KEEP=1)")
    parser.add_argument("--context", help="use this context of your own kubeconfig (make demo CONTEXT=name)")
    parser.add_argument("--registry", default="", help="where the nodes pull the images that `make push` put there")
    parser.add_argument("--began", type=float, help="when `make` began (Unix time), for the times at the end")
    arguments = parser.parse_args(words)
    if arguments.registry and not arguments.context:
        parser.error("--registry is for a cluster of your own: name its --context too")
    try:
        DemoImages.of(arguments.registry)
    except ValueError as error:
        parser.error(str(error))
    return arguments

"""``python -m tests.standins.eas_api --port 3000``: the stand-in alone, for the host."""

from __future__ import annotations

import argparse
import logging

from aiohttp import web

from tests.standins.eas_api.server import make_app


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Stand-in for Expo's EAS API (builds and publishes nothing).")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
    web.run_app(make_app(), host=arguments.host, port=arguments.port)


if __name__ == "__main__":
    main()

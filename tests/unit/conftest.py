"""Hypothesis for the unit tests: the same examples at every run, few enough for `make check`.

``HYPOTHESIS_PROFILE=deep`` tries many more, new ones at every run.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_CALM = (HealthCheck.too_slow,)  # the machine is shared

settings.register_profile(
    "unit", max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=_CALM
)
settings.register_profile("deep", max_examples=2000, deadline=None, suppress_health_check=_CALM)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))

"""A machine behind an HTTP proxy runs a cluster like any other: its parts talk to each other without it."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

import pytest

from hack.cluster.places import State
from hack.cluster.processes import end, noted, start
from hack.cluster.proxies import OWN, past_proxies
from hack.cluster.settings import NETWORKS, STEP, Settings
from tests.support.waiting import until


def test_both_names_say_the_same_and_keep_what_was_said() -> None:
    """What either of them said is kept once, and the clusters' addresses are added."""
    made = past_proxies({"NO_PROXY": "example.org, .corp", "no_proxy": ".corp,localhost", "X": "y"})
    assert made["NO_PROXY"] == made["no_proxy"]
    assert made["NO_PROXY"].split(",")[:3] == ["example.org", ".corp", "localhost"]
    assert set(OWN) <= set(made["no_proxy"].split(","))
    assert made["NO_PROXY"].count("localhost") == 1
    assert made["X"] == "y"


@pytest.mark.parametrize("base", [1, 16440, 16500, STEP * NETWORKS - 1, 65_529])
def test_every_address_of_every_cluster_is_covered(base: int) -> None:
    """Whatever the port base: pods, Services, node and machine are in one of the networks."""
    settings = Settings("real", base)
    known = [ipaddress.ip_network(each) for each in OWN if "/" in each]
    for network in (settings.pod_network, settings.service_network, settings.link_network, settings.host_address):
        assert any(ipaddress.ip_network(network).subnet_of(each) for each in known), network  # type: ignore[arg-type]


def test_a_part_of_a_cluster_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that was started behind a proxy finds the addresses in its environment."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.delenv("no_proxy", raising=False)
    state = State(tmp_path / "s")
    state.make()
    told = tmp_path / "told"
    program = f"import os; open({str(told)!r}, 'w').write(os.environ['NO_PROXY'] + ' ' + os.environ['no_proxy'])"
    part = start(state, "part", [sys.executable, "-c", program])
    try:
        until(lambda: not noted(state, "part"), seconds=20, what="the part has ended")
    finally:
        end([part])
    assert told.read_text() == " ".join([",".join(["example.org", *OWN])] * 2)

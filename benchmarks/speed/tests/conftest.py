"""A small workload and the processes of all peers, for several test files."""

import pytest

from benchmarks.speed.peer_processes import PeerProcesses
from benchmarks.speed.peers import PEERS, Peer
from benchmarks.speed.workloads import Workload


@pytest.fixture(scope="session")
def quick():
    """A workload that trains in an instant."""
    return Workload("digits", (8,), batch_size=200, peers=("numpy",))


@pytest.fixture(scope="session")
def processes():
    """Processes of all peers, of one more that is wrong and of one not installed."""
    with pytest.MonkeyPatch.context() as patch:
        target = "benchmarks.speed.tests.wrong_peer:WrongRatePeer"
        patch.setitem(PEERS, "wrong", Peer("Wrong", "numpy", target))
        absent = Peer("Absent", "no_such_module_at_all", "none:None")
        patch.setitem(PEERS, "absent", absent)
        with PeerProcesses(list(PEERS)) as running:
            yield running

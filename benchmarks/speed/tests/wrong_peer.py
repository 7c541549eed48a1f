"""A peer with a mistake that validation must find."""

from benchmarks.speed.peers.numpy_loop import NumpyPeer


class WrongRatePeer(NumpyPeer):
    """A peer with a learning rate that is slightly too large."""

    def make(self, workload, X, y, parameters):
        faster = workload._replace(learning_rate=1.0001 * workload.learning_rate)
        return super().make(faster, X, y, parameters)

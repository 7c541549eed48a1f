"""Time an epoch of cymlp beside its peers: the same network, the same work, one run.

Each peer runs in a process of its own, on one thread. Before anything is timed, all of
them train one epoch in float64 from the same weights in the same order, and have to end
with the same weights. Then they take turns, an epoch each, so that what else the
machine does hits all alike. A time includes the shuffling; the ratio is the figure to
look at.
"""

import argparse
import multiprocessing
import os

SIZES = (784, 28, 10)
BATCH_SIZE = 100
SETTINGS = {"learning_rate": 0.01, "momentum": 0.9, "weight_decay": 1e-4}
REFERENCE = "NumPy, in place"


def make_cymlp(X, y, theta, seed):
    """Give a function that trains an epoch of cymlp and returns the parameters."""
    import numpy as np

    from cymlp.activations import Tanh
    from cymlp.dataset import Dataset, Targets
    from cymlp.losses import CrossEntropy
    from cymlp.network import Network
    from cymlp.optimizers import SGD
    from cymlp.training import Training

    training = Training(
        Network([X.shape[1], *SIZES[1:]], [Tanh()], CrossEntropy(), BATCH_SIZE),
        np.stack([theta, np.zeros_like(theta)]).astype(X.dtype),
        SGD(**SETTINGS),
        Dataset(X, Targets(y, None, SIZES[-1]), None),
        np.arange(len(y)),
        np.random.RandomState(seed),
        None,
    )

    def run_epoch():
        training.run_epoch()
        return training.state[0]

    return run_epoch


def make_numpy(X, y, theta, seed):
    """Give a function that trains an epoch in NumPy and returns the parameters."""
    import numpy as np
    from numpy_loop import NumpyLoop

    loop = NumpyLoop(X, y, theta, *SIZES[1:], BATCH_SIZE, **SETTINGS)
    random_state = np.random.RandomState(seed)

    def run_epoch():
        loop.run_epoch(random_state.permutation(len(y)))
        return loop.theta

    return run_epoch


PEERS = {REFERENCE: make_numpy, "cymlp": make_cymlp}


def work(name, pipe):
    """Be the process of a peer: answer "validate" and "time" until "stop"."""
    import time

    import data
    import numpy as np

    dataset = data.load("mnist")
    X, y = data.scale(dataset.X_train), dataset.y_train.astype(np.intp)
    usable = len(X) // BATCH_SIZE * BATCH_SIZE
    X, y = X[:usable], y[:usable]
    n_features, n_hidden, n_classes = X.shape[1], *SIZES[1:]
    n_parameters = (n_features + 1) * n_hidden + (n_hidden + 1) * n_classes
    theta = np.random.RandomState(0).normal(0, 0.01, n_parameters)
    run_epoch = PEERS[name](X, y, theta, 0)
    pipe.send(f"{dataset.source}, {X.shape[0]} x {X.shape[1]}")
    while (request := pipe.recv()) != "stop":
        if request == "validate":
            pipe.send(PEERS[name](X.astype(np.float64), y, theta, 0)())
        else:
            start = time.perf_counter()
            run_epoch()
            pipe.send(time.perf_counter() - start)


def start_peers():
    """Start a process per peer, each held to one thread."""
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    peers = {}
    for name in PEERS:
        peers[name], theirs = context.Pipe()
        context.Process(target=work, args=(name, theirs), daemon=True).start()
        source = peers[name].recv()
    return peers, source


def ask(peer, request):
    """Send a request to a peer and wait for the answer."""
    peer.send(request)
    return peer.recv()


def validate(peers):
    """Have every peer end an epoch in float64 with the weights of the reference."""
    import numpy as np

    expected = ask(peers[REFERENCE], "validate")
    for name, peer in peers.items():
        difference = np.abs(ask(peer, "validate") - expected).max()
        if not difference < 1e-10:
            raise SystemExit(f"{name} computes something else: {difference} off")


def main():
    """Run the command line."""
    import numpy as np

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=15)
    epochs = parser.parse_args().epochs
    peers, source = start_peers()
    print(f"{'-'.join(map(str, SIZES))}, batch {BATCH_SIZE}, float32; {source}")
    validate(peers)
    print("After an epoch in float64 all have the same weights, to 1e-10.")
    times = {name: [] for name in peers}
    for epoch in range(epochs + 1):
        for name, peer in peers.items():
            seconds = ask(peer, "time")
            if epoch > 0:  # the first only warms up
                times[name].append(seconds)
    reference = np.median(times[REFERENCE])
    print(f"\n| seconds an epoch | best | median of {epochs} | ratio of medians |")
    print("| --- | --- | --- | --- |")
    for name, seconds in times.items():
        median = np.median(seconds)
        ratio = median / reference
        print(f"| {name} | {min(seconds):.4f} | {median:.4f} | {ratio:.2f} |")
    for peer in peers.values():
        peer.send("stop")


if __name__ == "__main__":
    main()

"""Connection to a Dask cluster, and calls of a function on its workers."""

import asyncio
import sys
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np

import benchmarks

TIMEOUT = 10  # seconds to wait for an answer of the scheduler


class ClusterError(ValueError):
    """The cluster cannot be reached, or cannot run the work."""


@contextmanager
def connected(address):
    """Connect to a cluster whose workers have the same cymlp as this process.

    Parameters
    ----------
    address : str
        Address of the scheduler.

    Yields
    ------
    client : distributed.Client

    Raises
    ------
    ClusterError
        If dask.distributed is not installed, no scheduler answers, or the scheduler or
        a worker lacks this version of cymlp.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            "dask.distributed is not installed here; run pip install distributed"
        ) from error
    try:
        # A client that fails to connect leaves a thread that prints errors at exit.
        asyncio.run(asyncio.wait_for(reach(address), TIMEOUT))
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no scheduler answers ({str(error) or f'within {TIMEOUT} s'}); the "
            "address must be the one that dask scheduler prints, such as "
            "tcp://10.0.0.5:8786"
        ) from error
    with Client(address, timeout=TIMEOUT, set_as_default=False) as client:
        check_versions(client)
        yield client


async def reach(address):
    """Open a connection to a scheduler and close it."""
    from distributed.comm import connect
    from distributed.security import Security

    arguments = Security().get_connection_args("client")
    comm = await connect(address, **arguments)
    await comm.close()


def check_versions(client):
    """Raise a ClusterError if results may differ there, or cannot be computed."""
    expected = version("cymlp")
    found = client.run(version, "cymlp", on_error="return")
    if not found:
        print("The cluster has no workers yet; waiting for them.", file=sys.stderr)
    try:
        found["the scheduler"] = client.run_on_scheduler(version, "cymlp")
    except ImportError as error:
        found["the scheduler"] = error
    for place, answer in found.items():
        if answer != expected:
            raise ClusterError(
                f"{place} has cymlp {answer!r}; it must be {expected!r}, as here"
            )


def call_for_each(client, function, items, arrays, **settings):
    """Have the workers of a cluster call a function once for each item.

    Dask repeats the call of a worker that dies on another worker.

    Parameters
    ----------
    client : distributed.Client
    function : callable
        Called as ``function(item, *arrays, **settings)``. The package benchmarks is
        sent along; workers need not have it.
    items : dict of object to object
        Items by key, started in this order.
    arrays : sequence of ndarray
        Arrays that are sent once for all items.
    **settings
        Keyword arguments of all calls.

    Yields
    ------
    key : object
        Key of the item.
    future : distributed.Future
        Finished call, valid until the loop over this generator ends. When it ends, for
        whatever reason, calls that have not started are cancelled, and results of
        calls that are running are discarded.
    """
    import cloudpickle
    import dask
    from distributed import as_completed

    cloudpickle.register_pickle_by_value(benchmarks)
    # Scattered arrays would be lost with the last worker that holds them. As arguments
    # of a task they stay with the scheduler too, which warns about their size.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
        shared = [client.submit(np.asarray, array, pure=False) for array in arrays]

    def call(item, *arrays):
        # Dask pickles a nested function, and all it refers to, with cloudpickle.
        return function(item, *arrays, **settings)

    futures = {
        client.submit(call, item, *shared, pure=False): key
        for key, item in items.items()
    }
    try:
        for future in as_completed(futures, loop=client.loop):
            yield futures[future], future
    finally:
        client.cancel([*futures, *shared])

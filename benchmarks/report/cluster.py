"""A Dask cluster: reaching it, and having its workers call a function many times."""

import asyncio
import sys
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np

import benchmarks

TIMEOUT = 10  # seconds a scheduler may stay silent


class ClusterError(ValueError):
    """There is no such cluster, or it cannot do the work."""


@contextmanager
def connected(address):
    """Connect to a cluster whose workers have the same cymlp as this process.

    Parameters
    ----------
    address : str
        Of the scheduler.

    Yields
    ------
    client : distributed.Client

    Raises
    ------
    ClusterError
        If dask.distributed is not installed, no scheduler answers, or the scheduler or
        a worker has another cymlp or none.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            "dask.distributed is not installed here; pip install distributed brings it"
        ) from error
    try:
        # A client that fails to connect leaves a thread that complains at the end.
        asyncio.run(asyncio.wait_for(reach(address), TIMEOUT))
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no scheduler answers there ({str(error) or f'within {TIMEOUT} s'}); it "
            "must be the address that a dask scheduler prints, as tcp://10.0.0.5:8786"
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
    """Refuse a cluster whose results may differ, or that could not train at all."""
    ours = version("cymlp")
    found = client.run(version, "cymlp", on_error="return")
    if not found:
        print("The cluster has no workers yet; waiting for some.", file=sys.stderr)
    try:
        found["the scheduler"] = client.run_on_scheduler(version, "cymlp")
    except ImportError as error:
        found["the scheduler"] = error
    for where, theirs in found.items():
        if theirs != ours:
            raise ClusterError(
                f"asked for its version of cymlp, {where} answers {theirs!r}; it must "
                f"be {ours!r}, as here"
            )


def each(client, function, items, arrays, **settings):
    """Have the workers of a cluster call a function for each of some items.

    What a worker was at when it died is given to another one, by Dask.

    Parameters
    ----------
    client : distributed.Client
    function : callable
        Called as ``function(item, *arrays, **settings)``. This package is sent along,
        so that workers need not have it.
    items : dict of object to object
        Begun in their order.
    arrays : sequence of ndarray
        Sent once, and not with each item.
    **settings
        The same for all.

    Yields
    ------
    key : object
        Of items.
    future : distributed.Future
        Done, and of use until the end of the loop over them. However the loop ends, all
        are cancelled then: what has not begun never will, and what has been begun goes
        on to its end but is thrown away.
    """
    import cloudpickle
    import dask
    from distributed import as_completed

    cloudpickle.register_pickle_by_value(benchmarks)
    # Scattered arrays would be lost with the last worker that has them. As arguments of
    # a task they stay with the scheduler, too, which warns of their size.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
        shared = [client.submit(np.asarray, array, pure=False) for array in arrays]

    def call(item, *arrays):
        # Dask leaves a function within a function to cloudpickle, and all with it.
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

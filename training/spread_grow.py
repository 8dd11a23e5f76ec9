"""Grow trees on parts that lie on several workers: LightGBM's own distributed mode, one machine to a part.

LightGBM finds the edges of its bins per machine and counts one machine to a worker, so its model follows the cluster.
Here the edges are found on the same sample everywhere, and the machines are the parts of the plan: a worker runs as
many of them, each in a thread, as it holds parts. Sums of gradients are then added up in the same order whatever the
number of workers.
"""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Floats
from training.fit_pd import rounds_of, until_stop
from training.plan import Trees
from training.spread_shelf import Block, Shelf

TRAIN, IN_TIME = (0,), (0, 1)
CONNECT_MINUTES = 1
PORTS, TRIES = range(20_000, 32_000), 1_000
"""Where machines listen: below the ports that systems hand out (from 32,768 on Linux, 49,152 elsewhere)."""
USUAL = {"local_listen_port": "12400", "time_out": "120", "machines": ""}
"""Lines of LightGBM's text that tell of the network of one run and not of the model, with what stands there without."""


@dataclass(frozen=True)
class Order:
    """What every machine is told.

    Attributes:
        names: inputs, in order.
        chosen: parameters of LightGBM.
        fit: rounds and patience.
        x: sampled in-time rows, shape (m, inputs): edges of bins are found on them.
        stop: which of them lie in the early-stopping window; growing stops on these, shape (m,).
        y, w: their outcomes and weights, shape (m,).
    """

    names: tuple[str, ...]
    chosen: Mapping[str, Any]
    fit: Trees
    x: Floats
    stop: Bools
    y: Floats
    w: Floats


@dataclass(frozen=True)
class Net:
    """Addresses of the machines, ``host:port`` in the order of the parts: for the first fit, and for the second."""

    first: tuple[str, ...]
    second: tuple[str, ...]

    def ports(self) -> set[int]:
        """All ports."""
        return {int(place.rsplit(":", 1)[1]) for place in (*self.first, *self.second)}


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on, none of those that systems hand out by themselves.

    LightGBM ends its process when a stranger speaks to a machine that waits for its neighbours, and a port that was
    handed out before may still be called by whoever knew its last owner.
    """
    with ExitStack() as held:
        found: list[int] = []
        for port in random.SystemRandom().sample(PORTS, TRIES):
            one = held.enter_context(socket.socket())
            with suppress(OSError):
                one.bind(("", port))
                found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"fewer than {count} free ports between {PORTS.start} and {PORTS.stop}")


def grow_parts(folder: Path, own: Sequence[int], order: Order, net: Net) -> list[str]:
    """Run the machines of some parts.

    Args:
        folder: where this worker laid them out.
        own: numbers of the parts.
        order: what to grow.
        net: addresses of all machines.

    Returns:
        LightGBM's text of the booster by each of them.

    Raises:
        LightGBMError: another machine was lost, or cannot be reached.
    """
    import lightgbm as lgb

    # bins of the first fit come from the rows of the first window, as they do in one process
    edges = [_dataset(lgb, order, order.x[rows]) for rows in (~order.stop, slice(None))]
    with ThreadPoolExecutor(len(own)) as pool:
        running = [pool.submit(_machine, Shelf(folder), p, order=order, net=net, edges=edges) for p in own]
        try:
            for one in as_completed(running):
                one.result()
        except BaseException:
            cut_off(net.ports())
            raise
    return [one.result() for one in running]


def _machine(shelf: Shelf, part: int, *, order: Order, net: Net, edges: Sequence[Any]) -> str:
    """One machine: find the number of trees, then fit on all in-time rows."""
    import lightgbm as lgb

    blocks = shelf.blocks(part, len(order.names))
    watched = _dataset(lgb, order, order.x[order.stop], edges[0], order.y[order.stop], order.w[order.stop])
    grow = _of_blocks(lgb, order, blocks, windows=TRAIN, edges=edges[0])
    with _connected(order.chosen, net.first, part) as (chosen, boosters):
        boosters.append(until_stop(grow, watched, order.fit, chosen))
        rounds = rounds_of(boosters[0])
    del grow, watched
    everything = _of_blocks(lgb, order, blocks, windows=IN_TIME, edges=edges[1])
    with _connected(order.chosen, net.second, part) as (chosen, boosters):
        boosters.append(lgb.train(dict(chosen), everything, rounds))
        return as_usual(str(boosters[0].model_to_string()))


def as_usual(text: str) -> str:
    r"""LightGBM's text without the addresses of a run.

    Example:
        >>> as_usual("[num_machines: 2]\n[machines: 10.0.0.7:4000,10.0.0.8:4000]\n")
        '[num_machines: 2]\n[machines: ]\n'
    """
    for name, value in USUAL.items():
        text = re.sub(rf"^\[{name}: .*\]$", f"[{name}: {value}]", text, flags=re.MULTILINE)
    return text


@contextmanager
def _connected(
    chosen: Mapping[str, Any], places: tuple[str, ...], part: int
) -> Iterator[tuple[Mapping[str, Any], list[Any]]]:
    """Parameters of one machine among others, and a list for the booster that holds on to the network."""
    boosters: list[Any] = []
    alone = len(places) == 1
    network = {} if alone else {
        "tree_learner": "data", "num_machines": len(places), "machines": ",".join(places),
        "local_listen_port": int(places[part].rsplit(":", 1)[1]), "time_out": CONNECT_MINUTES,
    }  # fmt: skip
    try:
        yield {**chosen, **network}, boosters
    finally:
        for booster in [] if alone else boosters:
            booster.free_network()


def _dataset(lgb: Any, order: Order, x: Any, edges: Any = None, y: Any = None, w: Any = None) -> Any:
    made = lgb.Dataset(
        x, y, weight=w, reference=edges, feature_name=list(order.names), params=dict(order.chosen), free_raw_data=True
    )
    return made.construct()


def _of_blocks(lgb: Any, order: Order, blocks: Sequence[Block], *, windows: tuple[int, ...], edges: Any) -> Any:
    """A data set filled block by block: numbers become bins of one byte as they are read."""

    class Rows(lgb.Sequence):  # type: ignore[misc]
        """Rows of a block, read when LightGBM asks for them."""

        def __init__(self, block: Block) -> None:
            self.block, found = block, block.rows(windows)
            self.y, self.w = found["y"].copy(), found["w"].copy()
            self.batch_size = max(len(found), 1)

        def __len__(self) -> int:
            return len(self.y)

        def __getitem__(self, index: Any) -> Any:
            return np.ascontiguousarray(self.block.rows(windows)["x"][index])

    rows = [one for one in map(Rows, blocks) if len(one)]
    if not rows:
        raise ValueError("a part without rows")
    y, w = (np.concatenate([getattr(one, name) for one in rows]) for name in "yw")
    return _dataset(lgb, order, rows, edges, y, w)


def cut_off(ports: set[int]) -> int:
    """Let every connection of this process to some ports fail, so that no machine waits for one that is gone.

    A machine waits for a neighbour that is alive but waits itself, and reads nothing for ever from one that ended in
    good order. Its connections are shut down, which wakes it, and their sockets replaced by a file that is no socket:
    the next reading is an error, and LightGBM ends with it.

    Returns:
        Number of connections.
    """
    import psutil

    process = psutil.Process()
    found = (process.net_connections if hasattr(process, "net_connections") else process.connections)("tcp")
    ends = [one.fd for one in found if ports & {end.port for end in (one.laddr, one.raddr) if end}]
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        for end in ends:
            with suppress(OSError), socket.socket(fileno=os.dup(end)) as line:
                line.shutdown(socket.SHUT_RDWR)
            os.dup2(nothing, end)
    finally:
        os.close(nothing)
    return len(ends)

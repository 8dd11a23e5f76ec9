"""Training on a Dask cluster, for tapes beyond the memory of one process (extra ``dask``).

Every worker reads the whole tape piece by piece, keeps the rows of its own parts on its disk, and grows the trees of
the PD model together with the others. What else is fitted, calibrated and measured needs few rows: they come to this
process, all of a window up to the limit of the plan, else a sample of it by a hash of the row. A lost worker ends the
run; nothing is written before everything is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts import contract
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns
from training.cell_counts import added
from training.datasets import Tape, refuse_broken
from training.leakage import refuse_leaks
from training.plan import Plan, Spread, Trees
from training.row_hash import tape_digest
from training.split import WINDOWS, Windows, refuse_empty
from training.spread_grow import Net, Order, free_ports, grow_parts
from training.spread_parts import Found, Look, Piece, Rates, Sample, gathered, joined, looked
from training.spread_team import Cluster, Team, library, team
from training.train import Reading, Ready, Say
from training.whole import Whole

MOST_BROKEN = 20


def on_dask(cluster: Cluster | None = None) -> Reading:
    """Train on a Dask cluster.

    Args:
        cluster: which; None starts workers on this machine.

    Returns:
        What `training.train.Setting.read` takes. The plan's ``dask`` says how rows are parted; the same plan and tape
        give the same package whatever the number of workers, the files of the tape and the order of its rows.

    Raises:
        ContractError: Dask is not installed. Reading raises it for a tape that is not a Parquet file or a folder of
            them, or not by the contract, and `ClusterLost` where the cluster fails.
    """
    library()

    @contextmanager
    def reading(plan: Plan, source: Path | Columns | None, say: Say) -> Iterator[Ready]:
        settled = plan if plan.dask else plan.model_copy(update={"dask": Spread()})
        pieces = pieces_of(_folder(settled, source))
        with team(cluster or Cluster(), settled.dask.parts if settled.dask else 1) as workers:
            yield _ready(settled, pieces, workers, say)

    return reading


def _folder(plan: Plan, source: Path | Columns | None) -> Path:
    if isinstance(source, Path) or (source is None and plan.data.file):
        return Path(source or str(plan.data.file))
    en, zh = "give the tape with --data: a Parquet file or a folder of them", "请用 --data 指定 Parquet 文件或其文件夹"
    raise ContractError([Violation("--data", "required", en, zh)])


def pieces_of(tape: Path) -> list[Piece]:
    """Row groups of a Parquet file, or of all Parquet files of a folder in order of their names.

    Raises:
        ContractError: there is no such file, or two of them have other columns or types.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(tape.glob("*.parquet")) if tape.is_dir() else [tape]
    if not files:
        raise _wrong("empty", "no .parquet file in this folder", "文件夹中没有 .parquet 文件")
    pieces, before, first = [], 0, None
    for file in files:
        try:
            with pq.ParquetFile(file) as opened:
                shape = {field.name: _family(field.type) for field in opened.schema_arrow}
                sizes = [opened.metadata.row_group(i).num_rows for i in range(opened.num_row_groups)]
        except (pa.ArrowInvalid, OSError):
            raise _wrong("file", f"{file.name} is no Parquet file", f"{file.name} 不是 Parquet 文件") from None
        first = _alike(first or shape, shape, file.name)
        for group, rows in enumerate(sizes):
            pieces.append(Piece(str(file.resolve()), group, before))
            before += rows
    return pieces


def _alike(first: dict[str, str], other: dict[str, str], name: str) -> dict[str, str]:
    """The first shape; refuse another one. A column without any value fits every type."""
    odd = sorted(set(first) ^ set(other))
    odd += [n for n in first if n in other and len({first[n], other[n], "null"}) > 2]
    if odd:
        listed = ", ".join(odd[:5])
        raise _wrong("schema", f"{name} has another schema than the first part: {listed}",
                     f"{name} 与首个分片的列或类型不一致：{listed}")  # fmt: skip
    return {n: other[n] if kind == "null" else kind for n, kind in first.items()}


def _family(kind: Any) -> str:
    """Types that are read alike."""
    import pyarrow.types as of

    if of.is_null(kind):
        return "null"
    if of.is_date(kind) or of.is_timestamp(kind):
        return "date"
    return "text" if of.is_string(kind) or of.is_large_string(kind) or of.is_dictionary(kind) else "number"


def _wrong(rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation("--data", rule, en, zh)])


def _ready(plan: Plan, pieces: Sequence[Piece], workers: Team, say: Say) -> Ready:
    """Check and count, lay out the parts, and bring the rows that are held here."""
    seen = _checked(workers.each(looked, [(plan, piece) for piece in pieces]))
    limit = plan.dask.rows if plan.dask else 1
    rates = Rates(tuple(_rate(limit, n) for n in seen.windows), _rate(limit, seen.defaults), plan.seed)
    say("parts")
    jobs = {place: (plan, pieces, own, rates, workers.run) for place, own in workers.parts.items()}
    answers = workers.on_each(_gathered, jobs)
    by_part = {p: one for place, own in workers.parts.items() for p, one in zip(own, answers[place], strict=True)}
    found = [by_part[p] for p in sorted(by_part)]
    refuse_empty(_total(found))
    _refuse_hollow(found)
    tape, windows = _tape(plan, seen, found, rates)
    refuse_leaks(tape.columns, tape.target, tape.weight)
    return Ready(plan, tape, windows, _grower(workers))


def _gathered(plan: Plan, pieces: Sequence[Piece], own: Sequence[int], rates: Rates, run: str) -> list[Found]:
    return gathered(plan, pieces, own, rates=rates, folder=place_of(run))


def place_of(run: str) -> Path:
    """Folder of a run on the disk of the worker this is called on."""
    from distributed import get_worker

    return Path(get_worker().local_directory) / f"eco-credit-{run}"


def _checked(looks: Sequence[Look]) -> Look:
    """All pieces together; refused where any breaks the contract."""
    seen = Look()
    for look in looks:
        seen.add(look)
    if seen.refused:
        raise ContractError(dict.fromkeys(seen.refused))
    refuse_broken([(*rule, *count) for rule, count in seen.broken.items()][:MOST_BROKEN])
    return seen


def _rate(limit: int, rows: int) -> float:
    return min(1.0, limit / max(rows, 1))


def _total(found: Sequence[Found]) -> list[int]:
    return [sum(one.rows[at] for one in found) for at in range(len(WINDOWS))]


def _refuse_hollow(found: Sequence[Found]) -> None:
    """Every part must have rows to grow on."""
    if not all(one.rows[0] for one in found):
        en, zh = "a part has no training rows: too few borrowers for so many parts", "分区过多，部分分区没有训练样本"
        raise ContractError([Violation("dask.parts", "maximum", en, zh)])


def _tape(plan: Plan, seen: Look, found: Sequence[Found], rates: Rates) -> tuple[Tape, Windows]:
    """The rows held here as a tape, in order of their hash, and their windows."""
    held = _weighed(joined([one.evidence for one in found]), rates.windows)
    losses = _weighed(joined([one.losses for one in found]), (rates.defaults,) * len(WINDOWS))
    rows, bad = _total(found), [[one.defaults[at] for one in found] for at in range(len(WINDOWS))]
    dropped = sum(one.dropped for one in found)
    of_window = {name: (rows[at], int((held.window == at).sum())) for at, name in enumerate(WINDOWS)}
    defaults = sum(one[0] for parts in bad for one in parts)
    whole = Whole(seen.labelled, len(found), plan.dask.rows if plan.dask else 1,
                  of_window | {"defaults": (defaults, defaults if rates.complete else len(losses.keys))})  # fmt: skip
    if not rates.complete:
        sums = {name: (math.fsum(b[1] for b in parts), math.fsum(b[2] for b in parts))
                for name, parts in zip(WINDOWS, bad, strict=True)}  # fmt: skip
        whole = replace(whole, cells=added([one.cells for one in found]), defaults=sums,
                        losses=(_alone(losses), _windows(losses, dropped, None)))  # fmt: skip
    counted = {name: rows[at] for at, name in enumerate(WINDOWS)}
    digest = tape_digest(contract(plan.data.contract).digest, seen.rows, seen.total)
    tape = replace(_alone(held), digest=digest, synthetic=seen.synthetic,
                   unlabelled=seen.rows - seen.labelled, whole=whole)  # fmt: skip
    return tape, _windows(held, dropped, counted)


def _weighed(sample: Sample, rates: Sequence[float]) -> Sample:
    """A sample in order of the hash, each row with the weight of the rows of its window it stands for."""
    sample = sample.only(np.argsort(sample.keys, kind="stable"))
    if sample.tape is None:
        return sample
    return replace(sample, tape=replace(sample.tape, weight=sample.tape.weight / np.array(rates)[sample.window]))


def _alone(sample: Sample) -> Tape:
    if sample.tape is None:
        raise ContractError([Violation("dask.rows", "minimum", "the sample holds no row", "抽样后没有样本")])
    return sample.tape


def _windows(sample: Sample, dropped: int, whole: Mapping[str, int] | None) -> Windows:
    train, stop, calibrate, evaluate = (np.flatnonzero(sample.window == at) for at in range(len(WINDOWS)))
    return Windows(train, stop, calibrate, evaluate, dropped, whole)


def _grower(workers: Team) -> Any:
    """Grows a booster on all parts, with the rows held here for edges of bins and for stopping."""

    def grow(tape: Tape, windows: Windows, fit: Trees, chosen: Mapping[str, Any]) -> Any:
        import lightgbm as lgb

        rows = windows.in_time
        order = Order(tape.names, chosen, fit, tape.matrix(rows), np.isin(rows, windows.stop), tape.target[rows],
                      tape.weight[rows])  # fmt: skip
        net = _net(workers)
        shared = workers.share(order)
        jobs = {place: (workers.run, own, shared, net) for place, own in workers.parts.items()}
        texts = [text for one in workers.on_each(_grown, jobs, cut=net.ports()).values() for text in one]
        if len(set(texts)) > 1:
            raise workers.failed("the machines ended with different trees", "各节点所得模型不一致")
        return lgb.Booster(model_str=texts[0])

    return grow


def _grown(run: str, own: Sequence[int], order: Order, net: Net) -> list[str]:
    return grow_parts(place_of(run), own, order, net)


def _net(workers: Team) -> Net:
    """Two addresses for every part."""
    own = workers.parts
    ports = workers.call(free_ports, {place: 2 * len(parts) for place, parts in own.items()})
    places = {p: (host_of(place), ports[place][2 * at], ports[place][2 * at + 1])
              for place, parts in own.items() for at, p in enumerate(parts)}  # fmt: skip
    first, second = ([f"{places[p][0]}:{places[p][at]}" for p in sorted(places)] for at in (1, 2))
    return Net(tuple(first), tuple(second))


def host_of(address: str) -> str:
    """Host of the address of a worker; workers inside this process are on this machine.

    Example:
        >>> host_of("tcp://10.0.0.7:40123"), host_of("inproc://10.0.0.7/812/4")
        ('10.0.0.7', '127.0.0.1')
    """
    scheme, rest = address.split("://", 1)
    return "127.0.0.1" if scheme == "inproc" else rest.rsplit(":", 1)[0].strip("[]")

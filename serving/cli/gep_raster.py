"""``eco-credit gep raster``: rasters and parcels to an account, worked out in a child process with limits."""

from __future__ import annotations

import json as json_text
import multiprocessing
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.errors import ContractError, EcoCreditError, Violation
from eco_credit.gep.spatial.zonal import Runner, Sums, Task
from serving.cli.output import JsonOption, emit, note, refuse, write_whole
from serving.gep_table import guarded

ENDINGS = (".json", ".csv")
GIGABYTE = 1024**3
MEMORY_LIMIT = 8 * GIGABYTE
"""Address space of the child, bytes. Its use stays far below; a hostile file meets this wall."""


def register(group: typer.Typer) -> None:
    """Add the command ``raster`` to the group ``gep``."""
    group.command("raster")(raster)


def raster(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Raster job, yaml: parcels, layers, services.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Account: json with everything, or csv of the rows.")],
    maps: Annotated[Path | None, typer.Option(help="Folder for a map of each service (svg).")] = None,
    dask: Annotated[bool, typer.Option("--dask", help="Run the windows on Dask; same numbers.")] = False,
    minutes: Annotated[int, typer.Option(min=1, max=6000, help="CPU time after which the run is stopped.")] = 600,
    json: JsonOption = False,
) -> None:
    """Account for parcels over rasters (extra geo). A refused job writes nothing."""
    try:
        if target.suffix.lower() not in ENDINGS:
            raise ContractError([Violation("OUT", "file_ending", "use a file that ends in .json or .csv",
                                           "输出文件应为 json 或 csv")])
        done = in_child(source, dask=dask, minutes=minutes)
        write_whole(target, done["json" if target.suffix.lower() == ".json" else "csv"].encode())
        for service, drawn in done["maps"].items() if maps is not None else ():
            write_whole(Path(str(maps)) / f"{service}.svg", drawn.encode())
    except EcoCreditError as error:
        refuse(error, json)
    for notice in done["summary"]["warnings"]:
        note(f"{notice['rule']}: {notice['en']} / {notice['zh']}")
    emit(done["summary"] | {"out": str(target)}, json)


def in_child(source: Path, *, dask: bool = False, minutes: int = 600) -> dict[str, Any]:
    """Run a job in a child process with bounded memory and CPU time.

    Args:
        source: job file.
        dask: True to run the windows on Dask.
        minutes: CPU minutes of the child.

    Returns:
        ``json`` and ``csv`` text, ``maps`` by service, ``summary``.

    Raises:
        EcoCreditError: what the job is refused for; rule ``reader_stopped`` when the child died.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(there, source, dask, minutes), daemon=not dask)
    child.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        raise ContractError([Violation("IN", "reader_stopped", "the job passed its limit of memory or time, or a file "
                                       "broke its reader", "作业超出内存或时间限制，或文件使读取程序中止")]) from None
    finally:
        here.close()
        child.join()
    if isinstance(answer, EcoCreditError):
        raise answer
    done: dict[str, Any] = answer
    return done


def _child(there: Any, source: Path, dask: bool, minutes: int) -> None:
    _limit(minutes * 60)
    try:
        there.send(worked_out(source, run=on_dask if dask else map))
    except ContractError as error:
        there.send(_Refused(error.violations))
    except EcoCreditError as error:
        there.send(EcoCreditError(error.en, error.zh))
    except MemoryError:
        sys.exit(1)
    finally:
        there.close()


class _Refused(ContractError):
    """A refusal that travels between processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return ContractError, (self.violations,)


def _limit(seconds: int) -> None:
    try:
        import resource  # not on every platform
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY_LIMIT), (resource.RLIMIT_CPU, seconds)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def worked_out(source: Path, *, run: Runner = map) -> dict[str, Any]:
    """Run a job here and put its answer into plain text."""
    from eco_credit.gep.spatial import picture, raster_account, read_job

    made = raster_account(read_job(source), run=run)
    whole = made.as_dict()
    frame = made.account.to_frame()
    for name in frame.columns[[kind.kind not in "fbi" for kind in frame.dtypes]]:
        frame[name] = [guarded(cell) for cell in frame[name]]
    drawn = {service: picture(made, service) for service in dict.fromkeys(row.service for row in made.account.rows)}
    kept = ("norm", "account_year", "total_cny", "by_service", "warnings", "slope_length", "slope_spread", "rules_hash")
    return {
        "json": json_text.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
        "csv": frame.to_csv(index=False, lineterminator="\n"), "maps": drawn,
        "summary": {"rows": len(made.account.rows), "parcels": len(made.parcels)} | {key: whole[key] for key in kept},
    }


def on_dask(work: Any, tasks: Iterable[Task], *, batch: int = 64, scheduler: str | None = None) -> Iterable[Sums]:
    """Run windows on Dask, the results in the order of the tasks, so that the numbers are the same.

    Args:
        work: function of one task.
        tasks: windows, made as they are needed.
        batch: windows under way at once, which bounds memory.
        scheduler: name of Dask's scheduler; the client in use, or threads, when None.

    Raises:
        ContractError: ``extra_missing`` when Dask is not installed.
    """
    try:
        import dask
    except ImportError:
        raise ContractError([Violation("dask", "extra_missing", "install the extra dask: eco-credit[dask]",
                                       "请安装 dask 扩展：eco-credit[dask]")]) from None
    waiting: list[Any] = []
    for task in tasks:
        waiting.append(dask.delayed(work, pure=False)(task))
        if len(waiting) == batch:
            yield from dask.compute(*waiting, scheduler=scheduler)
            waiting = []
    yield from dask.compute(*waiting, scheduler=scheduler)

"""Training on a cluster: the package follows plan and tape, not workers, files or order; what is sampled is said."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from small_plan import SMALL
from typer.testing import CliRunner

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns, Floats, number, rows_of, take
from eco_credit.registry import Store
from eco_credit.risk.calibration import Platt
from eco_credit.risk.table_json import table_from_json
from training.cli import register
from training.datasets import load_tape
from training.paper import write_card
from training.plan import Plan, plan_of
from training.row_hash import row_hashes
from training.simulate import simulate_tape
from training.simulate.tape import write_tape
from training.split import split
from training.train import Setting, Trained, train

distributed = pytest.importorskip("distributed", reason="needs the extra dask")
psutil = pytest.importorskip("psutil", reason="needs the extra dask")

from training.spread import on_dask, pieces_of  # noqa: E402  the extra first
from training.spread_grow import PORTS, cut_off, free_ports  # noqa: E402
from training.spread_parts import drawn, keys_of  # noqa: E402
from training.spread_team import Cluster, ClusterLost, workers_of  # noqa: E402

Runs = dict[str, Trained]


def parted(parts: int, rows: int = 200_000, **more: Any) -> Plan:
    return plan_of(SMALL | {"dask": {"parts": parts, "rows": rows}} | more)


def in_parts(tape: Columns, folder: Path, files: int, *, shuffled: bool = False) -> Path:
    """A folder of Parquet parts of unequal size, their rows in another order where asked for."""
    folder.mkdir()
    order = np.random.default_rng(3).permutation(rows_of(tape)) if shuffled else np.arange(rows_of(tape))
    cuts = np.linspace(0, 1, files + 1)[1:-1] ** 2 * len(order)
    for at, rows in enumerate(np.split(order, cuts.astype(int))):
        write_tape(take(tape, rows), folder / f"part-{at:03d}.parquet")
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers in this process: quick to start, the same code path."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as started:
        yield started


@pytest.fixture(scope="module")
def alone() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as started:
        yield started


def run(plan: Plan, tape: Path, home: Path, cluster: Any) -> Trained:
    return train(plan, tape, Setting(Store(home), register=False, read=on_dask(Cluster(cluster))))


@pytest.fixture(scope="module")
def runs(tape: Columns, cluster: Any, alone: Any, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The same loans and plan: three files on two workers, one file on one worker, five shuffled files on two."""
    home = tmp_path_factory.mktemp("spread")
    write_tape(tape, home / "one.parquet")
    return {
        "two": run(parted(3), in_parts(tape, home / "three", 3), home / "a", cluster),
        "one": run(parted(3), home / "one.parquet", home / "b", alone),
        "shuffled": run(parted(3), in_parts(tape, home / "five", 5, shuffled=True), home / "c", cluster),
    }


def test_neither_workers_nor_files_nor_the_order_of_rows_change_the_package(runs: Runs) -> None:
    assert len({made.digest for made in runs.values()}) == 1


def pds(made: Trained, tape: Columns) -> Floats:
    """PD of every row as the package says it, refused or not."""
    pd = json.loads((made.folder / "pd.json").read_bytes())
    table = table_from_json(pd["table"], "pd", load_tape(plan_of(SMALL), tape).names)
    return Platt.parse(pd["platt"]).probability(table.score(tape))


def test_three_parts_give_the_pds_and_gates_of_one_process(runs: Runs, trained: Trained, tape: Columns) -> None:
    spread, local = (made.gate["statistics"] for made in (runs["two"], trained))
    colours = [{g["id"]: g["colour"] for g in made.gate["gates"]} for made in (runs["two"], trained)]
    assert colours[0] == colours[1]
    assert spread["rounds"] == local["rounds"] and runs["two"].counts == trained.counts
    # sums in another order: 40 trees, each leaf a quotient of sums of a double with 2e-16 of its own
    assert np.abs(np.log(pds(runs["two"], tape) / pds(trained, tape))).max() < 1e-9


def test_one_part_gives_the_models_of_one_process_to_the_bit(tape: Columns, alone: Any, tmp_path: Path) -> None:
    write_tape(tape, tmp_path / "t.parquet")
    spread = run(parted(1), tmp_path / "t.parquet", tmp_path / "a", alone)
    # one process sums in the order of the file: give it the order of the parts
    order = np.argsort(keys_of(load_tape(plan_of(SMALL), tape)), kind="stable")
    local = train(plan_of(SMALL), take(tape, order), Setting(Store(tmp_path / "b"), register=False))
    names = ["pd.json", "lgd.json", "support.json", "reference.json", "golden.json", "pd.lightgbm.txt",
             "scorecard.json", "population.json", "lvr_low.lightgbm.txt"]  # fmt: skip
    assert [n for n in names if (spread.folder / n).read_bytes() != (local.folder / n).read_bytes()] == []


def test_the_package_says_how_it_was_trained(runs: Runs) -> None:
    manifest = json.loads((runs["two"].folder / "manifest.json").read_bytes())
    assert manifest["data"]["spread"]["parts"] == 3 and manifest["data"]["spread"]["sampled"] == []
    assert {"dask", "distributed"} <= manifest["libraries"].keys()
    assert json.loads((runs["two"].folder / "plan.json").read_bytes())["dask"] == {"parts": 3, "rows": 200_000}
    assert "3 parts" in (runs["two"].folder / "card.md").read_text("utf-8")


def test_a_window_beyond_the_limit_is_sampled_and_card_gate_and_manifest_say_so(
    cluster: Any, tmp_path: Path
) -> None:
    tape = simulate_tape(6_000, seed=5)
    made = run(parted(2, rows=1_000), in_parts(tape, tmp_path / "t", 2), tmp_path / "home", cluster)
    told = made.gate["statistics"]["spread"]
    days = split(tape["origination"], tape["borrower_id"], plan_of(SMALL).split)
    # counts are of all rows, and the same as those of a split in one process
    assert {name: told["rows"][name]["all"] for name in ("train", "stop", "calibrate", "evaluate")} == {
        name: count for name, count in days.counts().items() if name != "dropped"
    }
    # the rate is 1,000 over all rows of the window before borrowers are kept to one: binomial, 4 standard deviations
    held = told["rows"]["train"]["held"]
    assert "train" in told["sampled"] and abs(held - 1_000) < 4 * 1_000**0.5
    assert json.loads((made.folder / "manifest.json").read_bytes())["data"]["spread"] == told
    assert f"train {held} of {len(days.train)}" in (made.folder / "card.md").read_text("utf-8")
    said = {"zh": ("集群训练", "只依据其中的抽样"), "en": ("Training on a cluster", "rest on a sample")}
    for lang, (title, warning) in said.items():
        write_card(tmp_path / "card.html", Store(tmp_path / "home"), str(made.folder), lang=lang)
        page = (tmp_path / "card.html").read_text("utf-8")
        assert title in page and warning in page and f"{held:,}" in page
    # defaults and cells are counted over all rows
    seen = np.concatenate([days.in_time, days.calibrate])
    bad = number(tape, "default_12m")[seen] > 0.0
    weight = number(tape, "sample_weight")[seen][bad]
    assert made.gate["statistics"]["tier"]["defaults"] == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    cells = json.loads((made.folder / "support.json").read_bytes())["cells"]["kinds"]
    assert sum(cell["loans"] for cell in cells.values()) == len(days.in_time)


def test_nothing_of_a_run_stays_on_the_disk_of_a_worker(runs: Runs, cluster: Any) -> None:
    places = [Path(worker.local_directory) for worker in cluster.workers.values()]
    assert runs and places and [found for place in places for found in place.glob("eco-credit-*")] == []


def test_a_shape_that_is_not_grown_on_all_rows_is_refused_on_a_sample(cluster: Any, tmp_path: Path) -> None:
    plan = parted(2, rows=1_000, champion={"shape": "scorecard"})
    with pytest.raises(ContractError, match="rests on the rows held") as refused:
        run(plan, in_parts(simulate_tape(6_000, seed=5), tmp_path / "t", 1), tmp_path / "home", cluster)
    assert refused.value.violations[0].field == "dask.rows"


def test_the_digest_of_a_tape_is_that_of_its_rows_in_any_order_and_of_one_process(runs: Runs, tape: Columns) -> None:
    made = json.loads((runs["shuffled"].folder / "manifest.json").read_bytes())["data"]["digest"]
    assert load_tape(parted(3), tape).digest == made
    assert load_tape(parted(3), take(tape, np.arange(rows_of(tape) - 1))).digest != made


def test_a_row_is_drawn_by_itself_at_the_rate_and_by_another_number_for_another_seed() -> None:
    keys = np.random.default_rng(1).integers(0, 2**64, 100_000, dtype=np.uint64)
    some = drawn(keys, np.full(len(keys), 0.1), 7)
    # 10,000 expected, standard deviation sqrt(100,000 x 0.1 x 0.9) = 95
    assert abs(some.sum() - 10_000) < 4 * 95
    assert np.array_equal(drawn(keys[::-1], np.full(len(keys), 0.1), 7)[::-1], some)
    assert (drawn(keys, np.full(len(keys), 0.1), 8) & some).sum() < 2_000
    assert drawn(keys, np.ones(len(keys)), 7).all()


def test_the_hash_of_a_row_follows_its_content_alone(tape: Columns) -> None:
    some = take(tape, np.arange(50))
    whole = row_hashes(some)
    assert row_hashes(take(some, np.array([7, 3]))) == [whole[7], whole[3]]
    other = {**some, "ltv": number(some, "ltv") + np.where(np.arange(50) == 7, 1e-9, 0.0)}
    assert [at for at in range(50) if row_hashes(other)[at] != whole[at]] == [7]


def test_a_broken_row_is_refused_with_its_number_in_the_whole_tape(
    tape: Columns, cluster: Any, tmp_path: Path
) -> None:
    broken = {**tape, "ltv": np.where(np.arange(rows_of(tape)) == 4_321, -1.0, number(tape, "ltv"))}
    with pytest.raises(ContractError) as refused:
        run(parted(2), in_parts(broken, tmp_path / "t", 3), tmp_path / "home", cluster)
    assert [(v.field, v.row) for v in refused.value.violations] == [("ltv", 4_322)]
    assert not list((tmp_path / "home").rglob("*.json"))


def test_a_folder_without_parts_and_a_part_with_another_schema_are_refused_by_name(
    tape: Columns, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ContractError, match=r"no \.parquet file"):
        pieces_of(tmp_path / "empty")
    folder = in_parts(take(tape, np.arange(90)), tmp_path / "t", 3)
    assert [piece.before for piece in pieces_of(folder)] == [0, 10, 40]  # 90 (1/3)^2 and 90 (2/3)^2
    write_tape({k: v for k, v in take(tape, np.arange(5)).items() if k != "ltv"}, folder / "part-009.parquet")
    with pytest.raises(ContractError, match=r"part-009\.parquet has another schema.*ltv"):
        pieces_of(folder)
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ContractError, match=r"notes\.csv is no Parquet file"):
        pieces_of(tmp_path / "notes.csv")


def test_more_parts_than_borrowers_is_refused(cluster: Any, tmp_path: Path) -> None:
    tape = simulate_tape(40, seed=2)
    with pytest.raises(ContractError) as refused:
        run(parted(64), in_parts(tape, tmp_path / "t", 1), tmp_path / "home", cluster)
    assert refused.value.violations[0].field in ("dask.parts", "split.stop", "split.calibrate", "split.evaluate")


def kill_one_that_grows(client: Any) -> None:
    """Wait until a machine on each worker speaks to the other, then kill one of them."""
    pids = sorted(client.run(os.getpid).values())
    while not all(any(in_use(line) for line in psutil.Process(pid).net_connections("tcp")) for pid in pids):
        time.sleep(0.1)
    time.sleep(0.5)
    os.kill(pids[0], signal.SIGKILL)


def in_use(line: Any) -> bool:
    """Whether a connection is one between machines."""
    ends = {end.port for end in (line.laddr, line.raddr) if end}
    return line.status == "ESTABLISHED" and any(port in PORTS for port in ends)


def test_a_worker_killed_while_trees_grow_ends_the_run_in_a_sentence_and_leaves_no_package(
    tape: Columns, tmp_path: Path
) -> None:
    long = SMALL["pd"] | {"rounds": 5_000, "patience": 5_000, "learning_rate": 0.001}  # type: ignore[operator]
    folder = in_parts(tape, tmp_path / "t", 2)
    started = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50)
    with started as two, distributed.Client(two, set_as_default=False) as client:
        threading.Thread(target=kill_one_that_grows, args=(client,), daemon=True).start()
        read = on_dask(Cluster(two.scheduler_address))
        with pytest.raises(ClusterLost, match="a worker was lost") as lost:
            train(parted(2, pd=long), folder, Setting(Store(tmp_path / "home"), register=False, read=read))
    assert "未写入" in lost.value.zh
    assert not list((tmp_path / "home").rglob("*.json"))


def test_machines_listen_on_ports_no_system_hands_out() -> None:
    ports = free_ports(40)
    assert len(set(ports)) == 40 and all(20_000 <= port < 32_000 for port in ports)
    with socket.socket() as taken:
        taken.bind(("", ports[0]))
        assert ports[0] not in free_ports(40)


def test_workers_are_asked_for_and_not_remembered(cluster: Any) -> None:
    with distributed.Client(cluster, set_as_default=False) as client:
        # what the client keeps: it does so by itself every few seconds
        assert not client.scheduler_info(n_workers=0)["workers"]
        assert len(workers_of(client)) == 2


def test_a_machine_that_waits_for_a_lost_one_is_let_go() -> None:
    """Reads as LightGBM does: until there is enough, whatever comes."""
    ended: list[OSError] = []

    def read(line: socket.socket) -> None:
        try:
            while True:
                line.recv(10)
        except OSError as error:
            ended.append(error)

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as one, server.accept()[0] as other:
            waiting = [threading.Thread(target=read, args=(line,), daemon=True) for line in (one, other)]
            for thread in waiting:
                thread.start()
            assert cut_off({port}) == 3  # both ends and the ear
            for thread in waiting:
                thread.join(5.0)
    assert len(ended) == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--scheduler", "tcp://127.0.0.1:1"], 3, "needs --engine dask"),
        (["--data", "{folder}"], 3, "a folder needs --engine dask"),
        (["--data", "{folder}", "--engine", "dask"], 3, "no .parquet file in this folder"),
        (["--engine", "dask"], 3, "give the tape with --data"),
        (["--data", "{part}", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1"], 1, "does not answer"),
    ],
)
def test_wrong_words_are_refused_in_a_sentence(
    words: list[str], code: int, said: str, tape: Columns, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("training.spread_team.CONNECT_SECONDS", 1.0)
    (tmp_path / "empty").mkdir()
    part = in_parts(take(tape, np.arange(20)), tmp_path / "t", 1)
    app = typer.Typer()
    register(app)
    filled = [word.format(folder=tmp_path / "empty", part=part) for word in words]
    done = CliRunner().invoke(app, ["train", "demo", *filled, "--home", str(tmp_path / "home"), "--json"])
    assert done.exit_code == code and said in done.stderr, done.stderr
    assert not list((tmp_path / "home").rglob("manifest.json"))

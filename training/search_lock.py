"""One search at a time: a lock that ends with the process that holds it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from eco_credit.core.errors import EcoCreditError


class SearchRunning(EcoCreditError):
    """Another process searches by the same plan, data and seed."""

    code = "search_running"
    title_en = "A search of this plan is running already"
    title_zh = "同一训练计划的参数搜索正在进行"


@contextmanager
def only_search(path: Path) -> Iterator[None]:
    """Hold a lock while a search runs.

    The lock is SQLite's own on a file of its own, so a process that ends in any way lets go of it; the file may stay.

    Args:
        path: lock file; its folder must exist.

    Raises:
        SearchRunning: another process, or another thread of this one, holds it.
    """
    with closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise SearchRunning(
                f"{path} is held by another search of the same plan, data and seed: wait for it or stop it, then "
                "train again and go on with its trials. A process that has ended holds no lock; leave the file be",
                f"{path} 正被同一计划、数据和种子的另一搜索占用：请等待其结束或将其停止后重新训练，"
                "已完成的试验会接着使用。进程结束即释放，请勿手工删除该文件",
            ) from error
        yield

"""Where a run writes, looked at before anything is read: a run of hours must not end at a folder that is not there."""

from __future__ import annotations

import os
from pathlib import Path

from serving.batch.finish import Paths
from serving.batch.rules import refusal


def check_target(path: Path, paths: Paths) -> None:
    """Refuse a target that cannot be written, or that is the input.

    Args:
        path: the input, a file or a folder of parts.
        paths: where the run would write.

    Raises:
        ContractError: result and input are the same (``same_file``), the result would stand among the parts of the
            input (``among_parts``), its folder is not there (``no_such_folder``) or may not be written
            (``not_writable``), or a folder stands where a file is to be (``name_taken``).
    """
    files = (paths.out, paths.rejects, paths.manifest, paths.report)
    source, folder = path.resolve(), paths.out.parent
    if source in {each.resolve() for each in files}:
        raise refusal(paths.out.name, "same_file")
    if path.is_dir() and source in {each.resolve().parent for each in files}:
        raise refusal(paths.out.name, "among_parts")
    if not folder.is_dir():
        raise refusal(folder.name, "no_such_folder")
    for each in files:
        if each.exists() and not each.is_file():
            raise refusal(each.name, "name_taken")
    if paths.parts.exists() and not paths.parts.is_dir():
        raise refusal(paths.parts.name, "name_taken")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise refusal(folder.name, "not_writable")

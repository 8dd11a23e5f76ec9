"""The probe: a package is loaded by a child process before the process that serves parses a byte of it.

Digests and signatures say who wrote a package, not that reading it is harmless. The child has bounds on memory
and time; a loader that dies there takes nothing with it. What the child read is named by the digest of the
manifest, and whoever loads the package afterwards loads the same bytes or fails.

``python -m eco_credit.registry.probe HOME NAME DIGEST MEGABYTES SECONDS`` is the child.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eco_credit.core import errors
from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import EcoCreditError, ModelNotServable
from eco_credit.registry.package import load_package
from eco_credit.registry.store import Store

REFUSED = 3
"""Exit code of a child that found the package not in order."""
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a probe may take.

    Attributes:
        megabytes: most address space, MiB.
        seconds: most time by the clock and of the processor, s.
    """

    megabytes: int = 2048
    seconds: int = 60


def probe(store: Store, name: str, digest: str, bounds: Bounds = Bounds()) -> None:
    """Verify, parse and re-score a served package in a child process.

    Args:
        store: the store.
        name: registered model name.
        digest: digest of the package; its folder is ``served/<name>/<digest>``.
        bounds: what the child may take.

    Raises:
        ModelNotServable: the child refused the package, died, or did not end in time; the message says which.
    """
    arguments = [str(store.home.resolve()), name, digest, str(bounds.megabytes), str(bounds.seconds)]
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-m", "eco_credit.registry.probe", *arguments],
            timeout=bounds.seconds, capture_output=True, check=False, env=own_code(), stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _failed(f"did not end within {bounds.seconds} s", "未在限时内结束") from None
    except OSError as error:
        raise _failed("could not be started", "无法启动") from error
    told = _told(done.stdout)
    if done.returncode == REFUSED and "en" in told:
        raise ModelNotServable(str(told["en"]), str(told["zh"]))
    if done.returncode < 0:
        raise _failed(f"was ended by signal {-done.returncode}", f"被信号 {-done.returncode} 终止")
    if done.returncode != 0 or told.get("digest") != digest:
        raise _failed(f"failed with exit code {done.returncode}", f"失败，退出码 {done.returncode}")


def own_code() -> dict[str, str]:
    """Environment of a child that shall run the same code as this process, with one thread for numbers."""
    here = str(Path(errors.__file__).resolve().parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    return dict(os.environ) | _ONE_THREAD | {"PYTHONPATH": os.pathsep.join(paths)}


def _failed(en: str, zh: str) -> ModelNotServable:
    return ModelNotServable(f"the probe of the package {en}", f"模型包试加载{zh}")


def _told(output: bytes) -> dict[str, object]:
    try:
        found = json.loads(output)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def limit(bounds: Bounds) -> None:
    """Bound this process; where the system has no such limits, the parent's clock remains."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        size = bounds.megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CPU, (bounds.seconds, bounds.seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(arguments: list[str]) -> int:
    """Load one package within bounds: 0 with its digest on stdout, 3 with the reason it is refused."""
    home, name, digest, megabytes, seconds = arguments
    limit(Bounds(int(megabytes), int(seconds)))
    store = Store(Path(home))
    try:
        # a proposed package has no second signature yet; whoever serves one asks for it when it is loaded
        package = load_package(store.served_folder(name) / digest, store.trusted(), False)
    except EcoCreditError as error:
        sys.stdout.write(canonical_json({"en": error.en, "zh": error.zh}).decode())
        return REFUSED
    sys.stdout.write(canonical_json({"digest": package.digest}).decode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

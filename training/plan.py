"""A training plan: everything that decides a model package, in one YAML file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from eco_credit.core.canonical import digest
from eco_credit.core.errors import ContractError, Violation
from training.margins import Deficiency


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(_Part):
    """Where the rows come from and which column says what.

    Attributes:
        contract: data contract of the tape.
        reader: ``tape`` for columns by the contract, ``guaranteed_loans`` for the raw public file.
        file: default file, relative to the plan; the command line may name another.
        simulate: rows to simulate when no file is given.
        target, date, group, weight: columns of the outcome, the day of origination, the borrower and the weight.
        features: inputs in order; empty takes every origination column of the contract that has a reason family.
        area_digits: first digits of ``area_code`` that make a cell of the policy on thin evidence: 2 province, 4
            prefecture, 6 county.
        extracted: day on which the outcomes were read; a loan younger than the horizon had no time to default (G0).
    """

    contract: str = "loan_tape"
    reader: Literal["tape", "guaranteed_loans"] = "tape"
    file: str | None = None
    simulate: int = Field(0, ge=0, le=2_000_000)
    target: str = "default_12m"
    date: str = "origination"
    group: str = "borrower_id"
    weight: str = "sample_weight"
    features: tuple[str, ...] = ()
    area_digits: Literal[2, 4, 6] = 4
    extracted: dt.date | None = None


class Split(_Part):
    """First days of the windows; a row belongs to the last window that has begun.

    Attributes:
        start: rows before this day are not used.
        stop: early stopping starts here (the last in-time vintage), inside training.
        calibrate: the calibration window starts here.
        evaluate: the out-of-time window starts here.
        end: rows from this day on are not used.
    """

    start: dt.date
    stop: dt.date
    calibrate: dt.date
    evaluate: dt.date
    end: dt.date


class Trees(_Part):
    """What every boosted shape has in common; LightGBM's names are in `training.fit_pd.parameters`."""

    rounds: int = Field(400, ge=1, le=5_000)
    patience: int = Field(40, ge=1)
    learning_rate: float = Field(0.05, gt=0.0, le=1.0)
    min_rows: int = Field(20, ge=1)
    l2: float = Field(5.0, ge=0.0)
    max_bin: int = Field(63, ge=3, le=255)
    feature_fraction: float = Field(0.8, gt=0.0, le=1.0)


class PdFit(Trees):
    """LightGBM parameters of the PD model; depth 1 or 2, so that it collapses into tables."""

    depth: Literal[1, 2] = 2
    horizon_months: int = Field(12, ge=1, le=600)
    floor: float = Field(0.0005, gt=0.0, lt=0.5)
    ceiling: float = Field(0.9, gt=0.5, lt=1.0)


class ForestFit(Trees):
    """LightGBM parameters of the shape ``forest``: a few leaves more than tables can hold."""

    leaves: int = Field(7, ge=3, le=15)
    depth: int = Field(5, ge=2, le=5)


Span = tuple[float, float]
"""Lower and upper end of a search, both included."""


class Tuning(_Part):
    """Search for the parameters of the PD model on walk-forward folds inside the in-time window.

    Attributes:
        trials: parameter sets to try; 0 leaves the plan's own. The first is the plan's own where the spans hold it.
        folds: walk-forward folds.
        spread: weight of the standard deviation over the folds beside the mean log-loss.
        learning_rate, l2: spans searched on a log scale.
        min_rows: span of whole numbers, log scale.
        feature_fraction: span.
        max_bin, depth: values to choose from.
    """

    trials: int = Field(0, ge=0, le=500)
    folds: int = Field(4, ge=2, le=12)
    spread: float = Field(0.5, ge=0.0, le=5.0)
    learning_rate: Span = (0.02, 0.15)
    l2: Span = (1.0, 50.0)
    min_rows: tuple[int, int] = (20, 400)
    feature_fraction: Span = (0.4, 1.0)
    max_bin: tuple[int, ...] = (31, 63, 127)
    depth: tuple[Literal[1, 2], ...] = (2,)

    @field_validator("learning_rate", "l2", "min_rows", "feature_fraction", "max_bin", "depth")
    @classmethod
    def _sound(cls, ends: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        """Every value that could be drawn must be one the PD model may have."""
        if not ends or list(ends) != sorted(set(ends)) or ends[0] <= 0:
            raise ValueError("rising values above 0 are needed")
        for value in ends:
            PdFit.model_validate({str(info.field_name): value})
        return ends


class Challengers(_Part):
    """What is fitted beside the model on the same rows; a WOE scorecard always is.

    Attributes:
        shapes: ``mains`` (the model without pairs, depth 1), ``forest``.
        forest: parameters of the forest.
        binning: bins of the scorecard: ``auto`` by optbinning where the extra ``train`` is installed and by our own
            otherwise, ``own`` by our own in any case.
    """

    shapes: tuple[Literal["mains", "forest"], ...] = ()
    forest: ForestFit = ForestFit()
    binning: Literal["auto", "own"] = "auto"


class Evidence(_Part):
    """What a training proves beside its statistics; each costs as many fits as it says.

    Attributes:
        cross_validation: in-time AUC out of fold, five fits (gate G1c).
        refits: bootstrap refits of the reasons (gate G8); 0 for none.
        rebuild: fit everything once more and compare byte for byte (gate G10).
        unsigned: fit without signs, and without each sign that this model would break (gate G4b).
    """

    cross_validation: bool = True
    refits: int = Field(0, ge=0, le=200)
    rebuild: bool = False
    unsigned: bool = False


class Champion(_Part):
    """Which shape is served.

    Attributes:
        shape: ``auto`` takes the richest the number of defaults allows; a simpler one may always be asked for.
        reason: why a richer shape than the defaults allow is served all the same; recorded on the card.
    """

    shape: Literal["auto", "bound", "prior", "scorecard", "tables"] = "auto"
    reason: str = Field("", max_length=400)


class LgdFit(_Part):
    """The LGD model: ``composition`` over the liquidation-value ratio, or ``direct`` on LGD itself."""

    mode: Literal["composition", "direct"] = "composition"
    target: str = "lvr"
    features: tuple[str, ...] = ()
    rounds: int = Field(150, ge=1, le=2_000)
    learning_rate: float = Field(0.05, gt=0.0, le=1.0)
    min_rows: int = Field(20, ge=1)
    max_bin: int = Field(31, ge=3, le=255)
    most: float = Field(1.5, gt=0.0, le=10.0)
    floor: float = Field(0.0, ge=0.0, le=1.0)
    group_rows: int = Field(100, ge=10, description="rows a kind needs for a conformal offset of its own")


class Spread(_Part):
    """How training on a cluster parts the rows; workers and files of the tape may be as many as there are.

    Attributes:
        parts: parts the rows are dealt to by a hash of the borrower; each is one machine of LightGBM.
        rows: most rows of each window, and most defaults, that are held in one process. A larger window is sampled by a
            hash of the row, which package, card and report say.
    """

    parts: int = Field(4, ge=1, le=64)
    rows: int = Field(200_000, ge=1_000, le=5_000_000)


class Bar(_Part):
    """One bar of the plan: a statistic of the evaluation, by dotted path, and its limits."""

    statistic: str
    at_least: float | None = None
    at_most: float | None = None


class Plan(_Part):
    """A training plan.

    Attributes:
        name: name of the model package and of the registered model.
        about: what it is for.
        seed: seed of everything random.
        tune: search for the parameters of the PD model.
        champion: which shape is served.
        challengers: what is fitted beside it.
        evidence: what is proved beside the statistics.
        deficiencies: what the risk team states beside the measured margins of conservatism.
        dask: how a tape beyond memory is parted, with ``--engine dask``; set here, as the parts decide the last bits.
        walk_forward: number of walk-forward folds inside the in-time window; 0 for none.
        bars: what the evaluation must reach; else exit code 4 and no registration.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    about: str
    seed: int = 20_261_123
    data: Data = Data()
    split: Split
    pd: PdFit = PdFit()
    lgd: LgdFit = LgdFit()
    tune: Tuning = Tuning()
    champion: Champion = Champion()
    challengers: Challengers = Challengers()
    evidence: Evidence = Evidence()
    deficiencies: tuple[Deficiency, ...] = ()
    dask: Spread | None = None
    walk_forward: int = Field(0, ge=0, le=12)
    bars: tuple[Bar, ...] = ()

    def content(self) -> dict[str, Any]:
        """The plan as plain data; ``dask`` only where it is set, so that plans without it stay what they were."""
        return self.model_dump(mode="json", exclude={"dask"} if self.dask is None else None)

    @property
    def digest(self) -> str:
        """SHA-256 of the content of the plan."""
        return digest(self.content())


def plan_file(name: str) -> Path:
    """The file of a plan: a path, or the name of a plan shipped in ``training/plans``.

    Raises:
        ContractError: there is neither such a file nor such a shipped plan.
    """
    shipped = {path.stem: path for path in sorted((Path(__file__).parent / "plans").glob("*.yaml"))}
    path = Path(name)
    if path.is_file():
        return path
    if name not in shipped:
        names = ", ".join(shipped)
        en, zh = f"no such file; shipped plans are {names}", f"没有该文件；内置方案有 {names}"
        raise ContractError([Violation("PLAN", "file", en, zh)])
    return shipped[name]


def read_plan(path: Path) -> Plan:
    """Read and check a plan.

    Args:
        path: YAML file.

    Returns:
        The plan.

    Raises:
        ContractError: a field is missing, unknown or out of bounds.
        FileNotFoundError: there is no such file.
    """
    return plan_of(yaml.safe_load(path.read_text(encoding="utf-8")))


def plan_of(content: Any) -> Plan:
    """Check the decoded content of a plan; errors as in `read_plan`."""
    try:
        return Plan.model_validate(content)
    except ValidationError as error:
        raise ContractError(
            Violation(".".join(map(str, e["loc"])) or "plan", e["type"], e["msg"], f"训练计划字段有误：{e['type']}")
            for e in error.errors()
        ) from error

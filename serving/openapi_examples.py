"""Examples of bodies in the API description: the shipped files, so that every one of them runs as it stands."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

KINDS = {"forest_right": "Forest right", "water_right": "Water right", "order": "Product order"}
_NUMBERS = ("account_year", "physical", "price", "value_cny")


def folder() -> Path:
    """The shipped examples: inside the wheel, or in the checkout."""
    inside = Path(str(files("serving"))) / "examples"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[1] / "examples"


def read(name: str) -> Any:
    """A shipped JSON file."""
    return json.loads((folder() / name).read_text(encoding="utf-8"))


def account_rows() -> list[dict[str, Any]]:
    """The shipped account, one flow a row."""
    with (folder() / "garze_2010.csv").open(encoding="utf-8", newline="") as source:
        return [
            {key: float(cell) if key in _NUMBERS else cell for key, cell in row.items() if cell}
            for row in csv.DictReader(source)
        ]


def csv_rows() -> str:
    """The example order as a file of a job: field names, then one row."""
    import io

    from eco_credit.contracts import read_application, to_flat

    columns = to_flat([read_application(read("order.json"))])
    cells = {name: column[0] for name, column in columns.items() if str(column[0]) not in ("None", "nan", "NaT")}
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerows([list(cells), [str(cell) for cell in cells.values()]])
    return sink.getvalue()


def body_examples() -> dict[str, dict[str, dict[str, Any]]]:
    """Path of each POST route to its examples, by name: ``{summary, value}``."""
    whole = {name: {"summary": title, "value": read(f"{name}.json")} for name, title in KINDS.items()}
    first = whole["forest_right"]["value"]
    one = {"as_of": first["as_of"], "term_months": 12, "pledge": first["pledges"][0]}
    alone = {"one_pledge": {"summary": "One pledge without a loan", "value": one}}
    person = {"decided": "refer", "decided_by": "u-1", "reason": "The certificate is to be seen in the original."}
    account = {"norm": "norm-2022", "day": "2026-11-23", "rows": account_rows()}
    key = {"user": "li", "roles": ["loan_officer"], "expires": "2030-12-31"}
    return {
        "/v1/users/keys": {"officer": {"summary": "A key for a loan officer", "value": key}},
        "/v1/users/keys/{key_id}/rotate": {"day": {"summary": "The old key a day more", "value": {"grace_hours": 24}}},
        "/v1/scores": whole,
        "/v1/appraisals": {"forest_right": whole["forest_right"], **alone},
        "/v1/appraisals/report": alone,
        "/v1/decisions/{decision_id}/outcome": {"refer": {"summary": "A person refers it", "value": person}},
        "/v1/gep/accounts": {"garze_2010": {"summary": "Garze prefecture 2010", "value": account}},
        "/v2/models/{name}/infer": {
            "features": {"summary": "The three example applications as features", "value": read("features.json")}
        },
    }

"""Every contract file is complete, typed and valid against the standard it follows."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

import data_contracts
from eco_credit.contracts import Field, code_list, contract, contract_names, json_schema, record_model
from eco_credit.contracts.files import find
from eco_credit.contracts.texts import SENTENCES, sentences
from eco_credit.core.units import STORED_UNITS

FOREIGN_MONEY = {"guaranteed_loan_tape": {"USD"}}
"""Units outside the house list, allowed in one contract of foreign records."""
LISTS = sorted(path.stem for path in (data_contracts.FOLDER / "lists").glob("*.yaml"))
NAMES = contract_names()


def properties(element: object) -> list[dict]:
    if isinstance(element, list):
        return [found for item in element for found in properties(item)]
    if not isinstance(element, dict):
        return []
    own = [element] if "logicalType" in element and "customProperties" in element else []
    return own + [found for value in element.values() for found in properties(value)]


@pytest.mark.parametrize("name", NAMES)
def test_a_contract_file_follows_the_open_data_contract_standard(name: str) -> None:
    parsed = OpenDataContractStandard.from_file(str(find(name)))
    assert (parsed.apiVersion, parsed.kind, parsed.name) == ("v3.2.0", "DataContract", name)


@pytest.mark.skipif(shutil.which("datacontract") is None, reason="needs the program datacontract")
@pytest.mark.parametrize("name", NAMES)
def test_datacontract_lint_passes(name: str) -> None:
    done = subprocess.run(["datacontract", "lint", str(find(name))], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:]


@pytest.mark.parametrize("name", NAMES)
def test_every_leaf_states_unit_labels_known_at_privacy_and_personal(name: str) -> None:
    leaves = [p for p in properties(yaml.safe_load(find(name).read_text("utf-8"))) if p["logicalType"] != "object"
              and not (p["logicalType"] == "array" and p["items"].get("logicalType") == "object")]
    for leaf in leaves:
        keys = {item["property"] for item in leaf["customProperties"]}
        assert {"unit", "label.zh", "label.en", "known_at", "privacy", "personal"} <= keys, leaf["name"]
        assert leaf["description"].endswith("."), leaf["name"]


@pytest.mark.parametrize("name", NAMES)
def test_every_field_uses_the_closed_lists_of_the_house(name: str) -> None:
    for field in contract(name).fields:
        assert field.unit in STORED_UNITS or field.unit in FOREIGN_MONEY.get(name, ()), field.name
        assert field.known_at in {"origination", "monthly", "after_default"}
        assert field.privacy in range(1, 6)
        assert field.personal in {"none", "general", "sensitive"}
        assert {field.monotone, field.monotone_lvr} <= {-1, 0, 1}
        assert (field.privacy >= 4) == (field.personal != "none"), f"{name}.{field.name}"


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_bounded(name: str) -> None:
    for field in contract(name).fields:
        if field.is_number:
            assert field.maximum is not None, field.name
            assert field.minimum is not None or field.exclusive_minimum is not None, field.name
        most = 30_000 if field.name == "outline_wgs84" else 1000  # a cell of Excel holds 32,767 characters
        assert 0 < field.max_length <= most


@pytest.mark.parametrize("name", NAMES)
def test_column_names_are_unique(name: str) -> None:
    columns = [(field.group, field.column) for field in contract(name).fields]
    assert len(set(columns)) == len(columns)


@pytest.mark.parametrize("list_id", LISTS)
def test_a_code_list_names_its_edition_and_words_every_code(list_id: str) -> None:
    listed = code_list(list_id)
    assert listed.name and listed.edition and listed.source
    raw = yaml.safe_load(find(list_id, folder="lists").read_text("utf-8"))
    assert all(isinstance(code, str) for code in raw["codes"]), "a code is text; quote it"
    assert all(text["zh"] and text["en"] for text in listed.texts.values())


def test_a_field_with_a_list_states_the_name_and_edition() -> None:
    field = contract("forest_right").field("forest_class")
    assert field.list == "森林类别 林地一张图"
    assert field.codes == ("011", "012", "021", "022")


def test_the_flat_contract_holds_every_field_of_its_parts_once() -> None:
    flat = {field.name for field in contract("batch_input").fields}
    parts = [f for name in ("application", "forest_right", "water_right", "order") for f in contract(name).fields
             if f.group != "gep_flows"]
    services = {f"gep_{code}_cny" for code in code_list("gep_service").codes}
    assert flat == {f.column for f in parts} | services | {"gep_contracted_cny"}


def test_two_uses_of_one_word_get_two_columns() -> None:
    assert contract("application").field("purpose").column == "loan_purpose"
    assert contract("water_right").field("purpose").column == "water_purpose"


def test_the_digest_covers_what_a_contract_includes(monkeypatch: pytest.MonkeyPatch) -> None:
    from eco_credit.contracts import files, load

    before = contract("batch_input").digest
    path = find("repayment", folder="lists")
    changed = files.read_yaml(path) | {"edition": "2099"}
    real = files.read_yaml
    monkeypatch.setattr(files, "read_yaml", lambda p: changed if p == path else real(p))
    assert load.digest(load._material("batch_input")) != before


def test_outcomes_are_known_only_after_default() -> None:
    tape = contract("loan_tape")
    outcomes = {"default_12m", "default_on", "months_to_resolution", "lvr", "lgd", "cured", "true_pd", "true_lgd"}
    assert {f.name for f in tape.fields if f.known_at == "after_default"} == outcomes
    assert not [f.name for f in tape.fields if f.family and f.known_at != "origination"]
    sba = contract("guaranteed_loan_tape")
    late = {f.name for f in sba.fields if f.known_at == "after_default"}
    assert late == {"Term", "ChgOffDate", "ChgOffPrinGr", "BalanceGross", "MIS_Status"}


@pytest.mark.parametrize("rule", sorted(SENTENCES))
def test_a_rule_speaks_both_languages_and_leaves_no_blank(rule: str) -> None:
    field = contract("loan_tape").field("term_months")
    for words in (sentences(rule, field), sentences(rule)):
        assert all(words) and "None" not in "".join(words) and "{" not in "".join(words)
    assert any("\u4e00" <= char <= "\u9fff" for char in sentences(rule, field)[1])


@pytest.mark.parametrize("name", NAMES)
def test_models_and_schemas_can_be_made_of_every_contract(name: str) -> None:
    assert set(record_model(name).model_fields) == set(json_schema(contract(name))["properties"])
    assert record_model(name).model_json_schema()["additionalProperties"] is False


def test_a_bound_that_yaml_reads_as_text_is_an_error() -> None:
    from eco_credit.contracts.load import _bound

    with pytest.raises(TypeError):
        _bound(yaml.safe_load("1.0e9"), "area")


def test_loading_contracts_is_light() -> None:
    heavy = "{'pandas', 'pandera', 'jsonschema', 'open_data_contract_standard', 'lightgbm', 'mlflow'}"
    load = "import sys, eco_credit.contracts as c; c.contract('batch_input')"
    code = f"{load}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="no field nothing"):
        contract("order").field("nothing")
    with pytest.raises(KeyError):
        contract("../order")
    assert isinstance(contract("order").field("amount"), Field)

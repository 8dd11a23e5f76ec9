"""``eco-credit contracts``: list, export and check against the data contracts."""

from __future__ import annotations

import json as jsonlib
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.contracts import contract, contract_names
from eco_credit.core.errors import ContractError, Violation
from serving.cli.output import EXIT_REFUSED, JsonOption, emit, note, write_whole


class Form(StrEnum):
    """Forms in which a contract can be exported."""

    jsonschema = "jsonschema"
    ddl = "ddl"
    xlsx = "xlsx"
    markdown = "markdown"


def register(app: typer.Typer) -> None:
    """Add the command group ``contracts``."""
    group = typer.Typer(help="The data contracts: the one source of every field.", no_args_is_help=True)
    group.command("list")(list_contracts)
    group.command("check")(check)
    group.command("export")(export)
    app.add_typer(group, name="contracts")


def list_contracts(json: JsonOption = False) -> None:
    """List the contracts with version and number of fields."""
    rows = [
        {
            "name": c.name,
            "version": c.version,
            "fields": len(c.fields),
            "digest": c.digest,
            "zh": c.label_zh,
            "en": c.label_en,
        }
        for c in map(contract, contract_names())
    ]
    text = "\n".join(f"{r['name']:<22} {r['version']:<8} {r['fields']:>4} fields  {r['en']} / {r['zh']}" for r in rows)
    emit(rows if json else text, json)


def named(name: str) -> Any:
    """A contract by name, or a refusal that lists the names there are."""
    if name not in contract_names():
        names = ", ".join(contract_names())
        raise ContractError(
            [
                Violation(
                    "NAME", "code", f"there is no contract {name}; there are {names}", f"没有契约 {name}；可用：{names}"
                )
            ]
        )
    return contract(name)


def check(
    name: Annotated[str, typer.Argument(metavar="CONTRACT", help="Name of the contract.")],
    file: Annotated[Path, typer.Argument(help="Parquet, CSV, xlsx, or a JSON application.")],
    mapping: Annotated[
        Path | None, typer.Option(help="YAML: your column names and units.", exists=True, dir_okay=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check a file against a contract; exit 3 and a list of field and rule when it breaks one."""
    from serving.batch.check import check_file

    findings = check_file(named(name), file) if mapping is None else _mapped(name, file, mapping)
    emit({"contract": name, "file": file.name, "violations": findings}, json)
    if findings:
        note(f"{len(findings)} violations / 违规 {len(findings)} 处")
        raise typer.Exit(EXIT_REFUSED)


def _mapped(name: str, file: Path, mapping: Path) -> list[dict[str, Any]]:
    """Findings of a lender's own file; the mapping must be one for the contract."""
    from eco_credit.contracts.mapping import read_mapping
    from serving.batch.check import check_mapped

    found, read = named(name), read_mapping(mapping)
    if read.contract != name:
        en, zh = f"the mapping is for {read.contract}, not for {name}", f"映射对应契约 {read.contract}，不是 {name}"
        raise ContractError([Violation("contract", "other_contract", en, zh)])
    if not file.is_file():
        raise ContractError([Violation("FILE", "no_such_file", "there is no such file", "文件不存在")])
    return check_mapped(found, file, read)


def export(
    name: Annotated[str, typer.Argument(help="Name of the contract.")],
    to: Annotated[Form, typer.Option(help="Form to export to.")],
    out: Annotated[Path | None, typer.Option(help="File to write; xlsx without one goes to NAME.xlsx.")] = None,
    json: JsonOption = False,
) -> None:
    """Export a contract as JSON Schema, SQL, an Excel template or Markdown."""
    from eco_credit.contracts import create_table, excel_template, json_schema, markdown

    found = named(name)
    if to is Form.xlsx:
        out = out or Path(f"{name}.xlsx")
        excel_template([name], out)
    else:
        text = {
            Form.jsonschema: lambda: jsonlib.dumps(json_schema(found), ensure_ascii=False, indent=2) + "\n",
            Form.ddl: lambda: create_table(found),
            Form.markdown: lambda: markdown(found),
        }[to]()
        if out is not None:
            write_whole(out, text.encode("utf-8"))
    done = {"contract": name, "to": to.value} | ({"text": text} if out is None else {"file": str(out)})
    if json:
        emit(done, True)
    elif out is None:
        sys.stdout.write(text)
    else:
        note(f"wrote {out}")

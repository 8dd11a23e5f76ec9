"""Data contracts in use: load them, read input by them, generate models, tables and documents."""

from eco_credit.contracts.applications import (
    Applications,
    applications_from_columns,
    flatten,
    flow_columns,
    nest,
    taken,
    to_flat,
)
from eco_credit.contracts.columns import check_columns, column_of, column_violations
from eco_credit.contracts.ddl import create_table
from eco_credit.contracts.examples import example_application
from eco_credit.contracts.field import Broken, Check, Contract, Field, Group
from eco_credit.contracts.frames import columns_of_frame, frame_of_columns
from eco_credit.contracts.lists import CodeList, code_list
from eco_credit.contracts.load import contract, contract_names, pledge_kinds
from eco_credit.contracts.markdown import markdown
from eco_credit.contracts.models import application_model, record_model
from eco_credit.contracts.personal import folded_subject, personal_names, subject_of
from eco_credit.contracts.reading import read_application, read_record, violations
from eco_credit.contracts.schema import json_schema
from eco_credit.contracts.tables import pandera_schema
from eco_credit.contracts.template import excel_template
from eco_credit.contracts.texts import sentences

__all__ = [
    "Applications",
    "Broken",
    "Check",
    "CodeList",
    "Contract",
    "Field",
    "Group",
    "application_model",
    "applications_from_columns",
    "check_columns",
    "code_list",
    "column_of",
    "column_violations",
    "columns_of_frame",
    "contract",
    "contract_names",
    "create_table",
    "example_application",
    "excel_template",
    "flatten",
    "flow_columns",
    "folded_subject",
    "frame_of_columns",
    "json_schema",
    "markdown",
    "nest",
    "pandera_schema",
    "personal_names",
    "pledge_kinds",
    "read_application",
    "read_record",
    "record_model",
    "sentences",
    "subject_of",
    "taken",
    "to_flat",
    "violations",
]

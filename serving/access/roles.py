"""Roles and what each of them may do. Whatever is not in the table is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a user of one tenant is there for."""

    LOAN_OFFICER = "loan_officer"
    RISK_MODELLER = "risk_modeller"
    APPROVER = "approver"
    GUARANTEE_AGENCY = "guarantee_agency"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a route may ask of its caller."""

    SCORE = "score"
    """Score an application and record the answer."""
    APPRAISE = "appraise"
    """Appraise pledges and draw up GEP accounts; nothing is recorded."""
    CASES = "cases"
    """Read recorded decisions of the own tenant."""
    OUTCOME = "outcome"
    """Record a person's decision about an answer."""
    JOBS = "jobs"
    """Run files of applications."""
    CATALOGUE = "catalogue"
    """Read contracts, rules and the model in service."""
    MODELS = "models"
    """Read how models were judged, and how they do."""
    PROPOSE = "propose"
    """Propose a model for promotion."""
    PROMOTE = "promote"
    """Approve a proposed model, or go back to the one before."""
    AUDIT = "audit"
    """Check the decision log and replay answers."""
    USERS = "users"
    """Make and revoke keys."""


_P = Permission
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.LOAN_OFFICER: frozenset({_P.SCORE, _P.APPRAISE, _P.CASES, _P.OUTCOME, _P.CATALOGUE}),
    Role.RISK_MODELLER: frozenset({_P.APPRAISE, _P.CATALOGUE, _P.MODELS, _P.PROPOSE}),
    Role.APPROVER: frozenset({_P.CASES, _P.OUTCOME, _P.CATALOGUE, _P.MODELS, _P.PROMOTE}),
    Role.GUARANTEE_AGENCY: frozenset({_P.SCORE, _P.APPRAISE, _P.CASES, _P.JOBS, _P.CATALOGUE}),
    Role.AUDITOR: frozenset({_P.CASES, _P.CATALOGUE, _P.MODELS, _P.AUDIT}),
    # keeps the keys, and therefore sees no case and moves no model
    Role.ADMIN: frozenset({_P.CATALOGUE, _P.USERS}),
}
"""What each role may do."""

"""Signed model packages: written, verified, registered, promoted, served."""

from eco_credit.registry.folder import open_model
from eco_credit.registry.golden import golden_rows
from eco_credit.registry.keys import SigningKey, TrustedKey
from eco_credit.registry.package import Package, PackageMeta, load_package, write_package
from eco_credit.registry.promote import promote, rollback
from eco_credit.registry.signature import sign, verify
from eco_credit.registry.store import Store, served

__all__ = [
    "Package",
    "PackageMeta",
    "SigningKey",
    "Store",
    "TrustedKey",
    "golden_rows",
    "load_package",
    "open_model",
    "promote",
    "rollback",
    "served",
    "sign",
    "verify",
    "write_package",
]

"""What people read: figures, the papers to sign and the reports. The only room that draws.

Numbers are written as the desk writes them (yuan in ten thousands with two decimals, ratios in
percent with two decimals), sentences come from ``i18n/zh.yaml`` and ``i18n/en.yaml``, and every
value is escaped on its way into HTML.
"""

from __future__ import annotations

from eco_credit.reports.appraisal_report import appraisal_report
from eco_credit.reports.memo import memo

__all__ = ["appraisal_report", "memo"]

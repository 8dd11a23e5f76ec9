"""The papers a loan officer signs, out of one recorded decision: investigation memo and decision sheet.

A paper is plain data (:mod:`~eco_credit.reports.papers.paper`), printed as a web page
(:mod:`~eco_credit.reports.papers.html`) or as a PDF (:mod:`~eco_credit.reports.papers.pdf`) with the same figures.
"""

from __future__ import annotations

from eco_credit.reports.papers.decision import decision_sheet
from eco_credit.reports.papers.html import to_html
from eco_credit.reports.papers.investigation import investigation_memo
from eco_credit.reports.papers.paper import Paper
from eco_credit.reports.papers.pdf import PdfUnavailable, to_pdf
from eco_credit.reports.papers.record import Record

__all__ = ["Paper", "PdfUnavailable", "Record", "decision_sheet", "investigation_memo", "to_html", "to_pdf"]

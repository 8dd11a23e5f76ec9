"""A paper as a PDF for the archive (PDF/A-2u), by typst: never with a missing character, the same bytes every time.

The standard forbids a glyph that stands for nothing, so typst refuses where no font has a character; that refusal is
what :class:`PdfUnavailable` says in words. The only date in the file is that of the record.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from eco_credit.core.errors import EcoCreditError
from eco_credit.reports.page import translator
from eco_credit.reports.papers.paper import Paper
from eco_credit.reports.papers.record import WORDS

if TYPE_CHECKING:
    from typst import Fonts

CJK_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "Noto Serif CJK SC",
    "Source Han Serif SC", "Microsoft YaHei", "PingFang SC", "SimSun", "FangSong", "STSong", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Droid Sans Fallback",
)  # fmt: skip
"""Font families with simplified Chinese that are looked for, the preferred one first."""
STANDARD: Final = "a-2u"
"""The archive form of PDF that also keeps every character readable as text."""
_REGIONS = {"zh": "cn", "en": "gb"}
_LONG_RUN = re.compile(r"[!-~]{31,}")
_SOFT = 12
"""Letters between two places where a long run of letters may be broken."""


class PdfUnavailable(EcoCreditError):
    """No PDF can be made here: the extra, a font or a character is missing."""

    code = "pdf_unavailable"
    title_en = "No PDF can be made here"
    title_zh = "无法生成 PDF"


def _unavailable(key: str) -> PdfUnavailable:
    return PdfUnavailable(*(translator(lang, WORDS)(f"pdf.{key}") for lang in ("en", "zh")))


@cache
def _system_fonts() -> Fonts:
    """All fonts of this machine; looking through them is slow, so it is done once."""
    import typst

    return typst.Fonts()


def to_pdf(paper: Paper, *, fonts: Fonts | None = None) -> bytes:
    """Print a paper as PDF/A-2u: A4, numbered pages, heads of tables repeated, the mark on every page.

    Args:
        paper: the paper.
        fonts: fonts to choose from; those of this machine without it.

    Returns:
        The file. The same paper and fonts give the same bytes.

    Raises:
        PdfUnavailable: typst is not installed, no font has Chinese, or none has some character of the paper.
    """
    try:
        import typst
    except ImportError:
        raise _unavailable("no_typst") from None
    found = fonts or _system_fonts()
    known = set(found.families())
    families = [name for name in CJK_FAMILIES if name in known]
    if not families:
        raise _unavailable("no_font")
    source = files(WORDS).joinpath("templates", "paper.typ").read_bytes()
    try:
        made = typst.compile(
            source, font_paths=found, format="pdf", sys_inputs={"paper": _data(paper, families)},
            pdf_standards=STANDARD, timestamp=int(_moment(paper).timestamp()),
        )  # fmt: skip
    except typst.TypstError as refusal:
        if "could not be displayed" in str(refusal):
            # the refusal repeats the text, which may be a name, so it is not chained
            raise _unavailable("no_glyph") from None
        raise
    return bytes(made)


def _moment(paper: Paper) -> datetime:
    return datetime.fromisoformat(paper.recorded_at.replace("Z", "+00:00"))


def _data(paper: Paper, families: list[str]) -> str:
    """The paper as JSON for the template, with its words, fonts and time."""
    t, moment = translator(paper.lang, WORDS), _moment(paper)
    plain = paper.plain() | {"parts": [_softened(part) for part in paper.plain()["parts"]]}
    plain |= {
        "words": {"colon": t("paper.colon"), "sources": t("paper.sources")}, "fonts": families,
        "region": _REGIONS[paper.lang],
        "stamp": [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second],
    }  # fmt: skip
    return json.dumps(plain, ensure_ascii=False)


def _softened(value: Any) -> Any:
    """The same with places to break in long runs of letters, which would else run out of their cell."""
    if isinstance(value, dict):
        return {name: _softened(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_softened(one) for one in value]
    return _LONG_RUN.sub(_broken, value) if isinstance(value, str) else value


def _broken(found: re.Match[str]) -> str:
    run = found[0]
    return "\u200b".join(run[start : start + _SOFT] for start in range(0, len(run), _SOFT))

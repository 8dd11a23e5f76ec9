"""The portfolio report: the figures of `eco_credit.portfolio` as a page to print, and as a plain table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from eco_credit.reports.figures import BAND, CENTRE, INK
from eco_credit.reports.formats import UNKNOWN, number, percent, wan

Rows = list[tuple[str, str]]
"""Name and value of each line, as shown."""
PARTIES = {
    "guarantor": "直担机构 Guarantor",
    "re_guarantor": "再担保机构 Re-guarantor",
    "bank": "合作银行 Bank",
    "government": "政府 Government",
    "national_fund": "国家融担基金 National fund",
}
KINDS = {"forest_right": "林权 Forest right", "water_right": "水权 Water right", "order": "产品订单 Product order"}
NOTICES = {
    "G02": "单户或单组超限额,或放大倍数超限 / a single-client, group or leverage limit is broken",
    "G03": "代偿率接近上限 / the expected payout rate is near its cap",
    "G05": "银行分险达标 / the bank shares the risk as required",
}
_CSS = Markup("""
body{margin:0;background:#eef1ef;color:#1d2b26}
body{font:14px/1.55 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:210mm;margin:1rem auto;padding:14mm 16mm;background:#fff}
h1{font-size:22px;margin:0 0 .6rem}h2{font-size:16px;border-bottom:2px solid #1f6b4a;margin:1.2rem 0 .4rem}
table{width:100%;border-collapse:collapse}td{border-bottom:1px solid #c9d3ce;padding:.2rem .4rem}
td+td{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.synthetic{border:1px solid #8a5a00;color:#6b4500;background:#fff6dd;padding:.35rem .6rem}
.fine{color:#4c5b55;font-size:12px}.figure{width:100%;height:auto}
@page{size:A4;margin:14mm}
@media print{body{background:none}main{margin:0;padding:0;max-width:none}tr,.figure{break-inside:avoid}}
""")
_SYNTHETIC = Markup('<p class="synthetic">模拟数据或模拟模型,仅供演示 / Synthetic data or model, for show only</p>')
_PAGE = Markup(
    '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title><style>{css}</style></head>'
    "<body><main><h1>{title}</h1>{synthetic}{body}{charts}{terms}</main></body></html>\n"
)
_SECTION = Markup("<section><h2>{}</h2>{}</section>")


def sections(figures: Mapping[str, Any]) -> list[tuple[str, Rows]]:
    """The figures as titled lines, money in ten thousand yuan, ratios in percent.

    Args:
        figures: plain data of `eco_credit.portfolio.PortfolioFigures`.

    Returns:
        Title and lines of each section, in reading order.
    """
    return [
        ("组合 Portfolio (万元 10k CNY)", _balance(figures)),
        ("损失 Expected loss, one year", _loss(figures)),
        (
            "承担方 Who bears it (万元 10k CNY)",
            [(PARTIES.get(party, party), wan(value)) for party, value in figures["borne"].items()],
        ),
        ("担保人账 Account of the bearer (万元 10k CNY)", _bearer(figures)),
        *([("限额 Limits", _limits(figures["limits"]))] if figures["limits"] else []),
        ("集中度 Concentration", _concentration(figures["concentration"])),
        *(
            [("提示 Notices", [(NOTICES.get(code, code), code) for code in figures["notices"]])]
            if figures["notices"]
            else []
        ),
    ]


def portfolio_report(figures: Mapping[str, Any]) -> str:
    """The report as one HTML page: no script, no outside address, prints on A4.

    Args:
        figures: plain data of `eco_credit.portfolio.PortfolioFigures`, with ``rules_day`` and ``rules_hash``.

    Returns:
        HTML text; marked as synthetic when the rows or the model are.
    """
    charts = _bars("各方承担的预期损失 Expected loss by party", figures["borne"], PARTIES)
    charts += _bars("押品种类 Balance by kind of pledge", figures["concentration"]["by_kind"], KINDS)
    return str(
        _PAGE.format(
            title="担保组合报告 Guarantee portfolio report",
            css=_CSS,
            body=Markup("").join(_section(title, rows) for title, rows in sections(figures)),
            charts=charts,
            synthetic=_SYNTHETIC if figures["synthetic"] else "",
            terms=_terms(figures),
        )
    )


def _balance(figures: Mapping[str, Any]) -> Rows:
    counts, balance = figures["counts"], figures["balance"]
    return [
        ("申请笔数 Applications read", number(counts["read"], 0)),
        ("纳入组合 In the portfolio", number(counts["in_portfolio"], 0)),
        ("未纳入 Left out by recommendation", number(counts["left_out"], 0)),
        ("未评分 Not scored", number(counts["not_scored"], 0)),
        ("余额 Balance", wan(balance["whole"])),
        ("担保余额 Covered balance", wan(balance["covered"])),
        ("责任余额 Balance borne by the bearer", wan(balance["borne"])),
        ("加权责任余额 Weighted balance borne", wan(balance["weighted"])),
    ]


def _loss(figures: Mapping[str, Any]) -> Rows:
    loss = figures["loss"]
    return [
        ("预期损失(万元) Expected loss", wan(loss["expected"])),
        ("预期损失率 Rate", percent(loss["rate"])),
        ("加权违约概率 PD, balance weighted", percent(loss["pd"])),
        ("违约损失率 LGD, weighted by balance at default", percent(loss["lgd"])),
        ("损失率分位数 Loss rate quantile", percent(loss["quantile_rate"])),
        ("超代偿上限由银行承担(万元) Above the payout cap", wan(loss["above_cap"])),
    ]


def _bearer(figures: Mapping[str, Any]) -> Rows:
    account = figures["bearer"]
    money = {
        "expected_payout": "预期代偿 Expected payout",
        "recovery_present_value": "追偿现值 Subrogation, present value",
        "net_loss": "净损失 Net loss",
        "operating_cost": "运营成本 Operating cost",
        "capital_need": "资本占用 Capital need",
        "capital_cost": "资本成本 Capital cost",
        "break_even_fee": "保本担保费 Break-even fee",
        "fee_income": "担保费收入 Fee income",
        "margin": "余额 Margin",
    }
    rows = [(label, wan(account[name])) for name, label in money.items()]
    return [
        *rows,
        ("预期代偿率 Payout rate", percent(account["payout_rate"])),
        ("保本年费率 Break-even fee rate", percent(account["break_even_fee_rate"])),
    ]


def _limits(limits: Mapping[str, Any]) -> Rows:
    mark = {True: "符合 within", False: "超限 BROKEN"}
    return [
        ("放大倍数 Leverage multiple", number(limits["leverage"], 2)),
        ("责任余额上限(万元) Balance limit", wan(limits["balance_max"])),
        ("剩余空间(万元) Headroom", wan(limits["headroom"])),
        ("最大单户(万元) Largest client", wan(limits["single_largest"])),
        ("单户上限(万元) Limit of one client", f"{wan(limits['single_max'])} {mark[bool(limits['single_ok'])]}"),
        ("最大关联组(万元) Largest group", wan(limits["group_largest"])),
        ("关联组上限(万元) Limit of one group", f"{wan(limits['group_max'])} {mark[bool(limits['group_ok'])]}"),
    ]


def _concentration(found: Mapping[str, Any]) -> Rows:
    rows = [
        ("赫芬达尔指数 Herfindahl index", number(found["hhi"], 4)),
        ("等效户数 Effective number", number(found["effective_number"], 1)),
        ("最大户占比 Largest", percent(found["largest"])),
        ("前十大占比 Ten largest", percent(found["ten_largest"])),
    ]
    rows += [(f"{KINDS.get(kind, kind)} (万元)", wan(value)) for kind, value in found["by_kind"].items()]
    return rows + [(f"地区 Area {area} (万元)", wan(value)) for area, value in found["by_area"].items()]


def _section(title: str, rows: Rows) -> Markup:
    line = Markup("<tr><td>{}</td><td>{}</td></tr>")
    return _SECTION.format(
        title, Markup("<table>{}</table>").format(Markup("").join(line.format(*row) for row in rows))
    )


def _bars(title: str, values: Mapping[str, float], names: Mapping[str, str]) -> Markup:
    """Horizontal bars of money, drawn as plain SVG; nothing when all are zero."""
    largest = max(values.values(), default=0.0)
    if not largest > 0.0:
        return Markup("")
    bar = Markup(
        '<text x="0" y="{text}" fill="{ink}">{name}</text><rect x="200" y="{top}" width="{width:.1f}" height="18"'
        ' fill="{fill}" stroke="{edge}"/><text x="{end:.1f}" y="{text}" fill="{ink}">{shown}</text>'
    )
    parts = []
    for place, (key, value) in enumerate(values.items()):
        top, width = 26 + 30 * place, max(1.0, 300.0 * value / largest)
        parts.append(
            bar.format(
                text=top + 13,
                top=top,
                width=width,
                end=206 + width,
                name=names.get(key, key),
                shown=wan(value),
                ink=INK,
                fill=BAND,
                edge=CENTRE,
            )
        )
    drawing = Markup(
        '<svg class="figure" role="img" viewBox="0 0 640 {height}" font-size="13" aria-label="{title}">'
        '<text x="200" y="16" fill="{ink}">万元 10k CNY</text>{bars}</svg>'
    ).format(height=30 + 30 * len(values), title=title, ink=INK, bars=Markup("").join(parts))
    return _SECTION.format(title, drawing)


def _terms(figures: Mapping[str, Any]) -> Markup:
    terms = figures["terms"]
    split = ", ".join(f"{PARTIES.get(party, party)} {percent(share)}" for party, share in terms["split"].items())
    assumed = ", ".join(terms["assumed"]) or UNKNOWN
    return Markup(
        '<p class="fine">条款 Terms: {} ({}). 分险 Split: {}. 规则取值 Filled from the rulebook: {}. '
        "规则日 Rules of {}, {}. 模型结果仅供参考 Model results are for reference.</p>"
    ).format(terms["name"], terms["authority"], split, assumed, figures["rules_day"], figures["rules_hash"][:16])

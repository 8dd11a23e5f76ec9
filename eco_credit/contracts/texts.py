"""What each rule says to people, in English and Chinese: what to do, never the value."""

from __future__ import annotations

from eco_credit.contracts.field import Field

SENTENCES: dict[str, tuple[str, str]] = {
    "missing": ("give a value", "请填写"),
    "extra": ("remove this field; the contract does not know it", "契约中没有该字段，请删除"),
    "type": ("give a value of type {type}", "请按{type_zh}填写"),
    "finite": ("give a finite number", "请填有限的数值"),
    "integer": ("give a whole number", "请填整数"),
    "minimum": ("give at least {minimum} {unit}", "不得小于{minimum}（{unit}）"),
    "exclusive_minimum": ("give more than {exclusive_minimum} {unit}", "须大于{exclusive_minimum}（{unit}）"),
    "maximum": ("give at most {maximum} {unit}; check the unit", "不得大于{maximum}（{unit}），请核对单位"),
    "code": ("use a code of the list {list}{codes}", "请使用代码表中的代码：{list}{codes}"),
    "min_length": ("give some text, or leave the field out", "不可为空文本；未知请留空"),
    "max_length": ("give at most {max_length} characters", "不得超过{max_length}个字符"),
    "characters": ("remove control and invisible characters", "请去掉控制字符和不可见字符"),
    "pattern": ("write it in the form {pattern}", "格式应为 {pattern}"),
    "date": ("give a calendar day as YYYY-MM-DD, from 1900 to 2199", "请按 YYYY-MM-DD 填写真实日期（1900至2199年）"),
    "identifier": ("check the number against the paper; its form or check character is wrong",
                   "号码的格式或校验位有误，请对照证件核对"),
    "not_after": ("give a day that is not after the end", "起始日不得晚于终止日"),
    "at_most": ("give at most the amount it is a part of", "不得大于其所属总量"),
    "at_most_times": ("give no more than the value beside it allows; check the units of both",
                      "不得超过相关数值换算后的上限，请核对两项的单位"),
    "sum_at_most_field": ("the parts must not add up to more than the whole beside them", "各部分之和不得超过相应总量"),
    "sum_at_most": ("the parts must not add up to more than the whole", "各部分之和不得超过整体"),
    "required_with": ("give this too, the value beside it has no meaning without it",
                      "请一并填写，否则相关数值没有意义"),
    "unique": ("use each number once", "编号不得重复"),
    "kind": ("name a known kind of pledge", "请填写已知的押品种类"),
    "other_kind": ("leave blank; the field belongs to another kind of pledge", "该字段属于其他押品种类，请留空"),
    "min_items": ("give at least one", "至少填写一项"),
    "max_items": ("give fewer members", "项数过多，请减少"),
    "more": ("correct the fields above first; more were found", "其余错误未列出，请先更正以上各项"),
}
"""Rule id to the sentence in English and Chinese; the ids are stable."""
HEADER_UNITS = {
    "CNY": "元", "CNY/year": "元/年", "CNY/m3": "元/m3", "CNY/ha": "元/公顷", "CNY/ha/year": "元/公顷/年",
    "CNY/kWh": "元/千瓦时", "CNY/day": "元/工日", "ha": "公顷", "m3": "m3", "m3/year": "m3/年", "m3/ha": "m3/公顷",
    "m3/day": "m3/日", "m3/s": "m3/s", "kWh/year": "千瓦时/年", "kW": "千瓦", "1/ha": "株/公顷", "day/ha": "工日/公顷",
    "ratio": "比例", "month": "月", "day": "天", "m": "m", "cm": "cm", "km": "km", "deg": "度",
}
"""Units as the header of a template states them; the batch reader knows these words."""
_TYPES_ZH = {"number": "数值", "integer": "整数", "text": "文本", "date": "日期", "boolean": "是/否"}


def sentences(rule: str, field: Field | None = None) -> tuple[str, str]:
    """What to do about a broken rule.

    Args:
        rule: rule id.
        field: the field at fault; None for a list or a record.

    Returns:
        (English, Chinese).

    Example:
        >>> from eco_credit.contracts.load import contract
        >>> sentences("exclusive_minimum", contract("forest_right").field("area"))[0]
        'give more than 0 ha (Certificates print mu, 15 to the hectare; state the unit in the header)'
    """
    en, zh = SENTENCES[rule]
    words = {name: _plain(getattr(field, name, None)) for name in _NAMES} | {"codes": _few(field)}
    type_zh = _TYPES_ZH[field.type] if field else "对象或列表"
    help_en, help_zh = (field.help_en, field.help_zh) if field else (None, None)
    en, zh = (text.format(**words, type_zh=type_zh) for text in (en, zh))
    return (f"{en} ({help_en})" if help_en else en), (f"{zh}（{help_zh}）" if help_zh else zh)


_NAMES = ("type", "unit", "minimum", "exclusive_minimum", "maximum", "list", "max_length", "pattern")


_FEW_CODES = 12
"""A list of more codes is named only: it is looked up, not read in a sentence."""


def _few(field: Field | None) -> str:
    """The codes of a short list, as they go behind its name."""
    codes = () if field is None or field.codes is None else field.codes
    return f" ({', '.join(codes)})" if 0 < len(codes) <= _FEW_CODES else ""


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    return "record or list" if value is None else str(value)

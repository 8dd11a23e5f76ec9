"""The rules a batch file can break, each with its sentence in English and in Chinese.

Sentences name the field and the rule and say what to do; they never repeat the value.
"""

from __future__ import annotations

from eco_credit.core.errors import ContractError, Violation

TEXTS: dict[str, tuple[str, str]] = {
    "D01": (
        "unit not stated: put 元, 万元, 亩, 公顷, m3, 万m3 or % in brackets in the header",
        "单位不明：请在表头括号内注明元、万元、亩、公顷、m3、万m3或%",
    ),
    "unit_mismatch": ("the unit in the header does not fit this field", "表头单位与该字段不符"),
    "two_columns": ("two columns lead to this field: keep one", "两列对应同一字段，请只保留一列"),
    "missing_column": ("a required column is missing", "缺少必填列"),
    "header_not_found": (
        "no header row was found in the first ten rows: at least 60 percent of a row's cells"
        " must be known labels or field names",
        "前十行内未找到表头：一行中至少60%的单元格须为已知标签或字段名",
    ),
    "no_such_file": ("there is no such file", "文件不存在"),
    "empty_file": ("the file is empty", "文件为空"),
    "no_rows": ("the file has no data row", "文件没有数据行"),
    "too_large": (
        "the file is larger than the limit: split it or use parquet",
        "文件超过大小上限，请拆分或改用parquet",
    ),
    "wrong_format": ("the content does not fit the ending of the file name", "文件内容与扩展名不符"),
    "unsupported_format": (
        "only .parquet (or a folder of parts), .csv, .txt, .tsv, .xlsx, .xls, .et and .dbf are read",
        "仅支持 .parquet（或分片文件夹）、.csv、.txt、.tsv、.xlsx、.xls、.et 和 .dbf",
    ),
    "not_a_workbook": (
        "the content is no workbook, though the ending says so (a web page or text saved under this ending often is"
        " none): open it in a spreadsheet program and save it as .xlsx",
        "扩展名是工作簿而内容不是（常见于另存的网页或文本），请用表格软件打开后另存为.xlsx",
    ),
    "encrypted": (
        "the workbook is protected by a password: save it without one",
        "工作簿有密码，请另存为无密码的文件",
    ),
    "unsafe_archive": ("the workbook unpacks to more than the limit", "工作簿解压后超过上限"),
    "unreadable": ("the file is damaged and cannot be read", "文件损坏，无法读取"),
    "encoding": ("the text is neither UTF-8 nor GB18030", "文本既非UTF-8也非GB18030编码"),
    "number_form": ("not a number in a known form", "不是可识别的数字写法"),
    "date_form": ("not a date in a known form: write 2026-11-23", "不是可识别的日期写法，请写成2026-11-23"),
    "date_impossible": ("there is no such day", "日期不存在"),
    "yes_no": ("write yes or no (是 or 否)", "请填是或否"),
    "digits_lost": (
        "an identifier kept as a number has lost digits: format the column as text and enter it again",
        "编号以数字保存已丢失位数，请将该列设为文本后重新录入",
    ),
    "too_long": ("the text is too long", "文本过长"),
    "row_shape": ("the row has more cells than the header", "该行单元格多于表头"),
    "formula_without_value": (
        "a formula has no stored value: open the file in a spreadsheet program and save it",
        "公式单元格没有保存的结果，请用表格软件打开并保存",
    ),
    "error_value": (
        "the cell holds an error of the spreadsheet, such as a division by zero: mend the formula or leave it blank",
        "单元格为表格错误值（如除零、引用失效），请更正公式或留空",
    ),
    "percent_form": (
        "the cell is shown as a percentage, which this field is not: change the format of the cell",
        "单元格以百分比显示，而该字段不是比例，请改单元格格式",
    ),
    "percent_unclear": (
        "the number format does not tell whether the cell is a percentage: choose a plain format and enter it again",
        "无法从单元格格式判断是否为百分比，请改为普通数字格式后重新录入",
    ),
    "cell_unplaced": (
        "the workbook does not say where a cell stands: open it in a spreadsheet program and save it",
        "工作簿未注明单元格位置，请用表格软件打开并保存",
    ),
    "not_contiguous": (
        "rows of one application do not stand together: sort by application number",
        "同一申请的行不连续，请按申请编号排序",
    ),
    "too_many_pledges": ("one application has too many rows", "同一申请的行数过多"),
    "rows_disagree": (
        "rows of one application say different things about borrower or loan",
        "同一申请各行的借款人或贷款信息不一致",
    ),
    "application_rejected": ("another row of this application was rejected", "同一申请的其他行已被拒收"),
    "not_scored": ("the application could not be scored", "该申请无法评分"),
    "rule_not_in_force": ("the rulebook has no value for that day", "该日没有生效的规则"),
    "reject_share": (
        "more rows were rejected than the limit allows: see the reject file",
        "拒收行超过上限，请查看拒收文件",
    ),
    "input_changed": (
        "this is not the run that was interrupted: input, model, rules, book or settings changed;"
        " run again without --resume",
        "与中断的运行不一致（输入、模型、规则、押品台账或设置已变），请去掉 --resume 重新运行",
    ),
    "other_witness": (
        "the interrupted run computed with other code, libraries or arithmetic, and its numbers might differ in the"
        " last bit; resume with the same, or run again without --resume",
        "中断的运行所用代码、库或运算与现在不同，末位数字可能不一致；请用原环境续跑，或去掉 --resume 重新运行",
    ),
    "busy": ("another run is writing this result", "另一个运行正在写入该结果"),
    "lease_lost": (
        "another run has taken this one over: this one stops and has changed nothing since",
        "另一个运行已接管，本次运行停止，未再写入",
    ),
    "result_format": ("the result can be written as .parquet, .csv or .xlsx", "结果文件仅支持 .parquet、.csv 或 .xlsx"),
    "too_many_rows": (
        "a sheet holds 1,048,575 rows: write the result as parquet or csv",
        "工作表最多1048575行，请改用parquet或csv",
    ),
    "several_applications": (
        "the file holds several applications, or rows without an application number: one form takes one"
        " application; score many with eco-credit batch run",
        "文件含多份申请，或有的行没有申请编号：表单一次填一份申请，多份请用批量测算 eco-credit batch run",
    ),
    "other_kind_of_file": ("the file is about another kind of pledge", "文件属于其他押品种类"),
    "contracted_part": (
        "only a part is contracted: mark the contracted flows on the form",
        "仅部分已签约，请在表单中逐项标明",
    ),
    "reader_stopped": (
        "the file brought down the process that reads it: fill in the template anew, or save the table as csv",
        "该文件使读取进程中止，请用空白模板重新填写，或将表格另存为csv",
    ),
    "reader_memory": (
        "decoding the workbook needs more memory than it may have, and was stopped: split it, or save it as csv or"
        " parquet",
        "解析工作簿超出允许内存，已中止，请拆分或另存为csv、parquet",
    ),
    "reader_time": (
        "decoding the workbook takes longer than it may, and was stopped: split it, or save it as csv or parquet",
        "解析工作簿超出允许时间，已中止，请拆分或另存为csv、parquet",
    ),
    "no_parts": ("the folder holds no .parquet part", "文件夹中没有 .parquet 分片"),
    "merged_cell": (
        "a cell is merged over rows in a column of its own for each row: take the merge apart and fill every row",
        "逐行填写的列中有合并单元格，请取消合并并逐行填写",
    ),
    "open_end": (
        "the cell says that there is no end: read as no day, which is left open",
        "单元格写明长期或无固定期限：按无到期日读入，日期留空",
    ),
    "open_end_needed": (
        "this field needs a day or a length of time, and the cell says that there is no end: enter what the contract"
        " or the certificate says",
        "该字段须填日期或期限，单元格却为长期：请按合同或证书填写",
    ),
    "percent_small": (
        "the header says % and no number of this column is above one: look whether 0.35 means 35 %",
        "表头为%而该列数值均不大于1，请核对0.35是否指35%",
    ),
    "matured_in_force": (
        "the end is past and the guarantee still has a balance: see whether it is to be released, extended or called",
        "到期日已过而仍在保，请核对是否应解保、展期或代偿",
    ),
    "unit_suspect": (
        "the middle of this column is far from any usual loan: look at the unit in its header",
        "该列中位数远离常见贷款金额，请核对表头单位",
    ),
    "total_differs": (
        "the total is not the sum of the rows above it, beyond rounding",
        "合计与各行之和不符（已扣除四舍五入误差）",
    ),
    "same_file": ("input and result are the same file", "输入与结果为同一文件"),
    "among_parts": (
        "the result would stand among the parts of the input: write it to another folder",
        "结果文件会落入输入分片文件夹，请写到其他文件夹",
    ),
    "no_such_folder": (
        "the folder of the result is not there: make it, or look at its name",
        "结果所在文件夹不存在，请先建立或核对名称",
    ),
    "not_writable": ("nothing may be written in this folder: look at its rights", "该文件夹不可写，请检查权限"),
    "not_readable": ("the file may not be read: look at its rights", "文件不可读，请检查权限"),
    "name_taken": (
        "a folder, or something else that is no file, stands where a file of this name is to be written",
        "要写入的文件名已被文件夹等占用",
    ),
    "same_sheets": (
        "two sheets have one name, of which only the first can be read: give each its own",
        "两个工作表同名，只能读到前一个，请改为不同名称",
    ),
}
"""Rule to sentence in English and Chinese."""


def violation(field: str, rule: str, *, row: int | None = None) -> Violation:
    """A broken rule with its sentences."""
    en, zh = TEXTS[rule]
    return Violation(field, rule, en, zh, row)


def refusal(field: str, rule: str) -> ContractError:
    """The refusal of a whole file for one reason."""
    return ContractError([violation(field, rule)])

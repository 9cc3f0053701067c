"""What stands in every worksheet: the names of its sheets and columns, the choices, and how it explains itself."""

from __future__ import annotations

from etl.mapping.site_file import ADDITIONS, FULL
from etl.onboarding.proposing.proposal import LOWEST, SURE
from etl.onboarding.site_files import LAST_ROW as LAST_ROW_ID
from etl.onboarding.site_files import NO_RECORDS as NO_RECORDS_ID
from etl.onboarding.site_files import ONE_RECORD as ONE_RECORD_ID
from etl.onboarding.site_files import ROW_NUMBER as ROW_NUMBER_ID
from etl.pages.text import Text

WORKSHEET = "worksheet.xlsx"
CHANGES = "changes.xlsx"
ACCEPT = Text("as proposed", "同意建议")
NO_RECORDS = Text(NO_RECORDS_ID, "无记录")
ROW_NUMBER = Text(ROW_NUMBER_ID, "行号即患者编号")
ONE_RECORD = Text(ONE_RECORD_ID, "多行合为一条记录")
LAST_ROW = Text(LAST_ROW_ID, "以最后一行为准")
SHEET_CHOICES = (ACCEPT, NO_RECORDS, ROW_NUMBER, ONE_RECORD, LAST_ROW)
README, SHEETS, COLUMNS, CODES, FIELDS = "说明 Read me", "表 Sheets", "列 Columns", "编码 Codes", "字段 Fields"
PERMISSION_SHEET = "许可 Permission"
DECISION = Text("Decision", "决定")
KEY, MEANING = Text("Key", "键"), Text("What it means", "含义")
SOURCE = Text("Source", "数据源")
COLUMN = Text("Column", "列名")
RECORD = Text("Record", "记录")
UNIT = Text("Unit", "单位")
NOTE = Text("Note", "备注")
FIELD = Text("Field", "字段")
CODE = Text("Code in your data", "贵院编码")
PLACE = Text("File and sheet", "文件和工作表")
PROPOSED = Text("Proposed", "建议")
CONFIDENCE = Text("Confidence", "把握")
REASON = Text("Why", "理由")
DECIDED_BY, NAME_EN, NAME_ZH = (
    Text("Decided by", "决定人"),
    Text("Hospital's name, English", "医院英文名"),
    Text("Hospital's name, Chinese", "医院中文名"),
)
ONLY_ROWS, LEFT_OUT = Text("Read only rows with", "只读取的行"), Text("Leave out rows with", "不读取的行")
DELIVERIES = Text("What later deliveries hold", "以后每次提交的内容")
DELIVERY_CHOICES = {
    FULL: Text("all patients each time", "每次都含全部患者"),
    ADDITIONS: Text("only what is new since the last one", "只含新增内容"),
}
NEW_LESIONS = Text("New lesions", "新病灶")
SOME_NEW_LESIONS, EVERY_NEW_LESION = "some", "every"
NEW_LESION_CHOICES = {
    SOME_NEW_LESIONS: Text("not every one is listed, or it is not known", "未必全部列出，或不清楚"),
    EVERY_NEW_LESION: Text("every new lesion is listed", "所有新病灶均已列出"),
}
ASKED_ONCE = {DELIVERIES: DELIVERY_CHOICES, NEW_LESIONS: NEW_LESION_CHOICES}
"""What a hospital says once, of all its deliveries; the first choice is what holds where nobody says anything."""
HEADER_ROW = 3
AUTHOR_ROWS = {DECIDED_BY: 3, NAME_ZH: 4, NAME_EN: 5, DELIVERIES: 6, NEW_LESIONS: 7}
SHEET_COLUMNS = (
    (SOURCE, 16), (PLACE, 34), (Text("Header row", "表头行"), 10), (Text("Rows", "行数"), 9), (Text("What was found", "识别情况"), 60),
    (PROPOSED, 16), (DECISION, 18), (NOTE, 26), (ONLY_ROWS, 30), (LEFT_OUT, 30),
)  # fmt: skip
PERMISSION_COLUMNS = ((KEY, 16), (MEANING, 70), (DECISION, 44))
COLUMN_COLUMNS = (
    (Text("No.", "序号"), 6), (SOURCE, 14), (COLUMN, 22), (Text("Filled", "已填"), 12), (Text("What was seen", "内容"), 36),
    (PROPOSED, 34), (CONFIDENCE, 9), (REASON, 38), (DECISION, 38), (RECORD, 28), (UNIT, 14), (NOTE, 24),
)  # fmt: skip
CODE_COLUMNS = (
    (Text("No.", "序号"), 6), (FIELD, 34), (CODE, 22), (Text("Rows", "行数"), 8), (PROPOSED, 20), (CONFIDENCE, 9), (REASON, 34),
    (DECISION, 22), (Text("Choices", "可选"), 50),
)  # fmt: skip
EXPLANATION = (
    Text(
        "This worksheet says how your data will be read. Yellow cells in the column “Decision” are for you; the weightiest come first.",
        "本表说明将如何读取贵院数据。“决定”列的黄色单元格需要您填写，影响最大的排在最前。",
    ),
    Text(
        "White cells hold what the registry is sure of. Please read through them, and change what is wrong.",
        "白色单元格为系统已有把握的内容，请过目；有误请直接修改。",
    ),
    Text(
        f"A confidence from {SURE:.0%} on counts as sure; below {LOWEST:.0%} nothing is proposed. It grades the evidence and is no probability.",
        f"把握达到 {SURE:.0%} 视为确定；低于 {LOWEST:.0%} 不作建议。把握为证据等级，并非概率。",
    ),
    Text(
        "Decision: choose from the list (sheet “字段 Fields” explains each entry), or “as proposed”. For a column nobody needs: “not needed”.",
        "“决定”：从下拉列表选择（“字段 Fields”表有说明），或选“同意建议”；不需要的列选“不需要”。",
    ),
    Text(
        "Sheets: every sheet needs a column with the patient's number; where none has it and the file will never change, choose “row number”.",
        "“表”：每个工作表都需有患者编号列；若没有且文件不再变动，可选“行号即患者编号”。",
    ),
    Text(
        "Sheets: where a record of a patient stands in several rows (events, visits), choose “one record over several rows”: rows that contradict "
        "each other are asked about. Choose “last row counts” where a later row of the patient replaces what an earlier one says.",
        "“表”：若患者的一条记录分布于多行（事件、访视），选“多行合为一条记录”，相互矛盾的行会逐一询问；若后一行取代前一行的内容，选“以最后一行为准”。",
    ),
    Text(
        "Sheets: where a header was not found rightly, or a sheet with records was taken for an explanation, write the header row's number "
        "(1-2 for two rows, 0 for none) as the decision and run make new-hospital again; what you filled in stays.",
        "“表”：若表头识别有误，或含记录的表被当作说明页，请在“决定”写上表头行号（两行表头写 1-2，无表头写 0），再次运行 make new-hospital；已填内容会保留。",
    ),
    Text(
        "Sheets: rows that are no records of this study (tests, other departments) are named in “Leave out rows with” by a column and its texts: "
        "visit type = outpatient | emergency; number = test* (whatever begins so). “Read only rows with” says the same of the rows that are read: "
        "visit type = inpatient; a row with another text then stops the ingest, and “all rows” takes it back.",
        "“表”：不属于本研究的行（测试、其他科室）写在“不读取的行”，写明列名和文本：就诊类型 = 门诊 | 急诊；住院号 = 测试*（以其开头）。“只读取的行”写应读取的行："
        "就诊类型 = 住院；出现其他取值时入库会停止；写“全部行”可取消。",
    ),
    Text(
        f"{PERMISSION_SHEET}: by what the hospital's data may be used (approval or waiver of its ethics board, with number and days). Until it is "
        "filled in, the mapping can be taken and the delivery checked (CHECK=yes), and nothing is loaded.",
        f"“{PERMISSION_SHEET}”：使用该院数据所依据的许可（伦理委员会批准或豁免，编号和日期）。填写之前可以采用映射、校验数据（CHECK=yes），但不会载入。",
    ),
    Text(
        "A column that gives several fields: copy its row, one decision each. The same value for all rows: add a row with the column "
        "“all rows: patient” and the record “tumour_type=hcc”, for example.",
        "一列对应多个字段时，复制该行并分别填写。全部行取同一值时，新增一行：列名写“all rows: patient”，记录写“tumour_type=hcc”（示例）。",
    ),
    Text(
        "A cell that lists several organs or drugs (“lung, bone”): write “each” as the record; each item is then read by itself.",
        "一格列出多个器官或药物（如“肺、骨”）：记录写“each”，每一项将分别读取。",
    ),
    Text(
        "Unit: as written in your data, such as g/L, mg/dL, mm; or column:<name> where another column holds it.",
        "“单位”：按贵院数据填写，如 g/L、mg/dL、mm；单位另有一列时写 column:列名。",
    ),
    Text(
        "Behind the unit, or alone for dates, stands how a column is written where not as its file: ; decimal comma, ; decimal point, "
        "day first, month first, only month (no day is known), stored year (kept, not shown, and right), whole days, day number (Excel's).",
        "列的书写方式与文件不同时，写在单位之后（日期列单独写）：; decimal comma（小数逗号）、; decimal point（小数点）、day first（日在前）、"
        "month first（月在前）、only month（仅知年月）、stored year（未显示的年份无误）、whole days（须有日）、day number（Excel 序号）。",
    ),
    Text(
        "Codes: choose what each of your codes means; “missing” where it means that nothing is known, “ask” where the hospital shall be "
        "asked about each such cell. Words and numbers that may stand for nothing (ND, 无, 999) are listed with their columns: “value” where they "
        "are one as they stand. Counts below 5 are not told. A code that is not listed: add a row with the field, the code and the decision "
        "(baseline.tumour_size_cm, 9, missing).",
        "“编码”：选择每个编码的含义；表示缺失或未知的选 missing；需逐格询问医院的选 ask。可能表示“无内容”的词和数字（ND、无、999）连同所在的列一并列出："
        "若本身就是取值，选 value。小于5的计数不显示。未列出的编码：新增一行，写明字段、编码和决定（如 baseline.tumour_size_cm，9，missing）。",
    ),
    Text(
        "Write above who decided, save the file, and run: make ingest HOSPITAL=… It says which cells are still open or wrong.",
        "请在上方填写决定人，保存文件，然后运行 make ingest HOSPITAL=…；仍未填或有误的单元格会逐一指出。",
    ),
)

"""How numbers are written besides plainly: `write(value, sign, context)` gives a cell, or None where the form does not suit."""

from dataclasses import dataclass
from datetime import date

from world.cell import ERROR, UNCALCULATED, Cell, show_number

SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
FULL_WIDTH = str.maketrans("0123456789.,", "０１２３４５６７８９．，")
NUMBER, COUNT = "number", "count"


@dataclass(frozen=True)
class Context:
    """What a form may depend on: the signs of the file, the column's quantity and unit, the cell's place in the truth, and its own stream."""

    decimal: str
    thousands: str
    quantity: str
    unit: str
    place: str
    is_key: bool
    draw: object

    def show(self, value):
        return show_number(value, self.decimal, self.thousands)


def _plain_only(write):
    """A form of plain numbers: bounds and what was not detected are written otherwise."""
    return lambda value, sign, context: write(value, context) if value is not None and sign == "=" else None


def _behind(mark):
    return _plain_only(lambda value, c: Cell(c.show(value) + (c.draw.choice(mark))))


def _powers(write):
    def power(value, c):
        exponent = len(str(int(value))) - 1
        if exponent < 3:
            return None
        mantissa = show_number(value / 10**exponent, c.decimal)
        return (
            Cell(write(mantissa, exponent))
            if round(float(f"{value / 10**exponent:.6f}") * 10**exponent, 3) == value
            else None
        )

    return _plain_only(power)


def _unsaid(*texts):
    return _plain_only(lambda _, c: Cell(c.draw.choice(texts), allows=()))


def _leading_point(value, c):
    return Cell(c.show(value)[1:]) if 0 < value < 1 else None


def _trailing_point(value, c):
    return Cell(c.show(value) + c.decimal) if value == int(value) else None


UNIT_WORDS = {
    "kg": ("kg", "公斤", "KG", " kg"), "cm": ("cm", " cm", "厘米"), "U/L": ("U/L", " U/L"), "g/L": ("g/L",), "umol/L": ("umol/L", "μmol/L"),
    "ng/mL": ("ng/mL", " ng/ml"), "10^9/L": ("×10^9/L",), "IU/mL": ("IU/mL", " IU/ml"), "mm": ("mm",), "g/dL": ("g/dL",),
    "jin": ("斤",), "/uL": ("/uL",), "ug/L": ("ug/L",),
}  # fmt: skip


def _own_unit(value, c):
    return Cell(c.show(value) + c.draw.choice(UNIT_WORDS[c.unit])) if c.unit in UNIT_WORDS else None


def _jin_behind(value, c):
    return Cell(c.show(value * 2) + "斤") if c.unit == "kg" else None


def _superscript(value, c):
    exponent = c.draw.randrange(3, 7)
    return Cell(f"10{str(exponent).translate(SUPERSCRIPT)}", allows=(_power_in_own_unit(exponent, c),))


def _power_in_own_unit(exponent, c):
    """Ten to a power, in the unit of the registry; who counts per microlitre writes a thousand for one."""
    return 10.0**exponent * {"/uL": 0.001}.get(c.unit, 1)


def _superscript_run(value, c):
    exponent = c.draw.randrange(3, 7)
    return Cell(
        f"10{exponent}", allows=(_power_in_own_unit(exponent, c),), runs=(("10", ""), (str(exponent), "superscript"))
    )


def _struck_run(value, c):
    text = c.show(value)
    return Cell("9" + text, runs=(("9", "strike"), (text, "")))


def _bound(*words, of, behind=False):
    """A bound in words or signs; `of` are the signs it may be written for."""

    def write(value, sign, c):
        if sign not in of or value is None:
            return None
        word = c.draw.choice(words)
        return Cell(c.show(value) + word if behind else word + c.show(value))

    return write


def _not_detected(*words):
    return lambda value, sign, c: Cell(c.draw.choice(words)) if sign == "not_detected" else None


READ_FORMS = {
    "leading point .5": _plain_only(_leading_point),
    "trailing point 5.": _plain_only(_trailing_point),
    "full-width digits": _plain_only(lambda value, c: Cell(c.show(value).translate(FULL_WIDTH))),
    "1.2×10^3": _powers(lambda m, e: f"{m}×10^{e}"),
    "1.2*10^3": _powers(lambda m, e: f"{m}*10^{e}"),
    "1.2E3": _powers(lambda m, e: f"{m}E{e}"),
    "arrow behind": _behind(("↑", "↓", " ↑", "↑↑")),
    "H or L behind": _behind(("H", "L", " H", " L")),
    "star behind": _behind("*"),
    "(H) behind": _behind(("(H)", "(L)", "（H）")),
    "own unit behind": _plain_only(_own_unit),
    "大于 before": _bound("大于", of=(">",)),
    "> before": _bound(">", "> ", of=(">",)),
    "＞ before": _bound("＞", of=(">",)),
    "≥ before": _bound("≥", ">=", of=(">=",)),
    "以上 behind": _bound("以上", of=(">=",), behind=True),
    "小于 before": _bound("小于", of=("<",)),
    "< before": _bound("<", "＜", of=("<",)),
    "未检出": _not_detected("未检出", "未检测到"),
    "TND": _not_detected("TND", "not detected", "Not detected"),
    "阴性(-)": _not_detected("阴性(-)", "阴性（-）", "阴性"),
    "HBV DNA of 11 digits": _plain_only(lambda v, c: Cell(c.show(v)) if v >= 1e10 else None),
    "1.78E10": _plain_only(lambda v, c: Cell(f"{show_number(v / 1e10, c.decimal)}E10") if v >= 1e10 else None),
}
ASKED_FORMS = {
    "斤 behind kg": _plain_only(_jin_behind),
    "range 3-5": _unsaid("3-5", "2~3", "10-20"),
    "约 before": _plain_only(lambda value, c: Cell(f"约{c.show(value)}")),
    "± or +": _unsaid("±", "+", "++", "弱阳性"),
    "two values 35/40": _unsaid("35/40", "35、40"),
    "text percent": _unsaid("62.5%", "40%"),
    "superscript 10⁵": _plain_only(_superscript),
    "footnote mark 3¹": _plain_only(lambda value, c: Cell(c.show(value) + c.draw.choice("¹²³"))),
    "circled digit": _plain_only(lambda value, c: Cell(c.show(value) + c.draw.choice("①②"))),
    "见报告": _unsaid("见报告", "详见报告"),
    "<LLOQ": lambda value, sign, c: Cell("<LLOQ", allows=()) if sign in ("<", "not_detected") else None,
}
WORKBOOK_FORMS = {
    "percent cell": _plain_only(lambda value, c: Cell("62.5%", 0.625, c.draw.choice(("0%", "0.0%", 10)), allows=())),
    "date where a number was": _plain_only(
        lambda value, c: Cell(
            "3月5日", date(2022, 3, 5), c.draw.choice(('m"月"d"日"', "d-mmm", "yyyy-mm-dd", 31, 58)), allows=()
        )
    ),
    "TRUE cell": _plain_only(lambda value, c: Cell("TRUE", True, allows=())),
    "error cell": _plain_only(lambda value, c: Cell(c.draw.choice(("#DIV/0!", "#N/A", "#VALUE!")), ERROR, allows=())),
    "formula not calculated": _plain_only(lambda value, c: Cell("=B1*2", UNCALCULATED, allows=())),
    "time cell": _plain_only(lambda value, c: Cell("30:00:00", 1.25, "[h]:mm:ss", allows=())),
    "superscript run": _plain_only(_superscript_run),
    "struck-through run": _plain_only(_struck_run),
    "number as text": _plain_only(lambda value, c: Cell(c.show(value))),
    "number in a format": _plain_only(
        lambda value, c: Cell(
            c.show(value),
            value,
            c.draw.choice(
                ("0.00_ ;[Red]\\-0.00\\ ", "0_);[Red]\\(0\\)", 'G/通用格式"d"', '0.0"天"', "0.00E+00", "#,##0.00")
            ),
        )
    ),
}
FLOAT_ONLY = {
    "leading point .5", "1.2×10^3", "1.2*10^3", "1.2E3", "own unit behind", "percent cell", "superscript 10⁵", "superscript run",
    "斤 behind kg",
}  # fmt: skip

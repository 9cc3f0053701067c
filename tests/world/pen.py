"""Writes one true value as the dialect has it."""

from random import Random

from schemas.contract import read_contract
from schemas.quantity import describe_quantity
from schemas.tables import TABLES
from world import date_forms, number_forms
from world.cell import EMPTY, PLAIN, TRUTH, Cell, show_number
from world.dialect import DECIMALS
from world.number_forms import Context

CONTRACTS = {name: read_contract(table) for name, table in TABLES.items()}
OTHER_UNITS = {
    "albumin_g_l": ("g/dL", 0.1), "tumour_size_cm": ("mm", 10), "platelets_10e9_l": ("/uL", 1000), "body_weight_kg": ("斤", 2), "afp_ng_ml": ("ug/L", 1),
}  # fmt: skip
"""Unit and factor from the registry's own; the products are exact."""
SHARE_OF_COLUMNS, SHARE = 0.6, 0.3
"""In how many of the columns that it suits a form is found, and in how many of their cells; what is rare takes it always."""
ELEVEN_DIGITS = 1e10
YES_NO = (("是", "否"), ("yes", "no"), ("1", "0"), ("有", "无"), ("Y", "N"))


class Pen:
    """Writes the values of one delivery; `codes` collects what the hospital's codes mean, for the mapping."""

    def __init__(self, seed, dialect, patients):
        self.seed, self.dialect = seed, dialect
        self.decimal, self.thousands = DECIMALS[dialect.decimal]
        self.codes = {}
        self.values = {}
        for record in (record for patient in patients for record in patient.records):
            for name, value in record.values.items():
                self.values.setdefault((record.table, name), set()).add(value)

    def stream(self, *about):
        return Random(" ".join(map(str, (self.seed, *about))))

    def quantity(self, table, field, test=None):
        return describe_quantity(CONTRACTS[table][field], test)

    def unit(self, quantity):
        """Unit and factor in which a quantity is written."""
        if self.dialect.units == "other units" and quantity.name in OTHER_UNITS:
            return OTHER_UNITS[quantity.name]
        return (quantity.unit if quantity.unit not in ("1", None) else ""), 1

    def write(self, record, field):
        """One value of a record as a cell."""
        spec = CONTRACTS[record.table][field]
        quantity = self.quantity(record.table, field, record.values.get("test"))
        value, sign = record.values.get(field), record.values.get(f"{field}_comparator", "=")
        place = f"{record.table} {record.number} {record.key}"
        draw = self.stream(place, quantity.name)
        kind = str(spec.dtype)
        unit, factor = self.unit(quantity)
        context = Context(self.decimal, self.thousands, quantity.name, unit, place, spec.is_key, draw)
        if value is None and sign != "not_detected":
            return self._write_nothing(record.table, spec, quantity, draw)
        if spec.codes or "Boolean" in kind:
            return self._write_code(record.table, spec, value, draw)
        if "Date" in kind:
            return self._write_date(value, context)
        if "String" in kind:
            return self._write_text(value, context)
        return self._write_number(
            value if value is None else round(value * factor, 6), sign, context, is_count="Int" in kind
        )

    def _find_form(self, forms, write, context, column, *, is_rare=False):
        """The first form of the dialect that this cell takes, of those that its column has; a part of a key takes none."""
        for form in self.dialect.cell_forms if not context.is_key else ():
            is_of_column = is_rare or self.stream(form, column).random() < SHARE_OF_COLUMNS
            if form not in forms or not is_of_column:
                continue
            is_taken = is_rare or self.stream(form, column, context.place).random() < SHARE
            cell = write(forms[form]) if is_taken else None
            if cell is not None:
                return cell.of(form)
        return None

    def _write_number(self, value, sign, context, *, is_count):
        forms = {**number_forms.READ_FORMS, **number_forms.ASKED_FORMS, **number_forms.WORKBOOK_FORMS}
        if is_count:
            forms = {name: form for name, form in forms.items() if name not in number_forms.FLOAT_ONLY}
        is_rare = sign != "=" or value >= ELEVEN_DIGITS
        found = self._find_form(
            forms, lambda form: form(value, sign, context), context, context.quantity, is_rare=is_rare
        )
        if found:
            return found
        if sign == "not_detected":
            return Cell("未检出", form="未检出")
        if sign != "=":
            return Cell(f"{sign}{context.show(value)}", form=f"{sign} before")
        text, plain = context.show(value), show_number(value)
        if value >= ELEVEN_DIGITS:
            return Cell(text, form="HBV DNA of 11 digits")
        keeps_numbers = self.dialect.is_workbook or self.dialect.is_stat
        if keeps_numbers and self.dialect.decimal == PLAIN:
            return Cell(text, value)
        return Cell(text, form=PLAIN if text == plain else f"decimal: {self.dialect.decimal}")

    def _write_date(self, day, context):
        forms = {
            **date_forms.READ_FORMS,
            **date_forms.MISSING_FORMS,
            **date_forms.ASKED_FORMS,
            **date_forms.WORKBOOK_FORMS,
            **date_forms.WORKBOOK_MISSING,
        }
        found = self._find_form(forms, lambda form: form(day, context), context, context.quantity)
        if found:
            return found
        form = self.dialect.date_form
        name = f"date_form: {form}"
        if self.dialect.is_stat:
            return Cell(day.isoformat(), day, form=name, allows=() if form == "month variable" else (TRUTH,))
        if form in date_forms.CELL_FORMS:
            style = self.stream("style", context.quantity).choice(date_forms.CELL_FORMS[form])
            return Cell(day.isoformat(), day, style, form=name)
        return Cell(date_forms.TEXT_FORMS[form](day), form=name)

    def _write_text(self, text, context):
        broken = text.replace("门静脉", "门静脉\n", 1)
        written = {
            "text with blanks": lambda: Cell(f" {text}  "),
            "text with a line feed": lambda: Cell(broken, allows=(broken,)),
        }
        found = self._find_form(written, lambda form: form(), context, context.quantity)
        return found or Cell(text)

    def _write_code(self, table, spec, value, draw):
        for form in ("unknown code", "full-width code"):
            if form in self.dialect.cell_forms and spec.key_place == 0 and draw.random() < SHARE / 3:
                if form == "unknown code":
                    return Cell("其它情况9", form=form, allows=())
                return Cell(f" {self.spell(table, spec, value)}　", form=form)
        return Cell(self.spell(table, spec, value))

    def spell(self, table, spec, value):
        """A code as this hospital writes it."""
        draw = self.stream("codes", table, spec.name)
        if spec.codes is None:
            yes, no = draw.choice(YES_NO)
            text = yes if value else no
            self.codes[table, spec.name, text] = "true" if value else "false"
            return text
        members = list(spec.codes)
        style = draw.choice(("zh", "value", "number"))
        code = spec.codes(value)
        text = {"zh": code.zh, "value": code.value, "number": str(members.index(code) + 1)}[style]
        self.codes[table, spec.name, text] = code.value
        return text

    def _write_nothing(self, table, spec, quantity, draw):
        if "end_date" in spec.name and "ongoing" in self.dialect.cell_forms:
            return Cell(draw.choice(date_forms.ONGOING), form="ongoing", allows=(None,))
        words = [word for word in self.dialect.missing_words if not self._means_something(table, spec, word)]
        if not words or self.dialect.is_stat or draw.random() < 0.3:
            return EMPTY
        word = self.stream("word", table, quantity.name).choice(words)
        self.codes[table, spec.name, word] = "missing"
        is_text = spec.codes is None and "String" in str(spec.dtype)
        return Cell(word, form="missing word in a free text" if is_text else f"missing {word}", allows=(None,))

    def _means_something(self, table, spec, word):
        """Whether a word for "no value" is also a value of the field in this hospital."""
        if spec.codes or str(spec.dtype) == "Boolean":
            codes = [
                self.spell(table, spec, value)
                for value in ([c.value for c in spec.codes] if spec.codes else (True, False))
            ]
            return word.casefold() in [code.casefold() for code in codes]
        factors = {1, *(factor for _, factor in OTHER_UNITS.values())}
        numbers = {
            show_number(v * f) for v in self.values[table, spec.name] if isinstance(v, int | float) for f in factors
        }
        return word in numbers

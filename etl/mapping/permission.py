"""What a hospital's mapping says of the permission by which its patients' data may be used, and whether that covers a day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, model_validator
from pydantic.dataclasses import dataclass

from etl.configuration import CONFIG, WANTED, Fault, raise_faults
from etl.pages.cells import is_visible
from etl.pages.text import Text

NO_END = "no end"
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Kind(StrEnum):
    """By what a hospital's data may be used."""

    APPROVAL = "approval"
    WAIVER = "waiver"
    PUBLIC = "public data"
    SYNTHETIC = "synthetic"


KINDS = {
    Kind.APPROVAL: Text("approval of an ethics board", "伦理委员会批准"),
    Kind.WAIVER: Text("waiver of an ethics board", "伦理委员会豁免"),
    Kind.PUBLIC: Text("public data", "公开数据"),
    Kind.SYNTHETIC: Text("synthetic patients", "合成患者"),
}
KEYS = {
    "kind": Text("by what: approval, waiver, public data or synthetic", "依据：approval、waiver、public data 或 synthetic"),
    "number": Text("number of the approval or waiver; of public data the licence", "批件或豁免编号；公开数据写许可协议"),
    "date": Text("first day on which it holds, such as 2026-01-15", "生效日期，如 2026-01-15"),
    "scope": Text("which patients, data and use it covers", "涵盖的患者、数据和用途"),
    "end": Text(f'last day on which it holds, or "{NO_END}"', f'截止日期（含当日），或 "{NO_END}"'),
    "transfer": Text("agreement by which data are given to the coordinating centre", "向协调中心提供数据所依据的协议"),
    "contact": Text("who at the hospital answers for it", "医院联系人"),
    "cross_border": Text("basis on which data leave the country, or that none do", "数据出境依据，或注明数据不出境"),
}  # fmt: skip
"""The keys of `[permission]` that say by what data may be used, and what each of them means."""
_WRITTEN_AS_KINDS = ", ".join(f'"{kind}"' for kind in Kind)
_KIND = Text(f"must be one of {_WRITTEN_AS_KINDS}", f"应为 {_WRITTEN_AS_KINDS} 之一")
_DAY = Text("must be a day, such as 2026-01-15", "应为日期，如 2026-01-15")
_END = Text(
    f'must be a day, such as 2027-12-31, or "{NO_END}" where the permission states none',
    f'应为日期，如 2027-12-31；批件未写截止日期时写 "{NO_END}"',
)
_HIDDEN = Text("must be one line without control characters", "应为一行文字，不含控制字符")
_ENDS_FIRST = Text("lies before date: the permission would never hold", "早于 date：该许可从未有效")
_CONFIG: ConfigDict = {**CONFIG, "str_strip_whitespace": True}


def _read_kind(value: object) -> object:
    return (Kind(value) if value else None) if isinstance(value, str) else value


def _read_day(value: object) -> object:
    """Return a day that is written 2026-01-15; nothing for an empty text. Pydantic by itself would take bare digits for seconds since 1970."""
    if not isinstance(value, str) or value == NO_END:
        return value
    if value and not _ISO_DAY.fullmatch(value):
        raise ValueError
    return dt.date.fromisoformat(value) if value else None


@plain_dataclass(frozen=True)
class Gap:
    """Why a permission does not cover a day: the keys to fill in or change, and the reason as a sentence's end (`its mapping ...`)."""

    keys: tuple[str, ...]
    reason: Text


@dataclass(frozen=True, config=_CONFIG)
class Permission:
    """`[permission]` of a mapping; `comparison` names the agreement by which the hospital's figures may be shown to few others.

    `date` and `end` are the first and the last day on which it holds, both whole days in the hospitals' time.
    """

    kind: Annotated[Kind | None, BeforeValidator(_read_kind)] = field(default=None, metadata={WANTED: _KIND})
    number: str = ""
    date: Annotated[dt.date | None, BeforeValidator(_read_day)] = field(default=None, metadata={WANTED: _DAY})
    scope: str = ""
    end: Annotated[dt.date | Literal["no end"] | None, BeforeValidator(_read_day)] = field(
        default=None, metadata={WANTED: _END}
    )
    transfer: str = ""
    contact: str = ""
    cross_border: str = ""
    comparison: str = ""

    @model_validator(mode="after")
    def _check_texts_and_order(self) -> Permission:
        texts = {key: value for key in (*KEYS, "comparison") if isinstance(value := getattr(self, key), str)}
        hidden = [Fault(key, _HIDDEN) for key, text in texts.items() if not all(map(is_visible, text))]
        is_reversed = self.last_day is not None and self.date is not None and self.last_day < self.date
        raise_faults([*hidden, *([Fault("end", _ENDS_FIRST)] if is_reversed else [])])
        return self

    @property
    def last_day(self) -> dt.date | None:
        """The last day on which it holds, None where no end is known."""
        return self.end if isinstance(self.end, dt.date) else None

    @property
    def is_stated(self) -> bool:
        """Whether anything at all is said of what the data may be used by."""
        return any(getattr(self, key) for key in KEYS)

    def to_row(self) -> dict[str, Any]:
        """Return it as the store keeps it (`schemas.bookkeeping.PERMISSION`, without the hospital)."""
        return {
            "kind": self.kind and self.kind.value, "number": self.number, "permitted_on": self.date, "ends_on": self.end and str(self.end),
            "scope": self.scope, "transfer": self.transfer, "contact": self.contact, "cross_border": self.cross_border,
        }  # fmt: skip


def read_stored(row: Mapping[str, Any]) -> Permission:
    """Return a permission as the store keeps it."""
    end = row["ends_on"]
    kept = {name: row[name] or "" for name in ("number", "scope", "transfer", "contact", "cross_border")}
    return Permission(
        kind=Kind(row["kind"]) if row["kind"] else None, date=row["permitted_on"],
        end=end if end in (None, NO_END) else dt.date.fromisoformat(end), **kept,
    )  # fmt: skip


def find_gap(permission: Permission, day: dt.date) -> Gap | None:
    """Return why a permission does not cover a day; None where it does.

    The first and the last day are covered. Public data and synthetic patients need no more than their kind; where they have a
    first or a last day, that counts too.
    """
    if not permission.is_stated:
        return Gap(tuple(KEYS), Text("states no permission", "未注明许可"))
    if missing := _list_missing(permission):
        named = Text(", ".join(missing), "、".join(missing))
        return Gap(missing, Text(f"states a permission without {named.en}", f"所注明的许可缺少 {named.zh}"))
    if permission.date is not None and day < permission.date:
        return Gap(
            ("date",),
            Text(
                f"states a permission that begins on {permission.date} (today is {day})",
                f"所注明的许可自 {permission.date} 起生效（今天是 {day}）",
            ),
        )
    if permission.last_day is not None and day > permission.last_day:
        return Gap(
            ("end",),
            Text(
                f"states a permission that ended on {permission.last_day} (today is {day})",
                f"所注明的许可已于 {permission.last_day} 到期（今天是 {day}）",
            ),
        )
    return None


def _list_missing(permission: Permission) -> tuple[str, ...]:
    is_of_people = permission.kind in (None, Kind.APPROVAL, Kind.WAIVER)
    return tuple(key for key in (KEYS if is_of_people else ("kind",)) if not getattr(permission, key))


def describe_permission(permission: Permission) -> Text:
    """Return kind, number and days of a permission, as the coordinating centre reads them."""
    if permission.kind is None:
        return Text("none stated", "未注明")
    kind, number = KINDS[permission.kind], permission.number
    days = _describe_days(permission)
    return Text(
        f"{kind.en}{f' {number}' if number else ''}{f', {days.en}' if days.en else ''}",
        f"{kind.zh}{f' {number}' if number else ''}{f'，{days.zh}' if days.zh else ''}",
    )


def _describe_days(permission: Permission) -> Text:
    parts_en = [f"from {permission.date}"] if permission.date else []
    parts_zh = [f"自 {permission.date} 起"] if permission.date else []
    if permission.end == NO_END:
        return Text(" ".join([*parts_en, "without an end"]), "".join([*parts_zh, "无截止日期"]))
    if permission.end:
        return Text(" ".join([*parts_en, f"until {permission.end}"]), "".join([*parts_zh, f"至 {permission.end}"]))
    return Text(" ".join(parts_en), "".join(parts_zh))

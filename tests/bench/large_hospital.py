"""A hospital of any size: the synthetic example of Hunan, its patients again and again under other numbers, names and national ids."""

import csv
from collections.abc import Iterator
from pathlib import Path

from stdnum.cn import ric

from etl.example import write_example

NUMBER, NAME, NATIONAL_ID = "病案号", "姓名", "证件号码"


def write_large_hospital(folder: Path, n_patients: int) -> Path:
    """Write the files of a delivery with about `n_patients` patients into `folder`; return the delivery's folder."""
    write_example(folder / "small")
    source = next((folder / "small" / "hunan").iterdir())
    target = folder / f"hunan_{n_patients}_2022-11-20"
    target.mkdir()
    for path in sorted(source.iterdir()):
        encoding = "utf-8-sig" if path.read_bytes().startswith(b"\xef\xbb\xbf") else "gb18030"
        with path.open(encoding=encoding, newline="") as file:
            marker, *rows = list(csv.reader(file))
        with (target / path.name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows([marker, rows[0]])
            writer.writerows(_repeat_patients(rows[0], rows[1:], n_patients))
    return target


def _repeat_patients(header: list[str], rows: list[list[str]], n_patients: int) -> Iterator[list[str]]:
    number = header.index(NUMBER)
    first = {row[number]: None for row in rows if row[number]}
    place = {patient: i for i, patient in enumerate(first)}
    for copy in range(-(-n_patients // 175)):
        for row in rows:
            if row[number] and copy * 175 + place[row[number]] < n_patients:
                yield _rename(header, row, number, copy)


def _rename(header: list[str], row: list[str], number: int, copy: int) -> list[str]:
    changed = list(row)
    changed[number] = f"{row[number]}{copy:04d}"
    if NAME in header:
        changed[header.index(NAME)] += f"{copy:04d}"
    if NATIONAL_ID in header and len(row[header.index(NATIONAL_ID)]) == 18:
        own = row[header.index(NATIONAL_ID)]
        order = 2 * (copy % 490) + int(own[16]) % 2
        body = f"{999900 + copy // 490}{own[6:14]}{order:03d}"
        changed[header.index(NATIONAL_ID)] = body + ric.calc_check_digit(f"{body}0")
    return changed

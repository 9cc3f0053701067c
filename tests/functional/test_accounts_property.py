"""Whatever stands in the cells, the three accounts balance and every row that is not blank is kept or ignored by name."""

import csv
import datetime as dt
import io
import tempfile
from pathlib import Path

import clinic
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_delivery import judge_mapped

from etl.delivery.read import read_delivery
from etl.mapping.accounts import BLANK_ROW, HEADER
from etl.mapping.read_site import load_site
from etl.mapping.row_kinds import NO_RECORDS
from etl.mapping.verbs import map_delivery

LAST_DAY = dt.date(2022, 11, 20)
NUMBER = st.sampled_from(["", "001", "002", "００１", "total 3", " TO TAL", "-"])
TEXT = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "yes",
            "no",
            "男",
            "3.9",
            ">1210",
            "未检出",
            "2020-03-05",
            "ng/mL",
            "g/dL",
            "1e30",
            "a\nb",
            '"',
            "\u3000",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
)


def rows_of(n_columns: int):
    return st.lists(st.tuples(NUMBER, *[TEXT] * (n_columns - 1)), min_size=1, max_size=6)


def write(header: str, rows: list[tuple[str, ...]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header.split(","), *rows])
    return out.getvalue()


def count_records(text: str) -> tuple[int, int]:
    """Return the rows below the header and those of them in which every cell is blank, counted without the registry."""
    body = list(csv.reader(io.StringIO(text, newline="")))[1:]
    return len(body), sum(all(not cell.strip() for cell in row) for row in body)


@given(rows_of(10), rows_of(5), st.randoms())
@settings(max_examples=10, deadline=None, derandomize=True)
def test_nothing_is_lost_and_the_order_of_rows_changes_no_finding(patients, labs, random):
    heads = clinic.PATIENTS.splitlines()[0], clinic.LABS.splitlines()[0]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        clinic.write_site(folder / "clinic")
        site = load_site(folder / "clinic")
        ids = []
        for name in ("first", "second"):
            texts = write(heads[0], patients), write(heads[1], labs)
            delivery = read_delivery(clinic.write_delivery(folder / name, patients=texts[0], labs=texts[1]))
            mapped = map_delivery(delivery, site)
            judged = judge_mapped(mapped, site, LAST_DAY)
            check_accounts(mapped, judged, texts)
            ids.append(judged.findings["finding_id"].sort().to_list())
            random.shuffle(patients)
            random.shuffle(labs)
        assert ids[0] == ids[1]


def check_accounts(mapped, judged, texts: tuple[str, str]) -> None:
    by_rule = dict(mapped.row_accounts.group_by("rule").agg(pl.col("n_rows").sum()).iter_rows())
    counts = [count_records(text) for text in texts]
    assert by_rule.pop(HEADER) == 2
    assert by_rule.pop(BLANK_ROW, 0) == sum(n_blank for _, n_blank in counts)
    assert sum(by_rule.values()) == sum(n - n_blank for n, n_blank in counts)
    n_no_records = sum(n for rule, n in by_rule.items() if rule in NO_RECORDS)
    assert sum(part.height for part in mapped.landing.rows) == sum(by_rule.values()) - n_no_records
    assert mapped.cells.total == sum(mapped.cells.by_fate.values())
    loaded = sum(frame.height for frame in judged.tables.values())
    assert judged.records_made == loaded + judged.records_quarantined
    assert judged.findings["finding_id"].is_unique().all()

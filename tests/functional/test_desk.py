"""What a data manager does besides sending a delivery, and whether each is told so in the language chosen."""

from dataclasses import replace

import clinic
import polars as pl
import pytest

from etl import errors
from etl.cli import run_revert
from etl.load import revert
from etl.mapping.accounts import COPY
from etl.onboarding.propose_hospital import propose_hospital
from etl.pages.labels import label_ignore_rule
from etl.publish import write_quality


def test_a_workbook_open_in_excel_is_no_second_delivery(desk):
    clinic.write_delivery(desk.extracts / "first")
    (desk.extracts / "~$first.xlsx").write_bytes(b"x")
    assert desk.ingest().status == "loaded"


def test_loose_files_are_told_to_share_a_folder(desk):
    clinic.write_delivery(desk.extracts)
    with pytest.raises(errors.AmbiguousDeliveryError, match="put them into one folder") as caught:
        desk.ingest()
    assert "放入其下的一个文件夹" in caught.value.zh


def test_every_fault_of_the_structure_is_said_in_chinese(desk):
    folder = clinic.write_delivery(desk.extracts / "x", patients=clinic.PATIENTS.replace("sex", "gender", 1))
    (folder / "notes.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(errors.StructureError) as caught:
        desk.ingest()
    for words in ("列“gender”不在映射中", "缺少列“sex”", "notes.csv：映射中没有该工作表或文件"):
        assert words in caught.value.zh
    for words in ("is missing", "is not in the mapping"):
        assert words not in caught.value.zh


def test_pages_of_a_hospital_without_data_are_refused(desk):
    clinic.write_delivery(desk.extracts / "x")
    desk.ingest()
    with pytest.raises(errors.UsageError, match="Nothing of nanfang has been loaded yet"):
        write_quality(desk.settings, "nanfang")


def test_after_a_revert_the_page_shows_the_earlier_delivery(desk, monkeypatch):
    for name, value in (("september", "3.9"), ("october", "3.8")):
        clinic.write_delivery(desk.extracts / name, labs=clinic.LABS.replace("3.9", value))
        desk.ingest(desk.extracts / name)
    write_quality(desk.settings)
    monkeypatch.setattr("etl.cli.read_settings", lambda: desk.settings)
    run_revert("clinic")
    page = desk.settings.reports_dir / "quality" / "clinic" / "index.html"
    assert "Delivery september" in page.read_text(encoding="utf-8")
    with pytest.raises(errors.UsageError):
        revert(desk.settings, "clinic")


def test_an_ignoring_rule_is_named_in_both_languages():
    label = label_ignore_rule("totals row / 合计行")
    assert (label.en, label.zh) == ("totals row", "合计行")
    assert label_ignore_rule("blank row").zh == "空行"
    assert label_ignore_rule("合计行").en == "合计行"


def test_a_file_that_came_twice_is_read_once_and_told_once(desk):
    """Byte for byte the same under another name, whether the mapping's pattern matches that name or not."""
    once = desk.ingest(clinic.write_delivery(desk.extracts / "once"))
    findings = desk.read("core.findings").height
    twice = clinic.write_delivery(desk.extracts / "twice")
    for name, copy in (("labs.csv", "labs - 副本.csv"), ("patients.csv", "副本 patients (1).csv")):
        (twice / copy).write_bytes((twice / name).read_bytes())
    summary = desk.ingest(twice)
    assert {key: once.accounts[key] for key in ("records_made", "cells", "rows_used")} == {
        key: summary.accounts[key] for key in ("records_made", "cells", "rows_used")
    }
    assert desk.read("core.findings").height == findings
    told = dict(summary.row_accounts.group_by("rule").agg(pl.col("n_rows").sum()).iter_rows())
    assert told[COPY] == 5 + 4
    assert [words for words, _ in summary.notices if "are equal" in words] == [
        "These files of the delivery are equal: labs - 副本.csv, labs.csv. Send one of them.",
        "These files of the delivery are equal: patients.csv, 副本 patients (1).csv. Send one of them.",
    ]
    assert set(desk.read("core.laboratory")["source_file"]) == {"labs.csv"}
    worksheet = propose_hospital(replace(desk.settings, workspace=desk.settings.workspace / "other"), "new", twice)
    assert sorted(source.origin for source in worksheet.draft.sources) == ["labs.csv", "patients.csv"]

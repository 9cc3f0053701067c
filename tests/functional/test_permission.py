"""No delivery is loaded without a permission that covers today; all else goes on and says so. What a hospital has on record is shown and kept."""

import datetime as dt
import json
import shutil
import tomllib

import clinic
import pytest
import xlsxwriter
from answered_workbook import CORRECTED, answer, list_queries
from by_commands import run
from worksheet_desk import KIND, PERMISSION, fill, read_cells, write_cells

from etl.delivery.read import SYNTHETIC_MARKER
from etl.errors import NotPermittedError, ProvenanceError, WorksheetError
from etl.ingest import ingest
from etl.load import revert
from etl.mapping.delivery_day import find_today
from etl.mapping.read_site import load_site
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.site_files import print_toml, read_toml
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import PERMISSION_SHEET
from etl.permission import keep_all_stated
from etl.publish import write_quality
from etl.settings import PACKAGE_SITES
from etl.standing import find_standing
from etl.store.trail import list_events, record_event
from etl.store.warehouse import open_for_reading, open_for_writing
from etl.verify import verify

TODAY = find_today()
DAY = dt.timedelta(days=1)


def permit(desk, **changes):
    """Write the clinic's mapping with a permission; None takes a key out, and no key at all is no permission."""
    said = {**tomllib.loads(clinic.PERMITTED), **changes} if changes != {"kind": None} else {}
    lines = "".join(
        f"{key} = {said[key]}\n" if isinstance(said[key], dt.date) else f"{key} = {json.dumps(said[key])}\n"
        for key in said
        if said[key]
    )
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=f"{clinic.SITE}\n[permission]\n{lines}")


def forbid(desk):
    permit(desk, kind=None)


def deliver(desk, name="2025-10-01", **changes):
    return clinic.write_delivery(desk.extracts / name, **changes)


def another(desk):
    """A second delivery, which differs from the first."""
    return deliver(desk, "2025-11-01", labs=clinic.LABS.replace("3.9", "4.0"))


def kinds(desk):
    with open_for_reading(desk.settings.warehouse_path) as warehouse:
        return [event["kind"] for event in list_events(warehouse)]


def last_event(desk):
    with open_for_reading(desk.settings.warehouse_path) as warehouse:
        return list_events(warehouse)[-1]


def refuse(desk, *keys, extract=None):
    with pytest.raises(NotPermittedError) as raised:
        desk.ingest(extract)
    told = raised.value
    assert told.exit_code == 23
    assert "Nothing was loaded" in told.en
    assert str(desk.settings.workspace / "sites" / "clinic" / "site.toml") in told.en
    assert "[permission]: " + ", ".join(keys) in told.en
    assert "[permission]" in told.zh
    return told


def test_a_new_hospital_without_a_permission_is_checked_and_not_loaded(desk):
    forbid(desk)
    deliver(desk)
    checked = desk.ingest(check=True)
    assert checked.status == "checked"
    assert "states no permission: no delivery is loaded" in checked.warning.en
    refuse(desk, "kind", "number", "date", "scope", "end", "transfer", "contact", "cross_border")
    assert not desk.settings.warehouse_path.exists()
    permit(desk)
    loaded = desk.ingest()
    assert (loaded.status, loaded.warning) == ("loaded", None)
    assert desk.read("permission").drop("hospital").row(0, named=True) == {
        "kind": "approval", "number": "2025-031", "permitted_on": dt.date(2025, 1, 15), "ends_on": "no end",
        "scope": "all patients of the clinic", "transfer": "agreement of 2025-02-01", "contact": "the clinic's research office",
        "cross_border": "no data leave the country",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"end": TODAY - DAY}, ("end",)),
        ({"date": TODAY + DAY}, ("date",)),
        ({"number": None, "contact": "  "}, ("number", "contact")),
    ],
)
def test_what_does_not_cover_today_is_refused_with_its_keys(desk, changes, keys):
    permit(desk, **changes)
    deliver(desk)
    refuse(desk, *keys)
    assert desk.ingest(check=True).status == "checked"
    permit(desk, date=TODAY, end=TODAY)
    assert desk.ingest().status == "loaded"


def test_after_its_end_nothing_new_is_loaded_and_all_else_goes_on_and_says_so(desk):
    deliver(desk)
    desk.ingest()
    clinic_again = another(desk)
    desk.ingest()
    permit(desk, end=TODAY - DAY)
    third = deliver(desk, "2025-12-01", labs=clinic.LABS.replace("3.9", "4.1"))
    refuse(desk, "end", extract=third)
    assert (last_event(desk)["kind"], last_event(desk)["detail"]["exit_code"]) == ("refused", 23)
    # Nor is a delivery from before, which a revert would have to be undone with.
    assert revert(desk.settings, "clinic") == (2, 1)
    refuse(desk, "end", extract=clinic_again)
    shutil.rmtree(third)
    shutil.rmtree(clinic_again)
    again = desk.ingest()
    assert again.status == "nothing new"
    assert f"ended on {TODAY - DAY}" in again.warning.en
    done = run(desk.settings, "quality")
    assert done.returncode == 0, done.stderr
    assert f"clinic states a permission that ended on {TODAY - DAY} (today is {TODAY})" in done.stdout
    assert not verify(desk.settings).differences
    page = (desk.settings.reports_dir / "quality" / "index.html").read_text(encoding="utf-8")
    assert f"until {TODAY - DAY}" in page
    assert f"does not cover {TODAY}" in page


def test_answers_are_taken_after_the_end_too(desk):
    deliver(desk, patients=clinic.PATIENTS.replace(",82,", ",4000,"))
    desk.ingest()
    write_quality(desk.settings)
    workbook = desk.settings.reports_dir / "quality" / "clinic" / "queries.xlsx"
    query = next(row["Query id"] for row in list_queries(workbook))
    answer(workbook, desk.extracts / "answers" / "a.xlsx", {query: (CORRECTED, "")})
    permit(desk, end=TODAY - DAY)
    assert (desk.ingest().status, desk.read("answers").height) == ("nothing new", 1)


def test_a_workspace_of_an_earlier_version_loads_once_more_and_then_not(desk):
    deliver(desk)
    desk.ingest()
    forget_permission(desk)
    forbid(desk)
    (told,) = find_standing(desk.settings, with_debts=False)
    assert "clinic states no permission" in told.en
    assert "One more delivery can be loaded without" in desk.ingest(check=True).warning.en
    assert desk.read("permission").is_empty()  # looking is not loading
    another(desk)
    loaded = desk.ingest()
    assert loaded.status == "loaded"
    assert "This was the last delivery to be loaded without" in loaded.warning.en
    assert desk.read("permission").select("hospital", "kind").rows() == [("clinic", None)]
    third = deliver(desk, "2025-12-01", labs=clinic.LABS.replace("3.9", "4.1"))
    refuse(desk, "kind", extract=third)
    revert(desk.settings, "clinic")
    refuse(desk, "kind", extract=third)
    assert not verify(desk.settings).differences


def forget_permission(desk):
    """Make the database what an earlier registry had left."""
    with open_for_writing(desk.settings.warehouse_path) as warehouse, warehouse.transaction():
        warehouse.execute("delete from permission")
        record_event(warehouse, "permission", hospital="clinic")


def test_who_stated_a_permission_once_is_not_taken_for_an_earlier_version_when_it_is_gone(desk):
    deliver(desk)
    desk.ingest()
    forbid(desk)
    another(desk)
    refuse(desk, "kind")


@pytest.mark.parametrize(("kind", "is_marked"), [("synthetic", False), ("approval", True), ("public data", True)])
def test_a_permission_that_contradicts_the_marks_of_the_delivery_is_refused(desk, kind, is_marked):
    permit(desk, kind=kind)
    mark = SYNTHETIC_MARKER if is_marked else "first visit"
    deliver(desk, patients=clinic.PATIENTS.replace("first visit", mark))
    for check in (True, False):
        with pytest.raises(ProvenanceError, match="states as its permission") as raised:
            desk.ingest(check=check)
    assert ("is marked as synthetic" if is_marked else "has no mark") in raised.value.en
    assert not desk.settings.warehouse_path.exists()
    permit(desk, kind="synthetic" if is_marked else "public data")
    assert desk.ingest().status == "loaded"


def test_a_shipped_mapping_is_to_be_copied_before_its_permission_is_changed(desk):
    delivery = deliver(desk)
    with pytest.raises(ProvenanceError) as raised:
        ingest(
            desk.settings,
            "nanfang",
            extract=delivery,
            extracted=clinic.EXTRACTED,
            check=False,
            accept=False,
            progress=lambda *_: None,
        )
    own = desk.settings.workspace / "sites" / "nanfang"
    assert f"Copy the folder '{PACKAGE_SITES / 'nanfang'}' to '{own}'" in raised.value.en


def test_a_permission_that_is_prolonged_makes_no_delivery_new_and_is_kept_and_told_once(desk):
    permit(desk, end=TODAY)
    deliver(desk)
    desk.ingest()
    before = load_site(desk.settings.workspace / "sites" / "clinic").mapping_hash
    permit(desk, end=TODAY + 365 * DAY)
    assert load_site(desk.settings.workspace / "sites" / "clinic").mapping_hash == before
    n_events = len(kinds(desk))
    for _ in range(2):
        assert desk.ingest().status == "nothing new"
        keep_all_stated(desk.settings)
    assert [kind for kind in kinds(desk)[n_events:] if kind == "permission"] == ["permission"]
    assert desk.read("permission")["ends_on"].to_list() == [str(TODAY + 365 * DAY)]
    assert desk.read("ingests").height == 1
    permit(desk, end="no end")
    keep_all_stated(desk.settings)
    assert desk.read("permission")["ends_on"].to_list() == ["no end"]
    assert not verify(desk.settings).differences


def test_what_decides_the_reading_of_a_delivery_still_makes_it_new(desk):
    deliver(desk)
    desk.ingest()
    site = clinic.SITE.replace('starts_with = ["total"]', 'starts_with = ["total", "sum"]')
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=site)
    assert desk.ingest().status == "loaded"


def test_each_load_says_in_the_trail_by_what_permission(desk):
    deliver(desk)
    desk.ingest()
    detail = last_event(desk)["detail"]
    assert (detail["permission"], detail["permission_number"], detail["permission_ends_on"]) == (
        "approval",
        "2025-031",
        "no end",
    )


@pytest.fixture
def scanned(desk):
    """The worksheet of a hospital that is new, all but its permission filled in."""
    settings = desk.settings
    delivery = clinic.write_workbook(
        settings.workspace.parent / "patients 2025-10-01.xlsx",
        [
            ["住院号", "姓名", "性别", "出生日期"],
            *([f"00{n:05d}", f"赵{n}伟", "男", "1950-03-01"] for n in range(1, 25)),
        ],
    )
    path = propose_hospital(settings, "new", delivery).worksheet
    fill(path, lambda *_: ("not_needed", "", ""), lambda *_: "missing")
    write_cells(path, dict.fromkeys(PERMISSION, ""))
    return settings, path, delivery


def load_new(settings, delivery, *, check=False):
    return ingest(
        settings,
        "new",
        extract=delivery,
        extracted=clinic.EXTRACTED,
        check=check,
        accept=False,
        progress=lambda *_: None,
    )


def test_a_newcomer_leaves_the_permission_open_is_told_where_it_belongs_and_fills_it_in(scanned):
    settings, path, delivery = scanned
    take_worksheet(path.parent)
    assert load_new(settings, delivery, check=True).status == "checked"
    with pytest.raises(NotPermittedError) as raised:
        load_new(settings, delivery)
    assert f"the sheet '{PERMISSION_SHEET}' of worksheet.xlsx" in raised.value.en
    write_cells(path, PERMISSION)
    take_worksheet(path.parent)
    said = read_toml(path.parent)["permission"]
    assert (said["kind"], said["date"], said["end"]) == ("approval", dt.date(2025, 1, 15), "no end")
    assert load_new(settings, delivery).status == "loaded"


@pytest.mark.parametrize(
    ("place", "text", "told"),
    [
        ("C5", "permitted", "许可 Permission!C5: must be one of"),
        ("C7", "15.1.2025", "许可 Permission!C7: must be a day"),
        ("C7", "2025-02-30", "许可 Permission!C7: must be a day"),
        ("C9", "2024-12-31", "许可 Permission!C9: lies before date"),
        ("A6", "nummer", "许可 Permission!A6: 'nummer' is none of"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_cell(scanned, place, text, told):
    _, path, _ = scanned
    write_cells(path, {**PERMISSION, (PERMISSION_SHEET, place): text})
    with pytest.raises(WorksheetError) as raised:
        take_worksheet(path.parent)
    assert told in raised.value.en
    assert "permission" not in read_toml(path.parent)


def test_a_worksheet_never_takes_the_place_of_a_permission_that_was_changed_since(scanned):
    _, path, _ = scanned
    write_cells(path, PERMISSION)
    take_worksheet(path.parent)
    site = read_toml(path.parent)
    site["permission"]["end"] = dt.date(2030, 1, 1)
    (path.parent / "site.toml").write_text(print_toml(site), encoding="utf-8")
    write_cells(path, {("说明 Read me", "B6"): "New name"})
    with pytest.raises(WorksheetError, match=r"says otherwise than \[permission\] of site.toml about: end"):
        take_worksheet(path.parent)
    write_cells(path, {(PERMISSION_SHEET, "C9"): ""})
    take_worksheet(path.parent)
    assert read_toml(path.parent)["permission"]["end"] == dt.date(2030, 1, 1)


def test_a_worksheet_of_an_earlier_version_has_no_such_sheet_and_is_taken(scanned):
    _, path, _ = scanned
    cells = {place: text for place, text in read_cells(path).items() if place[0] != PERMISSION_SHEET}
    path.unlink()
    with xlsxwriter.Workbook(path) as book:
        sheets = {name: book.add_worksheet(name) for name in dict.fromkeys(sheet for sheet, _ in cells)}
        for (sheet, cell), text in cells.items():
            sheets[sheet].write_string(cell, text)
    take_worksheet(path.parent)
    assert "permission" not in read_toml(path.parent)


def test_the_draft_of_a_synthetic_delivery_says_so_and_that_of_a_real_one_nothing(scanned, desk):
    _, path, _ = scanned
    assert "permission" not in read_toml(path.parent)
    assert (KIND in read_cells(path)) is False
    marked = clinic.write_workbook(
        desk.settings.workspace.parent / "marked.xlsx",
        [["住院号", "姓名", "备注"], *([f"00{n:05d}", f"赵{n}伟", SYNTHETIC_MARKER] for n in range(1, 25))],
    )
    synthetic = propose_hospital(desk.settings, "marked", marked).worksheet
    assert read_toml(synthetic.parent)["permission"] == {"kind": "synthetic"}
    assert read_cells(synthetic)[KIND] == "synthetic"


def test_a_mapping_that_is_written_anew_keeps_its_permission(desk):
    folder = desk.settings.workspace / "sites" / "clinic"
    site = read_toml(folder)
    (folder / "site.toml").write_text(print_toml(site), encoding="utf-8")
    assert read_toml(folder) == site
    assert load_site(folder).permission.number == "2025-031"

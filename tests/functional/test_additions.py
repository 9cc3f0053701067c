"""Deliveries that are additions: each version is the last one's records and its own, against a plain dict of what must be there."""

import random
from dataclasses import dataclass, field

import clinic
import polars as pl
import pytest

from etl import errors
from etl.load import revert
from etl.publish import write_quality

ADDS = clinic.SITE.replace('name_zh = "测试医院"', 'name_zh = "测试医院"\ndeliveries = "additions"')
HEAD_PATIENTS, HEAD_LABS = clinic.PATIENTS.splitlines()[0], clinic.LABS.splitlines()[0]
NUMBERS = ("001", "002", "003", "004", "005")
STEPS = 12


@pytest.fixture
def adding(desk):
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=ADDS)
    return desk


@dataclass
class Sent:
    """One drawn addition: of some patients the sizes and organs, of some the albumin."""

    name: str
    patients: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    labs: dict[str, float] = field(default_factory=dict)

    def write(self, desk):
        folder = desk.extracts / self.name
        folder.mkdir(parents=True)
        if self.patients:
            rows = [f"{n},,,男,1960-03-05,无,{size},{lung},{bone}," for n, (size, lung, bone) in self.patients.items()]
            (folder / "patients.csv").write_text("\n".join([HEAD_PATIENTS, *rows]), encoding="utf-8")
        if self.labs:
            rows = [f"{n},2020-03-01,{albumin},20,ng/mL" for n, albumin in self.labs.items()]
            (folder / "labs.csv").write_text("\n".join([HEAD_LABS, *rows]), encoding="utf-8")
        return folder

    def add_to(self, model):
        """What must be there afterwards: {(table, patient): records with the delivery that brought them}."""
        now = dict(model)
        for n, (size, lung, bone) in self.patients.items():
            now["baseline", n] = {(size / 10, self.name)}
            now["patient", n] = {("male", self.name)}
            now["metastasis", n] = {(o, self.name) for o, box in (("lung", lung), ("bone", bone)) if box == "yes"}
        for n, albumin in self.labs.items():
            now["laboratory", n] = {(albumin * 10, self.name), (20.0, self.name)}
        return now


def draw_addition(draw, name, known):
    sent = Sent(name)
    boxes = ("yes", "no")
    if draw.random() < 0.8 or not known:
        for n in draw.sample(NUMBERS, draw.randint(1, 3)):
            sent.patients[n] = (draw.randint(10, 240), draw.choice(boxes), draw.choice(boxes))
    for n in sorted({*known, *sent.patients}):
        if draw.random() < 0.5 or not sent.patients:
            sent.labs[n] = draw.randint(20, 50) / 10
    return sent


def read_world(desk, pseudonyms):
    world = {}
    for table, value in (
        ("patient", "sex"),
        ("baseline", "tumour_size_cm"),
        ("metastasis", "organ"),
        ("laboratory", "value"),
    ):
        for patient, what, delivery in desk.read(f"core.{table}").select("patient_id", value, "delivery").iter_rows():
            told = round(what, 6) if isinstance(what, float) else what
            world.setdefault((table, pseudonyms[patient]), set()).add((told, delivery))
    return world


def learn(desk, pseudonyms):
    """The pseudonyms of patients by their place: a delivery's row and the row's number."""
    from etl.mapping.identity import PseudonymKey
    from etl.mapping.key_file import read_secrets

    key = PseudonymKey(*read_secrets(desk.settings.key_file))
    pseudonyms |= {key.pseudonym("clinic", n): n for n in NUMBERS}


@pytest.mark.parametrize("seed", range(4))
def test_a_version_is_the_last_one_and_what_was_added(adding, seed):
    draw = random.Random(seed)
    standing, pseudonyms = [{}], {}
    for step in range(STEPS):
        if len(standing) > 2 and draw.random() < 0.25:
            standing.pop()
            revert(adding.settings, "clinic")
        else:
            known = {n for table, n in standing[-1] if table == "patient"}
            sent = draw_addition(draw, f"addition {step}", known)
            summary = adding.ingest(sent.write(adding))
            standing.append(sent.add_to(standing[-1]))
            learn(adding, pseudonyms)
            a = summary.accounts
            assert a["records_made"] == a["records_loaded"] + a["records_quarantined"]
            before = sum(map(len, standing[-2].values()))
            assert a["records_carried"] + a["records_replaced"] == before
        expected = {
            key: {(round(v, 6) if isinstance(v, float) else v, d) for v, d in found}
            for key, found in standing[-1].items()
            if found
        }
        assert read_world(adding, pseudonyms) == expected


def test_a_version_judged_whole_asks_what_one_delivery_of_everything_would(adding, tmp_path):
    """Two quarters, one after the other, and the same rows in one file: the same questions, under the same ids."""
    patients, labs = clinic.PATIENTS.replace(",82,", ",260,"), clinic.LABS.replace("3.9", "nil").replace("IU/mL", "mg")
    lines, values = patients.splitlines(), labs.splitlines()
    first = clinic.write_delivery(adding.extracts / "q1", patients="\n".join(lines[:3]), labs="\n".join(values[:3]))
    second = clinic.write_delivery(
        adding.extracts / "q2", patients="\n".join([lines[0], lines[3]]), labs="\n".join([values[0], values[3]])
    )
    adding.ingest(first)
    adding.ingest(second)
    kept = (
        adding.read("core.findings")
        .select("finding_id", "value", "delivery", "source_row", "source_column")
        .sort("finding_id")
    )
    quarantined = adding.read("core.quarantine").height
    subject = adding.read("core.subject").drop("ingest_id", "source_row").sort("patient_id")
    clinic.write_site(adding.settings.workspace / "sites" / "clinic")
    adding.ingest(clinic.write_delivery(adding.extracts / "all", patients=patients, labs=labs))
    whole = adding.read("core.findings").select("finding_id", "value", "source_column").sort("finding_id")
    assert kept.select("finding_id", "value", "source_column").equals(whole)
    assert quarantined == adding.read("core.quarantine").height
    assert subject.equals(adding.read("core.subject").drop("ingest_id", "source_row").sort("patient_id"))
    # Each points into the file of the delivery that brought it.
    place = dict(kept.filter(pl.col("value").is_in(["260", "nil"])).select("value", "delivery").iter_rows())
    assert place == {"260": "q1", "nil": "q1"}


def test_provenance_walks_back_to_the_row_of_the_delivery_that_brought_it(adding):
    adding.ingest(clinic.write_delivery(adding.extracts / "q1"))
    adding.ingest(Sent("q2", labs={"001": 4.4}).write(adding))
    baseline = adding.read("core.baseline").filter(pl.col("tumour_size_cm").is_between(8.1, 8.3)).row(0, named=True)
    kept = adding.read("landing.kept_record").filter(
        table_name="baseline", ingest_id=baseline["ingest_id"], patient_id=baseline["patient_id"]
    )
    assert (baseline["delivery"], kept["brought_by"].to_list()) == ("q1", [1])
    rows = adding.read("landing.source_row").filter(
        ingest_id=1, source_file="patients.csv", source_row=kept["source_row"][0]
    )
    assert "82" in rows["cells"][0]
    assert not {"张三丰", "001"} & set(" ".join(adding.read("landing.kept_record")["texts"]))


def test_the_same_addition_read_again_is_added_to_what_it_was_added_to(adding):
    adding.ingest(clinic.write_delivery(adding.extracts / "q1"))
    adding.ingest(Sent("q2", patients={"001": (50, "no", "no")}).write(adding))
    columns = clinic.COLUMNS.replace("patients,lung,field", "patients,lung,ignore").replace("?organ=lung", "")
    columns = columns.replace("patients,lung,ignore,metastasis,organ", "patients,lung,ignore,,")
    clinic.write_site(adding.settings.workspace / "sites" / "clinic", site=ADDS, columns=columns)
    summary = adding.ingest()
    assert (summary.status, summary.base_ingest_id) == ("loaded", 1)
    assert adding.read("core.baseline").height == 3


def test_an_addition_that_is_a_part_already_is_not_added_again_unless_that_is_meant(adding):
    first = clinic.write_delivery(adding.extracts / "q1")
    adding.ingest(first)
    adding.ingest(Sent("q2", patients={"001": (50, "no", "no")}).write(adding))
    with pytest.raises(errors.VolumeError, match=r"added before, as ingest 1 \('q1'\)"):
        adding.ingest(first)
    assert adding.ingest(first, accept=True).base_ingest_id == 2


def test_additions_to_a_version_that_was_loaded_as_a_whole(desk):
    first = clinic.write_delivery(desk.extracts / "q1")
    desk.ingest(first)
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=ADDS)
    second = Sent("q2", patients={"004": (50, "no", "no")}).write(desk)
    with pytest.raises(errors.DeliveryError, match="loaded as a full delivery"):
        desk.ingest(second)
    desk.ingest(first)
    desk.ingest(second)
    assert desk.read("core.patient").height == 4


def test_row_numbers_are_no_patients_where_additions_are_sent(desk):
    site = ADDS.replace('file = "labs*.csv"', 'file = "patients*.csv"').replace(
        "header_row = 1", 'header_row = 1\npatient = "row number"'
    )
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=site)
    with pytest.raises(errors.StructureError, match="in the next delivery the same number is another patient"):
        desk.ingest(clinic.write_delivery(desk.extracts / "q1"))


def test_a_confirmed_value_of_an_earlier_addition_counts(adding):
    from answered_workbook import CONFIRMED, answer

    columns = clinic.COLUMNS + "patients,remark,field,baseline,body_weight_kg,,kg,\n"
    columns = columns.replace("patients,remark,ignore,,,,,not a field\n", "")
    clinic.write_site(adding.settings.workspace / "sites" / "clinic", site=ADDS, columns=columns)
    patients = clinic.PATIENTS.replace("first visit", "134")
    adding.ingest(clinic.write_delivery(adding.extracts / "q1", patients=patients))
    adding.ingest(Sent("q2", labs={"001": 4.4}).write(adding))
    write_quality(adding.settings)
    workbook = adding.settings.reports_dir / "quality" / "clinic" / "queries.xlsx"
    answer(workbook, adding.extracts / "answers" / "a.xlsx", {"134": (CONFIRMED, "")})
    summary = adding.ingest()
    assert (summary.confirmed, summary.base_ingest_id) == (1, 1)
    assert adding.read("core.confirmed")["delivery"].to_list() == ["q1"]
    adding.ingest(Sent("q3", labs={"001": 4.5}).write(adding))
    assert 134.0 in adding.read("core.subject")["body_weight_kg"].to_list()


def write_quarter(desk, name, numbers, *, sex="男", size=50, albumin=3.9):
    rows = [f"{n},,,{sex},1960-03-05,无,{size + i},no,no," for i, n in enumerate(numbers)]
    labs = [f"{n},2020-03-01,{albumin},20,ng/mL" for n in numbers]
    return clinic.write_delivery(
        desk.extracts / name, patients="\n".join([HEAD_PATIENTS, *rows]), labs="\n".join([HEAD_LABS, *labs])
    )


def list_kinds(desk):
    return sorted(desk.read("core.notices")["kind"])


def test_what_is_strange_beside_the_delivery_before_is_told(desk):
    many = [f"{n:03d}" for n in range(1, 9)]
    assert desk.ingest(write_quarter(desk, "march", many)).notices == ()
    # A number given to somebody else, two patients gone, all sizes another.
    summary = desk.ingest(write_quarter(desk, "april", many[:7], sex="女", size=80))
    assert list_kinds(desk) == ["changed_column", "changed_column", "identity", "vanished"]
    told = " ".join(en for en, _ in summary.notices)
    assert "Sex: another one than before under the same patient number, in 7 patient(s)" in told
    assert "1 of 8 patients of the delivery before are not in this one" in told
    assert "Largest diameter of the intrahepatic lesions: 7 of 7 values differ" in told
    # It stays told while the same delivery is read again, and on the page.
    columns = clinic.COLUMNS.replace("not a field", "still none")
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", columns=columns)
    assert desk.ingest().notices == summary.notices
    write_quality(desk.settings)
    page = (desk.settings.reports_dir / "quality" / "clinic" / "index.html").read_text(encoding="utf-8")
    assert "another one than before under the same patient number" in page
    # The old file under a new name, and one file twice.
    (desk.extracts / "march").rename(desk.extracts / "june")
    assert "which was loaded on" in " ".join(en for en, _ in desk.ingest(desk.extracts / "june").notices)
    twice = write_quarter(desk, "july", many)
    (twice / "labs - 副本.csv").write_bytes((twice / "labs.csv").read_bytes())
    assert "These files of the delivery are equal: labs - 副本.csv, labs.csv" in desk.ingest(twice).notices[0][0]


def test_an_absent_patient_of_an_addition_has_not_vanished(adding):
    adding.ingest(write_quarter(adding, "q1", ["001", "002"]))
    assert adding.ingest(write_quarter(adding, "q2", ["003"])).notices == ()
    assert "identity" in {
        kind for _ in [adding.ingest(write_quarter(adding, "q3", ["001"], sex="女"))] for kind in list_kinds(adding)
    }


def test_after_a_revert_the_mapping_is_told(adding, monkeypatch, capsys):
    from etl.cli import run_revert

    monkeypatch.setattr("etl.cli.read_settings", lambda: adding.settings)
    adding.ingest(write_quarter(adding, "q1", ["001", "002"]))
    adding.ingest(write_quarter(adding, "q2", ["003"]))
    run_revert("clinic")
    assert "read by the mapping that is there now" in capsys.readouterr().out
    adding.ingest(adding.extracts / "q2")
    columns = clinic.COLUMNS.replace("not a field", "still none")
    clinic.write_site(adding.settings.workspace / "sites" / "clinic", site=ADDS, columns=columns)
    run_revert("clinic")
    assert "read by another mapping" in capsys.readouterr().out


def test_quarterly_additions_from_the_worksheet_to_the_page(tmp_path, monkeypatch, capsys):
    from worksheet_desk import AUTHOR_ROWS, README, fill, read_cells, write_cells

    from etl.cli import run_ingest, run_new_hospital
    from etl.mapping.read_site import load_site
    from etl.onboarding.worksheet.form import DELIVERIES, NEW_LESIONS
    from etl.settings import Settings
    from etl.store.warehouse import read_frames

    settings = Settings(tmp_path / "workspace", tmp_path / "key", "en")
    for name in ("etl.cli.read_settings",):
        monkeypatch.setattr(name, lambda: settings)
    heads = ["住院号", "性别", "出生日期", "确诊日期", "体重(kg)"]

    def write_book(name, numbers, weight):
        path = settings.extracts_dir / "quarterly" / f"患者 {name}.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            [f"ZY{n:05d}", "男" if n % 2 else "女", f"19{50 + n % 30}-03-05", "2020-02-03", weight + n % 7]
            for n in numbers
        ]
        return clinic.write_workbook(path, [heads, *rows], "患者")

    first = write_book("2022-03-31", range(1, 13), 60)
    run_new_hospital("quarterly", first)
    worksheet = settings.workspace / "sites" / "quarterly" / "worksheet.xlsx"
    assert "每次都含全部患者 all patients each time" in read_cells(worksheet).values()
    place = (README, f"B{AUTHOR_ROWS[DELIVERIES] + 1}")
    fill(worksheet, lambda *_: ("not_needed", "", ""), lambda *_: "missing")
    write_cells(worksheet, {place: "sometimes"})
    with pytest.raises(errors.WorksheetError, match=f"{place[1]}: choose one of: all patients each time"):
        run_ingest("quarterly")
    listed = (README, f"B{AUTHOR_ROWS[NEW_LESIONS] + 1}")
    said = {
        place: "只含新增内容 only what is new since the last one",
        listed: "所有新病灶均已列出 every new lesion is listed",
    }
    write_cells(worksheet, said)
    run_ingest("quarterly")
    assert load_site(worksheet.parent).lists_every_new_lesion
    write_book("2022-06-30", range(12, 16), 70)
    run_ingest("quarterly")
    assert "an addition to ingest 1" in capsys.readouterr().out
    frames = read_frames(settings.warehouse_path, ["core.baseline", "ingests"])
    assert frames["baseline"]["delivery"].value_counts().sort("delivery")["count"].to_list() == [11, 4]
    assert frames["ingests"].sort("ingest_id")["patients"].to_list() == [12, 15]
    assert (settings.reports_dir / "quality" / "quarterly" / "index.html").exists()

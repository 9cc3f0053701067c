"""What names a patient is masked wherever a text is stored; a clinical phrase is not, whatever the patients are called or numbered."""

import csv
import random
import re
import time
import zipfile
from pathlib import Path

import clinic
import duckdb
import example_hospital
import polars as pl
import pytest

from etl.ingest import ingest
from etl.mapping import masking
from etl.mapping.masking import OwnTexts, is_identifying, leave_out_shared
from etl.mapping.personal_forms import MASK, find_personal_data, mask_personal_data, replace_spans
from etl.publish import write_quality
from etl.settings import Settings
from etl.store.warehouse import read_frames
from schemas.contract import read_contract
from schemas.tables import TABLES

CASES = Path(__file__).parents[2].parent / "shared" / "cases"
LISTS = Path(__file__).parent / "masking"
# As patients of a REDCap project, of a ward and of a hospital may be numbered and called: all that stands in some phrase.
NUMBERS = (
    *map(str, range(1, 400)), "800", "8170", "S7", "T12", "L3", "C34.1", "20210305", "20200315", "20200420", "2020-04-20", "2020.6.1", "2020",
)  # fmt: skip
NAMES = (
    "高峰", "明显", "安静", "平安", "王氏", "张力", "何时", "陈旧", "于术", "方案", "黄疸", "白蛋白", "江米", "李斯", "李斯特", "马尾", "罗氏", "汪洋",
    "湖南省", "汉族", "农民", "已婚", "主任医师", "王", "陈", "李", "Long", "Young", "An", "Page", "Mark", "LONG", "张静", "周静", "高明", "张明", "常强", "白明", "周超", "时可",
)  # fmt: skip


def read_cases(path):
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mask(own, cells):
    """The texts of one patient's column, masked."""
    return OwnTexts({"p": own}).mask_cells(cells, pl.Series(["p"] * len(cells)))[0]


@pytest.mark.parametrize(("n", "paths"), [(30, [CASES / "precision.csv"]), (85, [LISTS / "phrases.csv"])])
def test_clinical_phrases_stay_whatever_their_patients_are_called_or_numbered(n, paths):
    own = [*NUMBERS, *filter(is_identifying, NAMES)]
    phrases = pl.Series([case["text"] for path in paths for case in read_cases(path)])
    assert len(phrases) == n
    assert mask(own, phrases).to_list() == phrases.to_list()
    for text in own:  # each number and name for itself
        assert mask([text], phrases).to_list() == phrases.to_list(), text


@pytest.mark.parametrize(
    ("own", "text", "masked"),
    [
        ("00310469", "病理(住院号00310469)", "病理(住院号[masked])"),
        ("00310469", "见310469", "见[masked]"),
        ("310469", "见00310469。", "见[masked]。"),
        ("310469", "３１０４６９", "[masked]"),
        ("00310469", "00310469-2 次入院", "[masked] 次入院"),
        ("00310469-2", "号 310469", "号 [masked]"),
        ("310469", "310469TACE术后", "[masked]TACE术后"),
        ("310469", "1310469", "1310469"),
        ("310469", "3104691", "3104691"),
        ("310469", "AFP 310469 ng/mL", "AFP 310469 ng/mL"),
        ("310469", "AFP >310469", "AFP >310469"),
        ("310469", "310469.5", "310469.5"),
        ("HN-00001", "见HN-00001, hn00001", "见[masked], [masked]"),
        ("HN-00001", "HN-000012", "HN-000012"),
        ("A0012", "病人A0012诉", "病人[masked]诉"),
        ("44010619530417362X", "证 440106 19530417 362x", "证 [masked]"),
        ("440106530417362", "440106-530417-362", "[masked]"),
        ("12", "住院号12", "住院号[masked]"),
        ("12", "病历号：012，", "病历号：[masked]，"),
        ("12", "病案号 12", "病案号 [masked]"),
        ("12", "ID:12; MRN12; No.12", "ID:[masked]; MRN[masked]; No.[masked]"),
        ("12", "住院号120", "住院号[masked]"),
        ("12", "12床，肿块12×10cm，no 12", "[masked]，肿块12×10cm，no 12"),
        ("12", "AVOID12", "AVOID12"),
        ("A", "class A, ID A", "class A, ID [masked]"),
        ("AB", "blood group AB", "blood group AB"),
        ("20200315", "20200315 TACE", "20200315 TACE"),
        ("20200315", "住院号20200315", "住院号[masked]"),
        ("仉　羽", "患者仉羽诉乏力", "患者[masked]诉乏力"),
        ("仉翠羽(女)", "其母仉翠羽陪同", "其母[masked]陪同"),
        ("Zhang Cuiyu", "patient ZHANG CUIYU, fatigue", "patient [masked], fatigue"),
        ("高峰", "患者高峰诉乏力", "患者[masked]诉乏力"),
        ("高峰", "姓名：高峰", "姓名：[masked]"),
        ("高峰", "高峰", "[masked]"),
    ],
)
def test_written_forms(own, text, masked):
    column, found = OwnTexts({"1": [own]}).mask_cells(pl.Series([text]), pl.Series(["1"]))
    assert column.to_list() == [masked]
    assert list(found) == ([] if masked == text else [0])


def mask_as(table, name, text, own):
    field = read_contract(TABLES[table])[name]
    return OwnTexts({"p": [own]}).mask_cells(pl.Series([text]), pl.Series(["p"]), field)[0][0]


@pytest.mark.parametrize("text", ["310469", "310,469", ">310469", "310469.0", " 310469 "])
def test_a_value_that_equals_its_patients_number_is_kept(text):
    assert mask_as("baseline", "hvpg_mmhg", text, "310469") == text


@pytest.mark.parametrize("text", ["20200315", "2020-03-15", "2020年3月15日", "43905"])
def test_a_date_that_equals_its_patients_number_is_kept(text):
    assert mask_as("outcome", "death_date", text, text) == text


def test_a_code_that_equals_its_patients_number_is_kept():
    assert mask_as("baseline", "child_pugh_class", "A", "A") == "A"
    assert mask_as("adverse_event", "term", "fatigue", "fatigue") == "fatigue"


def test_in_a_column_of_values_what_is_none_is_masked():
    assert mask_as("baseline", "hvpg_mmhg", "见住院号310469", "310469") == "见住院号[masked]"
    assert mask_as("baseline", "hvpg_mmhg", "00310469", "00310469") == "[masked]"
    assert mask_as("outcome", "death_date", "310469", "310469") == "[masked]"
    assert mask_as("outcome", "vital_status", "310469", "310469") == "[masked]"


PEOPLE = {
    "00310469": {"bare": "310469", "name": "仉翠羽", "id card": "440106530417362"},
    "582913": {"bare": "582913", "name": "亓官明", "id card": "G38827164"},
    "XQ-77031": {"bare": "xq77031", "name": "Zhuge Liangyu", "id card": "99999919600305001X"},
    "27": {"bare": "住院号27", "name": "高峰", "id card": ""},
}
FORMS = (
    "见{n}", " {n} ", "{w}", "住院号：{n}", "{n}-2 复查", "患者0{n}，诉乏力", "{b}", "ID {n}", "编号{n}TACE后", "病案号00{b}"
)  # fmt: skip
SHORT_FORMS = ("住院号{n}", "病案号：{n}", "ID {n}", "No.{n}，", "住院号{w}", "门诊号 0{n}")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def write_forms(number):
    bare = PEOPLE[number]["bare"]
    forms = SHORT_FORMS if len(number) < 6 else FORMS
    return [form.format(n=number, w=number.translate(FULL_WIDTH), b=bare) for form in forms]


def write_canary(folder, texts):
    """Every field of words, every ignored column and some cells of codes, numbers and dates hold the patient's number."""
    rows = example_hospital.make_rows(dict.fromkeys(PEOPLE, ""))
    turn = 0
    for table, records in rows.items():
        fields = {n: spec for n, spec in read_contract(TABLES[table]).items() if not spec.is_key and not spec.is_made}
        words = [name for name, spec in fields.items() if spec.dtype in (pl.String, pl.Boolean)]
        dates = [name for name, spec in fields.items() if spec.dtype == pl.Date][-1:]
        numbers = [name for name, spec in fields.items() if spec.dtype in (pl.Float64, pl.Int64)][-1:]
        for record in records:
            for name in [*words, example_hospital.REMARK, *dates, *numbers]:
                turn += 1
                own = texts[record["number"]]
                if name in numbers:  # a number alone is a value there
                    own = [text for text in own if re.search("[^\\W\\d]", text)]
                record[name] = own[turn % len(own)]
            if table == "patient":
                record |= {name: PEOPLE[record["number"]][name] for name in ("name", "id card")}
    return example_hospital.write_rows(folder, rows)


def read_everything(settings):
    """All that the registry stores or writes, as text by place."""
    connection = duckdb.connect(str(settings.warehouse_path), read_only=True)
    tables = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
    for schema, name in tables:
        rows = connection.execute(f'select * from {schema}."{name}"').fetchall()
        yield f"{schema}.{name}", "\n".join(map(str, rows))
    connection.close()
    for path in sorted(p for p in settings.reports_dir.rglob("*") if p.is_file()):
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                yield (
                    path.name,
                    "\n".join(book.read(part).decode() for part in book.namelist() if part.endswith(".xml")),
                )
        else:
            yield path.name, path.read_bytes().decode(errors="replace")


def test_nothing_that_is_stored_or_written_holds_a_patients_number(tmp_path):
    """A canary: the number in every column of words, in several written forms, then searched for in all there is."""
    settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
    example_hospital.write_site(settings.workspace / "sites" / "everything")
    texts = {number: write_forms(number) for number in PEOPLE}
    write_canary(settings.extracts_dir / "everything" / "x_2022-11-20", texts)
    ingest(
        settings,
        "everything",
        extract=None,
        check=False,
        accept=False,
        progress=lambda *_: None,
        extracted=clinic.EXTRACTED,
    )
    write_quality(settings)
    found = read_frames(settings.warehouse_path, ["marts.finding", "landing.source_row"])
    assert found["finding"]["value"].str.contains("[masked]", literal=True).sum() > 50
    told = re.compile(
        "|".join(rf"(?<![0-9a-fA-F]){piece}(?![0-9a-fA-F])" for piece in ("310469", "582913", "77031"))
        + "|号0*27|ID 27|No.27|440106530417362|G38827164|仉翠羽|亓官明|Zhuge"
    )
    for place, text in read_everything(settings):
        plain = text.translate({ord(full): str(digit) for digit, full in enumerate("０１２３４５６７８９")})
        assert not told.search(plain), (place, plain[max(0, (m := told.search(plain)).start() - 80) : m.end() + 40])


def test_a_laboratory_value_that_equals_the_patients_number_is_loaded(tmp_path):
    settings = Settings(tmp_path / "workspace", tmp_path / "key", "both")
    clinic.write_site(settings.workspace / "sites" / "clinic")
    patients, labs = (
        text.replace("002,", "121000,") for text in (clinic.PATIENTS, clinic.LABS.replace(",20,IU/mL", ",121000,ng/mL"))
    )
    clinic.write_delivery(settings.extracts_dir / "clinic" / "x", patients=patients, labs=labs)
    ingest(
        settings,
        "clinic",
        extract=None,
        check=False,
        accept=False,
        progress=lambda *_: None,
        extracted=clinic.EXTRACTED,
    )
    laboratory = read_frames(settings.warehouse_path, ["core.laboratory"])["laboratory"]
    afp = laboratory.filter((pl.col("test") == "afp_ng_ml") & (pl.col("source_row") == 3))
    assert afp["value"].to_list() == [121000.0]


@pytest.mark.parametrize(
    ("own", "text", "others"),
    [
        ("310469", "见310469", "见[masked]"),
        ("A0012", "见A0012", "见[masked]"),
        ("仉翠羽", "与仉翠羽同室", "与[masked]同室"),
        ("仉羽", "与仉羽同室", "与[masked]同室"),
        ("仉羽", "其子仉小羽陪同", "其子[masked]陪同"),
        ("仉羽", "仉某诉乏力", "[masked]诉乏力"),
        ("Zhang Cuiyu", "with Cuiyu Zhang", "with [masked]"),
        ("高峰", "患者高峰诉乏力", "患者高峰诉乏力"),
        ("12", "No.12", "No.12"),
        ("Yue", "with Yue", "with Yue"),
    ],
)
def test_the_delivery_is_searched_for_its_patients_in_every_row_but_for_what_may_be_a_word(own, text, others):
    texts = OwnTexts({"1": [own], "2": ["something else"]})
    column = texts.mask_cells(pl.Series([text] * 3), pl.Series(["1", "2", None]))[0].to_list()
    assert column[1:] == [others, others]
    assert MASK in column[0]


def test_what_five_patients_share_names_none_of_them():
    dropped = {str(n): ["王建国", f"仉{chr(0x7FBD + n)}羽"] for n in range(5)}
    assert all(len(texts) == 1 for texts in leave_out_shared(dropped).values())
    del dropped["0"]
    assert all(len(texts) == 2 for texts in leave_out_shared(dropped).values())


OF_THE_LIST = {"00310469": ["00310469", "310469", "仉翠羽", "Zhang Cuiyu"], "2": ["亓官明", "王静"]}


@pytest.mark.parametrize("case", read_cases(LISTS / "identifiers.csv"), ids=lambda case: case["form"])
def test_every_written_form_is_masked_to_its_last_sign_and_the_rest_stays(case):
    """What must go stands in braces, whoever's row it is."""
    text, masked = case["text"].replace("{", "").replace("}", ""), re.sub(r"\{[^}]*\}", MASK, case["text"])
    column = OwnTexts(OF_THE_LIST).mask_cells(pl.Series([text] * 3), pl.Series(["00310469", "2", None]))[0]
    assert column.to_list() == [masked] * 3


CASES_IN_ROWS = {  # those of which the example describes column and text
    "name padded in its column": ({"1": ["仉　羽"]}, "患者仉羽诉乏力"),
    "name with a suffix in its column": ({"1": ["仉翠羽(女)"]}, "患者仉翠羽诉乏力"),
    "name in other case": ({"1": ["Zhang Cuiyu"]}, "patient ZHANG CUIYU, fatigue"),
    "name of another patient of the delivery": ({"2": ["仉翠羽"]}, "与仉翠羽同室"),
    "surname with a title": ({"1": ["仉翠羽"]}, "仉某诉乏力"),
    "relative": ({"2": ["仉羽"]}, "其子仉羽陪同"),
    "passport": ({}, "护照G38827164"),
}


def test_the_listed_forms_are_masked_and_what_only_looks_so_is_kept():
    cases = read_cases(CASES / "identifiers.csv")
    assert len(cases) == 35
    for case in cases:
        own, text = CASES_IN_ROWS.get(case["form"], ({}, case["example"].split(" (a ")[0].split(" where ")[0]))
        column = OwnTexts(own).mask_cells(pl.Series([text]), pl.Series(["1"]))[0]
        expected = text if case["right"] == "kept" else MASK
        assert expected in column[0], case["form"]


@pytest.mark.parametrize("case", read_cases(LISTS / "identifiers.csv"), ids=lambda case: case["form"])
def test_what_was_masked_is_not_masked_again(case):
    masked = re.sub(r"\{[^}]*\}", MASK, case["text"])
    assert mask_personal_data(masked) == masked


def test_a_long_text_is_searched_in_time_that_grows_with_its_length():
    for piece in ("1", "13", "139-", "a", "a.", "王", "路1", "号", "(", "县区", "医师:", "A1", " ", "微信a"):
        start = time.process_time()
        find_personal_data(piece * (20_000 // len(piece)))
        assert time.process_time() - start < 2, piece


def test_people_without_a_number_share_their_texts_and_each_is_masked():
    names = [f"仉{chr(0x7FBD + i)}" for i in range(300)]
    own, text = OwnTexts({"": names, "582913": ["582913"]}), f"患者{names[250]}诉"
    assert own.mask_cells(pl.Series([text, text]), pl.Series([None, "582913"]))[0].to_list() == ["患者[masked]诉"] * 2


def test_many_patients_cost_no_more_than_few():
    """Rows are compared with their own patient's texts, so that the time of a column grows with rows, not with patients."""
    n = 20_000
    numbers = [f"{100_000 + i}" for i in range(n)]
    cells = pl.Series([f"门静脉主干癌栓 {i}" for i in range(n)])

    def clock(own):
        patients = pl.Series(numbers)
        own.mask_cells(cells, patients)
        start = time.process_time()
        for _ in range(5):
            own.mask_cells(cells, patients)
        return time.process_time() - start

    few = clock(OwnTexts({number: [number, f"仉{number}"] for number in numbers[:10]}))
    many = clock(OwnTexts({number: [number, f"仉{number}"] for number in numbers}))
    assert many < 5 * few + 0.5


PIECES = (
    "310469", "00310469", "HN-00001", "hn 00001", "12", "A0012", "44010619530417362X", "440106 19530417 362x", "仉翠羽", "仉 翠羽", "高峰", "患者高峰诉",
    "Zhang Cuiyu", "ZHANG, CUIYU", "住院号", "ID ", "no.", "MRN", "mm", "ng/mL", "10^9/L", "13812345678", "li@example.org", "，", " ", "\x1f", "-2", "２０２０",
    "2020-03-05", "<", "AB", "s8", "病理", "(12)", "#7", "-7",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_a_column_is_masked_as_each_cell_by_itself(seed):
    """The quick search leaves no cell out that the written forms would mask, whoever's texts are in it."""
    draw = random.Random(seed)
    patients = ["", "1", "2", "3"]
    names = [piece for piece in PIECES if any(character.isalnum() for character in piece)]
    own = {patient: sorted(draw.sample(names, 5), key=lambda t: (-len(t), t)) for patient in patients}
    cells = ["".join(draw.choices(PIECES, k=draw.randint(1, 5))) for _ in range(400)]
    whose = draw.choices([*patients, "4", None], k=len(cells))
    spec = draw.choice([None, *read_contract(TABLES["baseline"]).values()])
    column, rows = OwnTexts(own).mask_cells(pl.Series(cells), pl.Series(whose), spec)
    alone = [
        OwnTexts(own).mask_cells(pl.Series([c]), pl.Series([w], dtype=pl.String), spec)[0][0]
        for c, w in zip(cells, whose, strict=True)
    ]
    assert column.to_list() == alone
    assert list(rows) == [row for row, (cell, masked) in enumerate(zip(cells, alone, strict=True)) if cell != masked]
    assert len(rows) > 20


@pytest.mark.parametrize("seed", range(6))
def test_the_quick_search_leaves_nothing_out_that_the_patterns_would_find(seed):
    """Neither hints nor pieces, by which polars picks texts and patterns to be tried, hide one from the other."""
    draw = random.Random(seed)
    names = [piece for piece in PIECES if any(character.isalnum() for character in piece)]
    own = sorted(draw.sample(names, 5))
    cells = ["".join(draw.choices(PIECES, k=draw.randint(1, 5))) for _ in range(400)]
    texts = OwnTexts({"1": own})
    column, _ = texts.mask_cells(pl.Series(cells), pl.Series(["1"] * len(cells)))
    for cell, masked in zip(cells, column, strict=True):
        spans = find_personal_data(cell, texts._surnames) + [s for text in own for s in masking._find_own(cell, text)]
        assert masked == replace_spans(cell, spans), cell

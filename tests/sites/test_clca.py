"""Chinese Liver Cancer Atlas, real and public patients: explained headers, bounds, sizes as texts; nobody eligible."""

import csv
import re

import pytest
from public_site import SHARED, Loaded, check_accounts, load_public

from analysis.inputs import MARTS
from analysis.run import run_study
from analysis.study.read_spec import read_study
from etl.errors import AnalysisError

FOLDER = SHARED / "data" / "clca_2024"
EXPLANATIONS = 4  # rows that start with `#`, above the header

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="CLCA is not here; docs/clca.md tells how to get the files")

QUARANTINED = {
    # 'Satellite nodule': there are more lesions than one, and nobody says how many.
    ("baseline.tumour_number.unreadable", "TUMOR_NUMBER"): 38,
}

ASKED = {
    **QUARANTINED,
    # dmax=1.2_4 and 14*10.3/dmax=NA: a radiologist would ask too.
    ("tumour_size_text_is_readable", "TUMOR_SIZE"): 2,
    # Empty: nobody knows whether these patients live.
    ("outcome.vital_status.missing", "OS_STATUS"): 106,
    # Once a patient: what the study needs and the files do not have, such as arm and start.
    ("study.not_sent", None): 494,
    # 1:DECEASED, and the files hold no dates.
    ("death_has_date", None): 78,
    # AFP is the only laboratory value that the study needs and the files have.
    ("baseline_laboratory_is_complete", None): 494,
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Loaded:
    return load_public("clca", FOLDER, tmp_path_factory.mktemp("clca"))


def read_columns(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"data_clinical_{name}.txt").open(encoding="utf-8", newline="") as file:
        lines = file.read().splitlines()[EXPLANATIONS:]
    return list(csv.DictReader(lines, delimiter="\t"))


@pytest.fixture(scope="module")
def samples() -> dict[int, dict[str, str]]:
    """Return the rows of the sample file by the number that a text editor shows."""
    return dict(enumerate(read_columns("sample"), EXPLANATIONS + 2))


def test_494_patients_are_loaded_and_nothing_is_lost(loaded):
    accounts = loaded.summary.accounts
    check_accounts(loaded.summary)
    assert (accounts["patients"], accounts["rows_used"], accounts["rows_ignored"]) == (494, 988, 10)
    assert (accounts["records_loaded"], accounts["records_quarantined"]) == (494 * 4, 0)
    texts = [row for name in ("patient", "sample") for row in read_columns(name)]
    assert accounts["cells"] == sum(bool(cell.strip()) for row in texts for cell in row.values())
    assert (
        accounts["cells_identifier"] == 494 * 3
    )  # the patient number in both files, and the sample's, which is the same


def test_every_cell_that_was_set_aside_has_its_reason(loaded):
    assert loaded.count_quarantined_cells() == QUARANTINED


def test_what_is_asked_is_asked_for_a_reason_that_the_files_show(loaded):
    assert loaded.count_findings() == ASKED


def test_a_bound_stays_a_bound(loaded, samples):
    afp = loaded.read("core.laboratory")["laboratory"].select("source_row", "value", "value_comparator")
    assert afp.height == 494
    for row, value, sign in afp.iter_rows():
        text = samples[row]["AFP"]
        assert (sign, value) == ((">", float(text[1:])) if text.startswith(">") else ("=", float(text)))
    assert afp["value_comparator"].value_counts().sort("count").rows() == [(">", 102), ("=", 392)]
    levels = loaded.read("core.subject")["subject"]["afp_level"]
    # 102 bounds above 400 and the plain values, counted in the file.
    plain = [float(row["AFP"]) for row in samples.values() if row["AFP"][0] != ">"]
    assert levels.null_count() == 0
    assert (levels == ">400").sum() == 102 + sum(value > 400 for value in plain)


def test_plus_and_minus_are_results_and_minus_is_not_missing(loaded, samples):
    baseline = loaded.read("core.baseline")["baseline"].select("source_row", "hbsag", "has_cirrhosis", "bclc_stage")
    for row, hbsag, cirrhosis, stage in baseline.iter_rows():
        assert hbsag == {"+": "positive", "-": "negative"}[samples[row]["HBSAG"]]
        assert cirrhosis == (samples[row]["CIRRHOSIS_OR_FIBROSIS"] == "Cirrhosis")
        assert stage == samples[row]["BCLC"]
    assert (baseline["hbsag"] == "negative").sum() == 108


def test_sizes_are_kept_in_the_files_own_words_and_read(loaded, samples):
    baseline = loaded.read("core.baseline")["baseline"].select("source_row", "tumour_size_text", "tumour_number")
    for row, text, number in baseline.iter_rows():
        assert text == samples[row]["TUMOR_SIZE"].strip()
        assert number == (int(samples[row]["TUMOR_NUMBER"]) if samples[row]["TUMOR_NUMBER"].isdigit() else None)


def test_the_largest_diameter_is_the_largest_number_of_a_plain_text(loaded):
    frames = loaded.read("core.baseline", "core.subject")
    texts = frames["baseline"].select("patient_id", text="tumour_size_text")
    sizes = frames["subject"].select("patient_id", "tumour_size_from_number_or_text_cm").join(texts, on="patient_id")
    read = [(text, size) for text, size in sizes.select("text", "tumour_size_from_number_or_text_cm").iter_rows()]
    # Two or three diameters a lesion, nothing else: 8.1*4.2/3*2.5*1
    plain = [(text, size) for text, size in read if re.fullmatch(r"[\d.]+(\*[\d.]+)+(/[\d.]+(\*[\d.]+)+)*", text)]
    assert len(plain) == 421
    assert all(size == max(map(float, re.findall(r"[\d.]+", text))) for text, size in plain)
    # Whether 1.2 to 4 cm or one of 1.2 and one of 4; and a second lesion whose size nobody knows.
    assert sorted(text for text, size in read if size is None) == ["14*10.3/dmax=NA", "dmax=1.2_4"]


def test_alive_and_dead_are_known_and_no_time(loaded):
    outcomes = loaded.read("core.outcome")["outcome"]
    assert dict(outcomes["vital_status"].value_counts().iter_rows()) == {"alive": 310, "dead": 78, None: 106}
    assert loaded.read("core.subject")["subject"]["os_days"].null_count() == 494


def test_stage_c_is_microvascular_invasion(samples):
    """What docs/clca.md says of the column BCLC."""
    seen = {(row["BCLC"], row["MVI"]) for row in samples.values() if row["MVI"] != "NA"}
    assert {stage for stage, invasion in seen if invasion in ("M1", "M2")} == {"C"}
    assert ("C", "M0") not in seen


def test_nobody_is_eligible_and_everybody_has_a_reason(loaded, tmp_path):
    criteria = loaded.count_criteria()
    assert criteria["e4_complete_data", False] == 494
    assert criteria["i2_bclc_c_with_metastasis", False] == 211  # stage 0, A or B
    assert criteria["i2_bclc_c_with_metastasis", None] == 283  # stage C, and no word of metastasis
    assert criteria["e2_age_18_to_75", False] == 26
    frames = loaded.read(*MARTS, "core.eligibility")
    with pytest.raises(AnalysisError, match=r"no patient is left to analyse.*i2_bclc_c_with_metastasis: 211"):
        run_study(frames, read_study("len_vs_sora"), tmp_path / "analysis", {})
    assert not (tmp_path / "analysis").exists()

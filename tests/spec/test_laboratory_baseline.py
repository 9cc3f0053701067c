"""The baseline of each laboratory test, worked by hand from the protocol; therapy starts on 2020-03-01 (day 0)."""

import pytest
from clinical_tables import derive_case, make_frame, read_rows

from schemas.definitions.laboratory_baseline import derive_baseline_samples
from schemas.definitions.treatment import derive_first_line

# Samples as visit:date:value, the value with its sign; ? no date, ND not detected, empty: no value.
CASES = """
| test              | samples                                     | value | conflict | why                                              |
| alt_u_l           | 0:2020-02-02:30                             | 30    |          | day -28                                          |
| alt_u_l           | 0:2020-02-01:30                             |       |          | day -29, whatever its visit number               |
| alt_u_l           | 0:2020-03-01:30                             | 30    |          | day 0 is before the first dose                   |
| alt_u_l           | 0:2020-03-02:30                             |       |          | day 1 is never baseline                          |
| alt_u_l           | 3:2020-02-20:30                             | 30    |          | whatever its visit number                        |
| alt_u_l           | 20200220:2020-02-20:30                      | 30    |          | a visit called by its day                        |
| alt_u_l           | 0:2020-02-10:30 1:2020-02-20:35             | 35    |          | the last one                                     |
| alt_u_l           | 0:2020-02-10:30 1:2020-03-02:35             | 30    |          | the last one by day 0                            |
| alt_u_l           | 0:2020-02-10:30 1:2020-02-20:               | 30    |          | a sample without a value is none                 |
| alt_u_l           | 0:?:30                                      | 30    |          | without a date visit 0 is the baseline           |
| alt_u_l           | 1:?:30                                      |       |          |                                                  |
| alt_u_l           | 0:?:30 1:2020-02-20:35                      | 35    |          | a date is better than a visit                    |
| alt_u_l           | 0:?:30 1:2020-02-02:35                      | 35    |          | of day -28 as well                               |
| alt_u_l           | 0:?:30 1:2020-02-01:35 2:2020-03-02:44      | 30    |          | not of day -29 or of day 1                       |
| afp_ng_ml         | 0:?:30 1:2019-12-20:35                      | 30    |          | visit 0 is better than what is older             |
| afp_ng_ml         | 1:?:30 1:2019-12-20:35                      | 35    |          | no other visit is                                |
| afp_ng_ml         | 0:2020-02-20:ND                             | 0     |          | not detected is measured, and none               |
| afp_ng_ml         | 0:2020-02-10:500 0:2020-02-20:ND            | 0     |          | the last one                                     |
| afp_ng_ml         | 0:2019-12-02:30                             | 30    |          | AFP: day -90                                     |
| afp_ng_ml         | 0:2019-12-01:30                             |       |          | day -91                                          |
| afp_ng_ml         | 0:2019-12-02:30 1:2020-02-02:35             | 35    |          | days -28 to 0 have one                           |
| afp_ng_ml         | 0:2020-02-01:30 1:2020-01-01:35             | 30    |          | the last of the older ones                       |
| hbv_dna_iu_ml     | 0:2019-12-02:30                             | 30    |          | HBV DNA: day -90                                 |
| hbv_dna_copies_ml | 0:2019-12-02:30                             | 30    |          | in copies too                                    |
| hbv_dna_copies_ml | 0:2019-12-01:30                             |       |          |                                                  |
| bilirubin_umol_l  | 0:2020-02-01:15                             |       |          | not of any other test                            |
| alt_u_l           | 0:2020-02-20:30 0:2020-02-20:39             | 39    | no       | one level: the last row                          |
| alt_u_l           | 0:2020-02-20:40 0:2020-02-20:30             | 30    | no       | 40 is the level of 30                            |
| alt_u_l           | 0:2020-02-20:30 0:2020-02-20:41             |       | yes      | two levels                                       |
| alt_u_l           | 0:2020-02-20:30 3:2020-02-20:41             |       | yes      | of whichever visits                              |
| alt_u_l           | 0:2020-02-20:30 0:2020-02-20:<50            |       | yes      | a bound that leaves the level open is no level   |
| alt_u_l           | 0:2020-02-20:30 0:2020-02-20:<40            | 40    | no       | a bound that settles it                          |
| alt_u_l           | 0:2020-02-19:41 0:2020-02-20:30             | 30    | no       | two days: the last                               |
| alt_u_l           | 0:?:30 0:?:41                               |       | yes      | nothing says that they are of two days           |
| afp_ng_ml         | 0:2020-02-20:400 0:2020-02-20:401           |       | yes      |                                                  |
| afp_ng_ml         | 0:2020-02-20:ND 0:2020-02-20:10             | 10    | no       | not detected is below the cut                    |
| hbv_dna_iu_ml     | 0:2020-02-20:2000 0:2020-02-20:2001         |       | yes      |                                                  |
| hbv_dna_copies_ml | 0:2020-02-20:10000 0:2020-02-20:11000       |       | yes      | 11000 copies leave the level open                |
| bilirubin_umol_l  | 0:2020-02-20:15 0:2020-02-20:16             | 16    | no       | ALBI -2.624 and -2.605: grade 1; class A         |
| bilirubin_umol_l  | 0:2020-02-20:15 0:2020-02-20:17             |       | yes      | ALBI -2.588: grade 2                             |
| bilirubin_umol_l  | 0:2020-02-20:35 0:2020-02-20:51             | 51    | no       | ALBI -2.381 and -2.273: grade 2; 6 points: A     |
| bilirubin_umol_l  | 0:2020-02-20:51 0:2020-02-20:60             |       | yes      | ALBI grade 2, but 6 and 7 points: A and B        |
| albumin_g_l       | 0:2020-02-20:41 0:2020-02-20:40             | 40    | no       | grade 1, 1 point                                 |
| albumin_g_l       | 0:2020-02-20:39 0:2020-02-20:40             |       | yes      | ALBI -2.539: grade 2                             |
| inr               | 0:2020-02-20:1.0 0:2020-02-20:1.7           | 1.7   | no       | 5 and 6 points: A                                |
| inr               | 0:2020-02-20:1.0 0:2020-02-20:2.4           |       | yes      | 5 and 7 points: A and B                          |
| platelets_10e9_l  | 0:2020-02-20:10 0:2020-02-20:200            | 200   | no       | no level hangs on it                             |
"""


def make_sample(test, text, row):
    visit, date, value = text.split(":")
    sign = "not_detected" if value == "ND" else value[0] if value[:1] in ("<", ">") else "=" if value else None
    number = None if value in ("ND", "") else value.lstrip("<>")
    return {
        "visit_number": visit, "test": test, "sample_date": None if date == "?" else date, "value": number,
        "value_comparator": sign, "repeat_number": str(row), "source_row": str(row),
    }  # fmt: skip


def choose(samples, start="2020-03-01"):
    """Of a patient with ascites and encephalopathy of none, and where they are not in question bilirubin 15, albumin 40 and INR 1.1."""
    usual = {"bilirubin_umol_l": "15", "albumin_g_l": "40", "inr": "1.1"}
    asked = {test for test, _ in samples}
    rows = [make_sample(test, f"0:2020-02-20:{value}", 99) for test, value in usual.items() if test not in asked]
    rows += [make_sample(test, text, row) for row, (test, text) in enumerate(samples, start=1)]
    baseline = make_frame("baseline", [{"ascites": "none", "encephalopathy_grade": "0"}])
    treatment = [{"line_number": "1", "drug": "sorafenib", "start_date": start}]
    frame = derive_baseline_samples(
        make_frame("laboratory", rows), baseline, derive_first_line(make_frame("treatment", treatment))
    )
    return {row["test"]: row for row in frame.to_dicts()}


@pytest.mark.parametrize("case", read_rows(CASES), ids=lambda case: f"{case['test']}: {case['samples']}")
def test_the_baseline_of_a_test(case):
    found = choose([(case["test"], text) for text in case["samples"].split()]).get(case["test"])
    value = None if found is None else found["baseline_sample_value"]
    assert value == (None if case["value"] is None else float(case["value"]))
    if case["conflict"]:
        assert found["has_baseline_conflict"] == (case["conflict"] == "yes")


def test_values_of_two_tests_decide_together():
    """ALBI of 15 or 16 with 40 and of 15 with 39.9 is grade 1 (-2.624, -2.605, -2.615), of 16 with 39.9 grade 2 (-2.597)."""
    bilirubin = [("bilirubin_umol_l", f"0:2020-02-20:{value}") for value in (15, 16)]
    albumin = [("albumin_g_l", f"0:2020-02-20:{value}") for value in (40, 39.9)]
    assert not choose(bilirubin)["bilirubin_umol_l"]["has_baseline_conflict"]
    assert not choose([*bilirubin, albumin[0]])["bilirubin_umol_l"]["has_baseline_conflict"]
    both = choose([*bilirubin, *albumin])
    assert [both[test]["has_baseline_conflict"] for test in ("bilirubin_umol_l", "albumin_g_l")] == [True, True]


def test_where_the_start_is_not_known_visit_0_is_the_baseline():
    found = choose(
        [("alt_u_l", "0:2020-02-20:30"), ("alt_u_l", "1:2020-02-25:41"), ("ast_u_l", "20200220:2020-02-20:30")],
        start=None,
    )
    assert found["alt_u_l"]["baseline_sample_value"] == 30
    assert "ast_u_l" not in found


def test_of_hbv_dna_the_newer_counts_in_whichever_unit():
    """Days -28 to 0 have a value, in copies: the older one in IU/mL is none."""
    found = choose([("hbv_dna_iu_ml", "0:2020-01-15:3000"), ("hbv_dna_copies_ml", "1:2020-02-20:500")])
    assert set(found) & {"hbv_dna_iu_ml", "hbv_dna_copies_ml"} == {"hbv_dna_copies_ml"}
    found = choose([("hbv_dna_iu_ml", "0:?:3000"), ("hbv_dna_copies_ml", "1:2020-02-20:500")])
    assert set(found) & {"hbv_dna_iu_ml", "hbv_dna_copies_ml"} == {"hbv_dna_copies_ml"}, "a date is better than a visit"


def test_values_that_disagree_are_a_measurement_that_says_nothing():
    """A patient without HBsAg and without HBV DNA counts as low; one whose two values disagree does not."""
    base = "baseline.hbsag=negative; laboratory[6].value=1000"
    more = "laboratory[9].visit_number=0; laboratory[9].test=hbv_dna_iu_ml; laboratory[9].sample_date=2020-02-25; laboratory[9].value=3000"
    levels = [
        derive_case(edits)[1]["subject"].filter(patient_id="p1")["hbv_dna_level"].item()
        for edits in (f"{base}; -laboratory[6]", base, f"{base}; {more}")
    ]
    assert levels == ["<=2000", "<=2000", None]


def test_the_last_row_counts_in_whatever_order_the_records_come():
    """One level, so that the last row of the file counts; of two files, or sheets, the later by name."""
    places = [("a.csv", "1", "2"), ("a.csv", "1", "9"), ("a.csv", "2", "1"), ("b.csv", "1", "1")]
    samples = [
        {**make_sample("alt_u_l", f"0:2020-02-20:{30 + number}", number), "source_file": file, "source_sheet": sheet, "source_row": row}
        for number, (file, sheet, row) in enumerate(places)
    ]  # fmt: skip
    treatment = [{"line_number": "1", "drug": "sorafenib", "start_date": "2020-03-01"}]
    first_line = derive_first_line(make_frame("treatment", treatment))
    for last in range(1, len(samples) + 1):
        rows = make_frame("laboratory", samples[:last][::-1])
        found = derive_baseline_samples(rows, make_frame("baseline", []), first_line)
        assert found["baseline_sample_value"].to_list() == [30 + last - 1]

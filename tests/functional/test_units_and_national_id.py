"""A delivery with slipped units and with a national id: what is loaded, set aside, asked and never stored."""

import clinic
import polars as pl


def test_a_slipped_unit_is_set_aside_and_the_hospital_reads_what_it_looks_like(desk):
    labs = clinic.LABS.replace(",4.2,", ",42,").replace(",20,IU/mL", ",20,mg").replace("3.1,未检出", "3.1,<20")
    patients = clinic.PATIENTS.replace(",45,", ",4.5,")
    clinic.write_delivery(desk.extracts / "2022-10", labs=labs, patients=patients)
    desk.ingest()
    values = desk.read("core.laboratory").sort("source_row", "test").select("source_row", "test", "value").rows()
    assert values == [
        (2, "afp_ng_ml", 1210.0), (2, "albumin_g_l", 39.0),
        (3, "afp_ng_ml", None), (3, "albumin_g_l", None),
        (4, "afp_ng_ml", 20.0), (4, "albumin_g_l", 31.0),
    ]  # fmt: skip
    assert desk.read("core.baseline").sort("source_row")["tumour_size_cm"].round(6).to_list() == [8.2, None, 12.0]
    findings = desk.read("versions.findings").filter(pl.col("rule_id").str.contains("unit|range|implausible|missing"))
    assert findings.sort("rule_id").select("rule_id", "source_row", "source_column", "value", "message_en").rows() == [
        (
            "baseline.tumour_size_cm.unit_slip", 3, "size", "4.5",
            "Largest diameter of the intrahepatic lesions: as sent, the value lies outside 5 - 250 mm; it looks like cm. It was set aside. "
            "Please check value and unit.",
        ),
        ("laboratory.value.unit", 3, "AFP", "20", "AFP: the unit is missing or unknown. Please state it."),
        (
            "laboratory.value.unit_slip", 3, "albumin", "42",
            "albumin: as sent, the value lies outside 1.8 - 5.5 g/dL; it looks like g/L. It was set aside. Please check value and unit.",
        ),
    ]  # fmt: skip
    assert sorted(desk.read("versions.quarantine")["rule_id"]) == sorted(findings["rule_id"])


def test_the_unit_column_selects_copies_and_both_quantities_of_a_visit_are_kept(desk):
    columns = clinic.COLUMNS.replace(
        "labs,AFP unit,", "labs,DNA,field,laboratory,value,test=hbv_dna_iu_ml,column:AFP unit,\nlabs,AFP unit,"
    ).replace("labs,AFP,field,laboratory,value,test=afp_ng_ml,column:AFP unit,\n", "labs,AFP,ignore,,,,,\n")
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", columns=columns)
    labs = (
        "number,sampled,albumin,AFP,AFP unit,DNA\n"
        "001,2020-03-01,3.9,,copies/mL,53000\n"
        "001,2020-03-01,,,IU/mL,9900\n"
        "002,2020-03-01,4.1,,IU/mL,5.3\n"
    )
    clinic.write_delivery(desk.extracts / "2022-10", labs=labs.replace("001,2020-03-01,,", "003,2020-03-01,,"))
    desk.ingest()
    dna = desk.read("core.laboratory").filter(pl.col("test").str.starts_with("hbv")).sort("source_row")
    assert dna.select("source_row", "test", "value").rows() == [
        (2, "hbv_dna_copies_ml", 53000.0), (3, "hbv_dna_iu_ml", 9900.0), (4, "hbv_dna_iu_ml", None),
    ]  # fmt: skip
    findings = desk.read("versions.findings").filter(pl.col("rule_id").str.starts_with("laboratory.value"))
    assert findings.select("rule_id", "source_row", "record_key").rows() == [
        ("laboratory.value.unit_slip", 4, "visit_number=0;test=hbv_dna_iu_ml")
    ]


def test_birth_date_and_sex_are_held_to_the_national_id_and_the_id_is_not_kept(desk):
    card, other = "11010519491231002X", "360426199101010071"  # the standard's own example: a woman of 31 December 1949
    patients = clinic.PATIENTS.replace("王老五,,男,1949-01-02", f"王老五,{card},男,1949-12-31").replace(
        "李小四,,女,1955/12/31", f"李小四,{other},男,1991/1/1"
    )
    clinic.write_delivery(desk.extracts / "2022-10", patients=patients)
    desk.ingest()
    verdicts = desk.read("core.patient").sort("source_row")
    assert verdicts.select("birth_date_is_of_national_id", "sex_is_of_national_id").rows() == [
        (None, None), (True, True), (True, False),
    ]  # fmt: skip
    for relation in ("core.patient", "core.subject", "versions.findings", "versions.quarantine", "landing.source_row"):
        text = desk.read(relation).write_json()
        assert card not in text
        assert other not in text

"""What a hospital sends is said by its mapping, not by what happens to be in a delivery or in a part of one."""

import clinic
from judged_delivery import judge_mapped

from etl.delivery.read import read_delivery
from etl.mapping.identity import PseudonymKey
from etl.mapping.read_site import load_site
from etl.mapping.verbs import map_delivery

KEY = PseudonymKey(b"0123456789abcdef0123456789abcdef")
FACTS = ("metastasis_organ_number", "laboratory_number", "treatment_number")


def count_records(tmp_path, **texts):
    clinic.write_site(tmp_path / "clinic")
    clinic.write_delivery(tmp_path / "extract", **texts)
    site = load_site(tmp_path / "clinic")
    validated = judge_mapped(map_delivery(read_delivery(tmp_path / "extract"), site), site, key=KEY)
    counts = validated.derived["subject"].sort("source_row").select(FACTS).rows()
    incomplete = validated.rule_outcomes.filter(rule_id="baseline_laboratory_is_complete")["n_fail"].item()
    return counts, incomplete


def test_a_kind_of_record_that_nobody_has_is_counted_as_none(tmp_path):
    """Nobody's organ is ticked and no laboratory row came: 0 of each. Treatments have no column in the mapping: unknown."""
    patients = clinic.PATIENTS.replace("yes", "no")
    labs = clinic.LABS.splitlines()[0] + "\n"
    assert count_records(tmp_path, patients=patients, labs=labs) == ([(0, 0, None)] * 3, 3)


def test_a_delivery_of_one_patient_counts_like_that_of_all(tmp_path):
    whole, _ = count_records(tmp_path / "all")
    assert whole == [(1, 2, None), (0, 2, None), (2, 2, None)]
    second = [line for line in clinic.PATIENTS.splitlines() if line.startswith(("number", "002"))]
    alone, _ = count_records(tmp_path / "one", patients="\n".join(second), labs=clinic.LABS)
    assert alone == [whole[1]]

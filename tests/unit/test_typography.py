"""How a manuscript is typeset."""

import pytest

from analysis.report.typography import NO_BREAK, typeset


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("(95 % CI ", "(95% CI "),
        ("At 52 weeks, % (95 % CI)", f"At 52{NO_BREAK}weeks, % (95% CI)"),
        ("grade 3-4, type I-II", "grade 3–4, type I–II"),
        ("Started from 2019-01-01 to 2021-12-31", "Started from 2019-01-01 to 2021-12-31"),
        ("PD-1 and the Brookmeyer-Crowley limits", "PD\u20111 and the Brookmeyer-Crowley limits"),
        ("p < 0.05", f"p{NO_BREAK}<{NO_BREAK}0.05"),
        ("at 6 months", f"at 6{NO_BREAK}months"),
        ("17 umol/L", "17 µmol/L"),
    ],
)
def test_signs(text, printed):
    assert typeset(text) == printed


def test_a_unit_stays_beside_its_number():
    assert typeset(" months (", is_behind_number=True) == f"{NO_BREAK}months ("
    assert typeset("; ", is_behind_number=True) == "; "


def test_spelling_is_the_journal_s():
    assert typeset("Tumour response; analysed by characteristic", "american") == (
        "Tumor response; analyzed by characteristic"
    )
    assert typeset("Tumour response", "british") == "Tumour response"

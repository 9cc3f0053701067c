"""The study's 17 baseline characteristics as the levels of its Table 1, with their cut-points.

Source: the study's protocol and printed Table 1; the labels are the table's own. Every level is null where it is unknown.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import INTRAHEPATIC_ORGANS, Comparator, Organ, PvttType, Serology, Sex

AGE_CUT_YEARS = 60
ALT_CUT_U_L = 40
AST_CUT_U_L = 40
TUMOUR_SIZE_CUT_CM = 10
TUMOUR_NUMBER_CUT = 3
AFP_CUT_NG_ML = 400
METASTASIS_SITES_CUT = 5
HBV_DNA_CUT_IU_ML = 2000
COPIES_PER_IU = (5, 6)
HVPG_CUT_MMHG = 10


def compute_cut_level(value: pl.Expr, cut: float) -> pl.Expr:
    """Return '<=cut' or '>cut'."""
    return pl.when(value <= cut).then(pl.lit(f"<={cut}")).when(value > cut).then(pl.lit(f">{cut}"))


def compute_bounded_level(value: pl.Expr, comparator: pl.Expr, cut: float) -> pl.Expr:
    """Return '<=cut' or '>cut' of a laboratory value that may be a bound; null where the bound leaves both open.

    `comparator` is a code of `Comparator`; null is read as `=`. "< v" and "<= v" are settled for v <= cut, "> v" and
    ">= v" for v >= cut: a bound that is open only at the cut itself is read as beyond it (protocol, "Bounds"). What was not
    detected is below every cut.
    """
    is_below = comparator.is_in([Comparator.BELOW.value, Comparator.AT_MOST.value])
    is_above = comparator.is_in([Comparator.ABOVE.value, Comparator.AT_LEAST.value])
    return (
        pl.when(comparator == Comparator.NOT_DETECTED.value)
        .then(pl.lit(f"<={cut}"))
        .when(is_below)
        .then(pl.when(value <= cut).then(pl.lit(f"<={cut}")))
        .when(is_above)
        .then(pl.when(value >= cut).then(pl.lit(f">{cut}")))
        .otherwise(compute_cut_level(value, cut))
    )


def compute_copies_level(copies_ml: pl.Expr, comparator: pl.Expr) -> pl.Expr:
    """Return the HBV DNA level of copies/mL, of which 5 to 6 are one IU: null where both levels are possible (protocol)."""
    most, fewest = (compute_bounded_level(copies_ml / n, comparator, HBV_DNA_CUT_IU_ML) for n in COPIES_PER_IU)
    return pl.when(fewest == most).then(fewest)


def compute_hbv_dna_level(
    value: pl.Expr, comparator: pl.Expr, copies_ml: pl.Expr, copies_comparator: pl.Expr, hbsag: pl.Expr
) -> pl.Expr:
    """Return the HBV DNA level of IU/mL, else of copies/mL.

    HBsAg-negative without a measurement is '<=2000' (protocol), not missing.
    """
    has_iu = value.is_not_null() | comparator.is_not_null()
    has_copies = copies_ml.is_not_null() | copies_comparator.is_not_null()
    return (
        pl.when(has_iu)
        .then(compute_bounded_level(value, comparator, HBV_DNA_CUT_IU_ML))
        .when(has_copies)
        .then(compute_copies_level(copies_ml, copies_comparator))
        .when(hbsag == Serology.NEGATIVE.value)
        .then(pl.lit(f"<={HBV_DNA_CUT_IU_ML}"))
    )


def compute_yes_no_level(flag: pl.Expr) -> pl.Expr:
    """Return 'Yes' or 'No'."""
    return pl.when(flag).then(pl.lit("Yes")).when(~flag).then(pl.lit("No"))


def compute_pvtt_level(pvtt_type: pl.Expr) -> pl.Expr:
    """Return 'No', 'I-II' or 'III-IV'."""
    levels = {
        PvttType.NONE.value: "No",
        PvttType.TYPE_I.value: "I-II",
        PvttType.TYPE_II.value: "I-II",
        PvttType.TYPE_III.value: "III-IV",
        PvttType.TYPE_IV.value: "III-IV",
    }
    return pvtt_type.replace_strict(levels, default=None, return_dtype=pl.String)


def compute_has_portal_hypertension(hvpg_mmhg: pl.Expr, clinical_flag: pl.Expr) -> pl.Expr:
    """Return True for an HVPG above 10 mmHg; where none was measured, the hospital's clinical flag."""
    return pl.coalesce(hvpg_mmhg > HVPG_CUT_MMHG, clinical_flag)


def compute_completed_years(birth_date: pl.Expr, on_date: pl.Expr) -> pl.Expr:
    """Return the birthdays reached by a day (Int64); who was born on 29 February turns a year older on 1 March."""
    month_day_birth = birth_date.dt.month().cast(pl.Int64) * 100 + birth_date.dt.day()
    month_day = on_date.dt.month().cast(pl.Int64) * 100 + on_date.dt.day()
    years = on_date.dt.year().cast(pl.Int64) - birth_date.dt.year()
    return years - (month_day < month_day_birth).cast(pl.Int64)


def compute_age_years(birth_date: pl.Expr, start_date: pl.Expr, stated_age_years: pl.Expr) -> pl.Expr:
    """Return completed years at the start from the birth date, else the stated age; null where born after the start."""
    from_birth = compute_completed_years(birth_date, start_date)
    age = pl.coalesce(from_birth, stated_age_years.cast(pl.Int64))
    return pl.when(age >= 0).then(age)


def derive_metastasis(metastasis: pl.DataFrame) -> pl.DataFrame:
    """Return per patient the extrahepatic organs: metastasis_organs ('lung', 'other', 'lung_other') and their counts.

    `metastasis_lesion_number` is the sum over the organs, null where one organ's number is missing.
    """
    is_lung = (pl.col("organ") == Organ.LUNG.value).any()
    is_other = (pl.col("organ") != Organ.LUNG.value).any()
    return (
        metastasis.filter(~pl.col("organ").is_in(INTRAHEPATIC_ORGANS))
        .group_by("patient_id", maintain_order=True)
        .agg(
            metastasis_organs=pl.when(is_lung & is_other)
            .then(pl.lit("lung_other"))
            .when(is_lung)
            .then(pl.lit("lung"))
            .otherwise(pl.lit("other")),
            metastasis_organ_number=pl.len().cast(pl.Int64),
            metastasis_lesion_number=pl.when(pl.col("lesion_number").is_not_null().all()).then(
                pl.col("lesion_number").sum()
            ),
        )
    )


def compute_levels() -> dict[str, pl.Expr]:
    """Return the 17 levels over the subject table's columns, keyed by column name, in the order of Table 1.

    Besides the subject's columns `alt_comparator` and `ast_comparator` must be there.
    """
    organs = {"lung": "Lung", "other": "Other organs", "lung_other": "Lung + other organs"}
    sexes = {Sex.MALE.value: "Male", Sex.FEMALE.value: "Female"}
    serology = {Serology.NEGATIVE.value: "Negative", Serology.POSITIVE.value: "Positive"}
    c = pl.col
    return {
        "age_level": compute_cut_level(c("age_at_start_years"), AGE_CUT_YEARS),
        "sex_level": c("sex").replace_strict(sexes),
        "alt_level": compute_bounded_level(c("alt_u_l"), c("alt_comparator"), ALT_CUT_U_L),
        "ast_level": compute_bounded_level(c("ast_u_l"), c("ast_comparator"), AST_CUT_U_L),
        "tace_level": compute_yes_no_level(c("has_tace_with_therapy")),
        "tumour_size_level": compute_cut_level(c("tumour_size_from_number_or_text_cm"), TUMOUR_SIZE_CUT_CM),
        "tumour_number_level": compute_cut_level(c("tumour_number"), TUMOUR_NUMBER_CUT),
        "afp_level": compute_bounded_level(c("afp_ng_ml"), c("afp_comparator"), AFP_CUT_NG_ML),
        "pvtt_level": compute_pvtt_level(c("pvtt_type_from_text_or_code")),
        "albi_level": pl.when(c("albi_grade").is_not_null()).then(pl.format("Grade {}", c("albi_grade"))),
        "metastasis_organs_level": c("metastasis_organs").replace_strict(organs),
        "metastasis_sites_level": compute_cut_level(
            c("metastasis_site_number_from_total_or_organs"), METASTASIS_SITES_CUT
        ),
        "hbsag_level": c("hbsag").replace_strict(serology),
        "hbv_dna_level": compute_hbv_dna_level(
            c("hbv_dna_iu_ml"),
            c("hbv_dna_comparator"),
            c("hbv_dna_copies_ml"),
            c("hbv_dna_copies_comparator"),
            c("hbsag"),
        ),
        "antiviral_level": compute_yes_no_level(c("has_antiviral_therapy")),
        "cirrhosis_level": compute_yes_no_level(c("has_cirrhosis")),
        "portal_hypertension_level": compute_yes_no_level(c("has_portal_hypertension_from_hvpg_or_flag")),
    }

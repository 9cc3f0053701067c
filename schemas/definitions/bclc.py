"""The least Barcelona Clinic Liver Cancer (BCLC) stage that the recorded findings allow.

Source: Reig M et al., J Hepatol 2022;76:681-693, doi:10.1016/j.jhep.2021.11.018. Stages below C need more than the
registry records (transplant criteria), so they are never derived.
"""

from __future__ import annotations

import polars as pl

from schemas.codes import ChildPughClass, PvttType


def compute_has_spread(
    has_extrahepatic_metastasis: pl.Expr,
    pvtt_type: pl.Expr,
    has_vena_cava_or_atrium_tumour: pl.Expr,
    ecog_status: pl.Expr,
) -> pl.Expr:
    """Return True where a finding makes the stage at least C: metastasis, macrovascular invasion or ECOG 1-2."""
    return (
        has_extrahepatic_metastasis
        | (pvtt_type != PvttType.NONE.value)
        | has_vena_cava_or_atrium_tumour
        | ecog_status.is_between(1, 2)
    )


def compute_is_end_stage(ecog_status: pl.Expr, child_pugh_class: pl.Expr) -> pl.Expr:
    """Return True where a finding makes the stage D: ECOG 3-4 or end-stage liver function (Child-Pugh C)."""
    return ecog_status.is_between(3, 4) | (child_pugh_class == ChildPughClass.C.value)

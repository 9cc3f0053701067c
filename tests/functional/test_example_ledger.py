"""The example study through the real pipeline: what was planted is found, and nothing else is."""

import csv
from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest

from etl.example import write_example
from etl.ingest import ingest
from etl.settings import Settings
from etl.warehouse import read_frames

MARGINS = Path(__file__).parents[2] / "etl" / "example" / "table1_margins.csv"
LEVEL_COLUMNS = {
    "Age (years)": "age_level", "Sex": "sex_level", "ALT (U/L)": "alt_level", "AST (U/L)": "ast_level",
    "TACE": "tace_level", "Tumor size (cm)": "tumour_size_level", "Tumor number": "tumour_number_level",
    "AFP (ng/mL)": "afp_level", "PVTT type": "pvtt_level", "ALBI grade": "albi_level",
    "Metastasis organs": "metastasis_organs_level", "Metastasis sites": "metastasis_sites_level", "HBsAg": "hbsag_level",
    "HBV DNA (IU/mL)": "hbv_dna_level", "Antiviral therapy": "antiviral_level", "Cirrhosis": "cirrhosis_level",
    "Portal hypertension": "portal_hypertension_level",
}  # fmt: skip
RELATIONS = ("core.findings", "main.cross_findings", "landing.source_row", "core.patient", "marts.analysis_subject")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, pl.DataFrame], list[dict[str, str]]]:
    workspace = tmp_path_factory.mktemp("study")
    settings = Settings(workspace, workspace / "key", "en")
    write_example(settings.extracts_dir)
    for hospital in ("nanfang", "hunan", "sysu"):
        ingest(settings, hospital, extract=None, check=False, accept=False, progress=lambda *_: None)
    with (workspace / "ledger.csv").open(encoding="utf-8") as file:
        return read_frames(settings.warehouse_path, RELATIONS), list(csv.DictReader(file))

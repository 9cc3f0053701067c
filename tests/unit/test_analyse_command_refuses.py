"""`registry analyse` on a copy of the specification, or on data, that cannot be analysed: one message, no file."""

import shutil

import polars as pl
import pytest

from analysis import cli
from analysis.study import read_spec

SPEC_FILE = read_spec.STUDIES / "len_vs_sora" / "spec.toml"
IS_TREATED = pl.col("arm") == "len_pd1"
ONE_HOSPITAL_EACH = pl.when(IS_TREATED).then(pl.lit("nanfang")).otherwise(pl.lit("hunan")).alias("hospital")


@pytest.fixture
def analyse(frames, tmp_path, monkeypatch, capsys):
    """Runs the command on a copy of the study, changed, and on subjects, changed; returns exit code and message."""

    def run(before: str = "", after: str = "", change: pl.Expr | None = None) -> tuple[int, str]:
        copy = tmp_path / "studies" / "copy"
        shutil.copytree(SPEC_FILE.parent, copy)
        text = SPEC_FILE.read_text(encoding="utf-8")
        assert before in text
        (copy / "spec.toml").write_text(text.replace(before, after, 1), encoding="utf-8")
        subjects = frames["analysis_subject"] if change is None else frames["analysis_subject"].with_columns(change)
        ingests = frames["ingests"].with_columns(
            pl.lit("").alias(name) for name in ("delivery", "content_hash", "input_hash", "loaded_at")
        )
        monkeypatch.setattr(read_spec, "STUDIES", tmp_path / "studies")
        head = pl.DataFrame({"number": [1], "hash": ["0"]})
        held = frames | {"analysis_subject": subjects, "ingests": ingests, "event": head}
        monkeypatch.setattr("analysis.inputs.read_frames", lambda *_: dict(held))
        monkeypatch.setenv("WORKSPACE", str(tmp_path / "workspace"))
        monkeypatch.setenv("REGISTRY_LANG", "en")
        with pytest.raises(SystemExit) as ended:
            cli.main(["analyse", "--study", "copy"])
        assert not list((tmp_path / "workspace").rglob("*"))
        message = capsys.readouterr()
        assert "Traceback" not in message.err + message.out
        return int(ended.value.code or 0), " ".join(message.err.split())

    return run


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('role = "treated"', 'role = "control"', "arms: one treated and one control are needed"),
        ('column = "age_level"', 'column = "age_group"', "no column 'age_group'"),
        ('time_column = "os_days"', 'time_column = "survival"', "no column 'survival'"),
        ('event_column = "pfs_event"', 'event_column = "progressed"', "no column 'progressed'"),
        ('column = "response_3_months"', 'column = "response_4_months"', "no column 'response_4_months'"),
        ('duration_column = "treatment_months"', 'duration_column = "months"', "no column 'months'"),
        ('time_column = "pfs_two_missed_days"', 'time_column = "pfs_missed"', "no column 'pfs_missed'"),
        ('time_unit = "month"', 'time_unit = "month"\narm_column = "regimen"', "no column 'regimen'"),
        ('covariates = ["age"', 'covariates = ["height"', "matching.covariates: height is not declared"),
        ('exact = "hospital"', 'exact = "ward"', "matching.exact: ward is not declared"),
        ("caliper_sd = 0.2", "caliper_sd = -0.2", "matching: a caliper cannot be negative"),
        (
            'levels = ["<=60", ">60"]',
            'levels = ["<=60", ">61"]',
            "characteristics.age: 126 patients have a value in 'age_level' that is none of the levels: >60. Did you mean >61?",
        ),
    ],
)
def test_a_specification_that_cannot_be(analyse, before, after, named):
    code, message = analyse(before, after)
    assert code in (2, 10)
    assert named in message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (pl.lit("len_pd1").alias("arm"), "nobody analysed is in the arm Sora+PD-1"),
        (
            pl.when(IS_TREATED).then(pl.lit("Yes")).otherwise(pl.lit("No")).alias("tace_level"),
            "separated by tace=Yes",
        ),
        (pl.lit("<=60").alias("age_level"), "covariate age: only one level occurs"),
        (pl.lit(None, dtype=pl.String).alias("sex_level"), "characteristics.sex: Sex is not known of 242 patients"),
        (pl.lit(-3).alias("os_days"), "Overall survival, cohort all: nobody has a time from the start"),
        (pl.lit(-1).alias("pfs_days"), "Progression-free survival, cohort all: nobody has a time from the start"),
        (pl.lit(None, dtype=pl.Int64).alias("os_days"), "endpoints.OS: 'os_days' or 'os_event' is empty for"),
        (pl.lit(value=False).alias("e1_not_recurrent"), "no patient is left to analyse"),
        (pl.lit("SD?").alias("response_3_months"), "response: 242 values are missing or not one of"),
    ],
)
def test_data_that_cannot_be(analyse, change, named):
    code, message = analyse(change=change)
    assert code == 10
    assert named in message


def test_no_pair_within_the_stratum(analyse):
    code, message = analyse('order = "largest"', 'order = "largest"\nexact = "hospital"', ONE_HOSPITAL_EACH)
    assert code == 10
    assert "matching: no treated patient has a control within the caliper and the stratum" in message

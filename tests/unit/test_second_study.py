"""A second study is one more file in the workspace: a specification, and nothing else."""

import polars as pl
import pytest

from analysis import cli

SECOND = """
title = "Survival by cirrhosis in two hospitals"
time_unit = "week"
time_origin = "start of systemic therapy"
alpha = 0.05
arm_column = "cirrhosis_level"

[population]
hospitals = ["hunan", "sysu"]
eligible_only = false

[[arms]]
id = "none"
code = "No"
label = "No cirrhosis"
role = "control"

[[arms]]
id = "cirrhosis"
code = "Yes"
label = "Cirrhosis"
role = "treated"

[[characteristics]]
id = "sex"
label = "Sex"
column = "sex_level"
levels = ["Male", "Female"]

[[characteristics]]
id = "pvtt"
label = "PVTT type"
column = "pvtt_level"
levels = ["No", "I-II", "III-IV"]

[matching]
covariates = ["sex", "pvtt"]
scale = "probability"
caliper_width = 0.1
order = "closest"
exact = "sex"

[[endpoints]]
id = "OS"
label = "Overall survival"
time_column = "os_days"
event_column = "os_event"
rate_times = [26, 52]

[[sensitivity]]
id = "by_hospital"
label = "Pairs within the same hospital"
matching = { exact = "hospital" }

[[sensitivity]]
id = "one_hospital"
label = "One hospital only"
population = { hospitals = ["hunan"] }
"""


def hold(frames, monkeypatch):
    """Let an analysis read these frames as what the database holds."""
    texts = (pl.lit("").alias(name) for name in ("delivery", "content_hash", "input_hash", "loaded_at"))
    head = pl.DataFrame({"number": [1], "hash": ["0"]})
    held = frames | {"ingests": frames["ingests"].with_columns(texts), "event": head}
    monkeypatch.setattr("analysis.inputs.read_frames", lambda *_: dict(held))


def test_one_file_in_the_workspace_is_a_study(frames, tmp_path, monkeypatch):
    (tmp_path / "studies" / "cirrhosis").mkdir(parents=True)
    (tmp_path / "studies" / "cirrhosis" / "spec.toml").write_text(SECOND, encoding="utf-8")
    hold(frames, monkeypatch)
    monkeypatch.setenv("WORKSPACE", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        cli.main(["analyse", "--study", "cirrhosis"])
    assert ended.value.code == 0
    folder = tmp_path / "reports" / "analysis-cirrhosis"
    assert not (tmp_path / "reports" / "analysis").exists()
    written = {path.name for path in folder.iterdir()}
    assert written >= {"index.html", "manuscript.docx", "results.csv", "results.parquet", "manifest.json", "figures"}
    values = dict(pl.read_parquet(folder / "results.parquet").select("result_id", "value").iter_rows())
    two = frames["analysis_subject"].filter(pl.col("hospital").is_in(["hunan", "sysu"]))
    assert values["flow.analysed.n"] == two.height
    assert values["table1.all.cirrhosis.patients.n"] == (two["cirrhosis_level"] == "Yes").sum()
    assert values["matching.all.caliper.width"] == 0.1
    hunan = two.filter(pl.col("hospital") == "hunan")
    kept = [values[f"sensitivity.all.{arm}.one_hospital.patients.n"] for arm in ("none", "cirrhosis")]
    assert sum(kept) == hunan.height
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "within 0.1 on the probability over all patients" in page
    assert "the closest possible pair first" in page


def test_the_main_study_is_a_setting(frames, tmp_path, monkeypatch):
    (tmp_path / "studies" / "cirrhosis").mkdir(parents=True)
    (tmp_path / "studies" / "cirrhosis" / "spec.toml").write_text(SECOND, encoding="utf-8")
    hold(frames, monkeypatch)
    monkeypatch.setenv("WORKSPACE", str(tmp_path))
    monkeypatch.setenv("REGISTRY_STUDY", "cirrhosis")
    with pytest.raises(SystemExit) as ended:
        cli.main(["analyse"])
    assert ended.value.code == 0
    assert pl.read_csv(tmp_path / "reports" / "analysis" / "results.csv")["study"].unique().to_list() == ["cirrhosis"]


def test_a_study_that_two_places_define_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "studies" / "tace_seg").mkdir(parents=True)
    (tmp_path / "studies" / "tace_seg" / "spec.toml").write_text(SECOND, encoding="utf-8")
    monkeypatch.setenv("WORKSPACE", str(tmp_path))
    monkeypatch.setenv("REGISTRY_LANG", "en")
    with pytest.raises(SystemExit) as ended:
        cli.main(["analyse", "--study", "tace_seg"])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "defined 2 times" in message
    assert str(tmp_path / "studies" / "tace_seg") in message
    assert not (tmp_path / "reports").exists()

from pathlib import Path

import pytest

from analysis.spec import list_studies, read_spec, read_study
from etl.errors import UsageError

MINIMAL = """
title = "Survival of everybody"
time_unit = "week"
alpha = 0.05
[population]
hospitals = ["north"]
eligible_only = false
[[endpoints]]
id = "OS"
label = "Overall survival"
time_column = "os_days"
event_column = "os_event"
landmarks = [26, 52]
"""


def write_spec(folder: Path, content: str) -> Path:
    path = folder / "small" / "spec.toml"
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    return path


def test_every_study_can_be_read():
    assert "len_vs_sora" in list_studies()
    for name in list_studies():
        assert read_study(name).study == name


def test_main_study_is_the_protocols():
    spec = read_study("len_vs_sora")
    assert len(spec.characteristics) == 17
    assert spec.matching is not None
    assert len(spec.matching.covariates) == 12
    assert (spec.matching.scale, spec.matching.caliper_sd, spec.matching.order) == ("logit", 0.2, "largest")
    assert spec.treated.code == "len_pd1"
    assert [(item.id, item.landmarks) for item in spec.endpoints] == [("OS", (6, 12, 24)), ("PFS", (3, 6, 12))]


def test_a_study_needs_neither_arms_nor_matching(tmp_path):
    spec = read_spec(write_spec(tmp_path, MINIMAL))
    assert spec.arms == ()
    assert spec.days_per_unit == 7
    assert spec.population.hospitals == ("north",)


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('title = "Survival of everybody"', 'title = "x"\ncolour = "red"', "colour"),
        ('title = "Survival of everybody"', "title = 3", "title"),
        ("alpha = 0.05", "", "alpha"),
        ('time_unit = "week"', 'time_unit = "year"', "time_unit"),
        ("landmarks = [26, 52]", "landmarks = 26", "landmarks"),
        ("landmarks = [26, 52]", 'landmarks = ["26"]', r"landmarks\[1\]"),
        ('id = "OS"', 'ids = "OS"', "ids"),
        ("eligible_only = false", 'eligible_only = "no"', "eligible_only"),
        ("alpha = 0.05", 'alpha = 0.05\n[subgroup]\ncharacteristic = "age"\nendpoint = "OS"', "matching"),
        ("alpha = 0.05", 'alpha = 0.05\n[follow_up]\nendpoint = "PFS"', "PFS"),
        ("alpha = 0.05", 'alpha = 0.05\n[[arms]]\nid = "a"\ncode = "a"\nlabel = "A"\nrole = "treated"', "arms"),
        ("alpha = 0.05", "alpha = = 0.05", "TOML"),
    ],
)
def test_a_wrong_key_is_named(tmp_path, before, after, named):
    with pytest.raises(UsageError, match=named):
        read_spec(write_spec(tmp_path, MINIMAL.replace(before, after)))


def test_unknown_study_lists_those_there_are():
    with pytest.raises(UsageError, match="len_vs_sora"):
        read_study("no_such_study")

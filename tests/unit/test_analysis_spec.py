from pathlib import Path

import pytest

from analysis.study.read_spec import list_studies, read_spec, read_study
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
rate_times = [26, 52]
"""


def write_spec(folder: Path, content: str) -> Path:
    path = folder / "small" / "spec.toml"
    path.parent.mkdir(parents=True)
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
    assert [(item.id, item.rate_times) for item in spec.endpoints] == [("OS", (6, 12, 24)), ("PFS", (3, 6, 12))]


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
        ('time_unit = "week"', 'time_unit = "fortnight"', "time_unit"),
        ("rate_times = [26, 52]", "rate_times = 26", "rate_times"),
        ("rate_times = [26, 52]", 'landmarks = ["26"]', r"rate_times\[1\]"),
        ('id = "OS"', 'ids = "OS"', "ids"),
        ("eligible_only = false", 'eligible_only = "no"', "eligible_only"),
        ("alpha = 0.05", 'alpha = 0.05\n[subgroup]\ncharacteristic = "age"\nendpoint = "OS"', "arms"),
        ("alpha = 0.05", 'alpha = 0.05\n[follow_up]\nendpoint = "PFS"', "PFS"),
        ("alpha = 0.05", 'alpha = 0.05\n[[arms]]\nid = "a"\ncode = "a"\nlabel = "A"\nrole = "treated"', "arms"),
        (
            "[[endpoints]]",
            '[[endpoints]]\nid = "os"\nlabel = "O"\ntime_column = "os_days"\nevent_column = "os_event"\n[[endpoints]]',
            "the id os is spelled as another one",
        ),
        ("alpha = 0.05", "alpha = = 0.05", "TOML"),
        (
            'title = "Survival of everybody"',
            'title = "A\\u0001B"',
            r"title: holds a sign that cannot be seen \(U\+0001\)",
        ),
        ('label = "Overall survival"', 'label = "Overall\\u202e survival"', r"endpoints\[1\].label: .*U\+202E"),
    ],
)
def test_a_wrong_key_is_named(tmp_path, before, after, named):
    with pytest.raises(UsageError, match=named):
        read_spec(write_spec(tmp_path, MINIMAL.replace(before, after)))


def test_unknown_study_lists_those_there_are():
    with pytest.raises(UsageError, match="len_vs_sora"):
        read_study("no_such_study")


FIVE_FAULTS = """
title = 3
time_unit = "fortnight"
alpha = 0.05
colour = "red"
[[arms]]
id = "a"
code = "a"
label = "A"
role = "treated"
[[endpoints]]
id = "OS"
label = "Overall survival"
time_column = "os_days"
event_column = "os_event"
rate_times = [26, "52"]
[follow_up]
endpoint = "OSS"
"""


def test_every_fault_is_told_at_once_with_its_place(tmp_path):
    with pytest.raises(UsageError) as raised:
        read_spec(write_spec(tmp_path, FIVE_FAULTS))
    for message in (raised.value.en, raised.value.zh):
        lines = [line.strip() for line in message.splitlines()[1:]]
        for place in ("title", "time_unit", "arms", "endpoints[1].rate_times[2]"):
            assert len([line for line in lines if line.startswith(place)]) == 1, place
        assert len([line for line in lines if "colour" in line]) == 1
        assert len(lines) == 5
    # The follow-up names an endpoint, and endpoints are wrong in themselves: told once they are right.
    with pytest.raises(UsageError) as raised:
        read_spec(write_spec(tmp_path / "again", FIVE_FAULTS.replace('"52"', "52")))
    assert "follow_up.endpoint: OSS is not declared. Did you mean OS?" in raised.value.en


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("alpha", "alfa", "unknown key alfa. Did you mean alpha?"),
        ("time_column", "time_colum", "endpoints[1]: unknown key time_colum. Did you mean time_column?"),
        (
            "eligible_only = false",
            'study = "x"\neligible_only = false',
            "population: unknown key study. Known: hospitals",
        ),
        ("alpha = 0.05", "alpha = nan", "alpha"),
        ("alpha = 0.05", "alpha = true", "alpha: a number is needed, not true or false"),
        ("alpha = 0.05", 'alpha = 0.05\nfolder = "x"', "unknown key folder"),
        ("alpha = 0.05", "alpha = 2020-01-01", "alpha: a number is needed"),
    ],
)
def test_slips_of_a_specification_name_what_was_meant(tmp_path, before, after, said):
    with pytest.raises(UsageError) as raised:
        read_spec(write_spec(tmp_path, MINIMAL.replace(before, after)))
    assert said in raised.value.en


SENSITIVE = MINIMAL.replace("eligible_only = false", "").replace(
    "[[endpoints]]",
    """
[[arms]]
id = "a"
code = "a"
label = "A"
role = "treated"
[[arms]]
id = "b"
code = "b"
label = "B"
role = "control"
[[characteristics]]
id = "sex"
label = "Sex"
column = "sex_level"
levels = ["Male", "Female"]
[matching]
covariates = ["sex"]
[[endpoints]]""",
    1,
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("", "sensitivity.x: nothing is changed"),
        ("matching = { exat = 'sex' }", "sensitivity.x.matching: unknown key exat. Did you mean exact?"),
        ("matching = { exact = 'ward' }", "sensitivity.x.matching.exact: ward is not declared"),
        ("matching = { caliper_sd = 'wide' }", "sensitivity.x.matching.caliper_sd"),
        ("matching = { ratio = 0 }", "sensitivity.x.matching.ratio: at least 1"),
        ("population = { without_criteria = ['e4_complete_data'] }", "sensitivity.x.population.without_criteria"),
        ("time_column = 'pfs_days'", "sensitivity.x: endpoint goes with"),
        ("endpoint = 'PFS'\ntime_column = 'pfs_days'", "sensitivity.x.endpoint: PFS is not declared"),
    ],
)
def test_a_change_that_gives_no_study_is_told(tmp_path, change, said):
    content = f"{SENSITIVE}\n[[sensitivity]]\nid = 'x'\nlabel = 'X'\n{change}\n"
    with pytest.raises(UsageError) as raised:
        read_spec(write_spec(tmp_path, content))
    assert said in raised.value.en
    assert read_spec(
        write_spec(tmp_path / "good", f"{SENSITIVE}\n[[sensitivity]]\nid='x'\nlabel='X'\nmatching={{ratio=2}}\n")
    )

import base64
import gzip
import json
import re
from itertools import cycle

import polars as pl
import pytest
from quality_frames import CHECKS, FORMULA, HOSTILE, make_frames, make_many_findings

from etl.pages.text import Text
from etl.quality.embed import embed_findings
from etl.quality.report import describe_hospital, write_quality_pages
from etl.quality.status import derive_query_status
from schemas.rules import RULES

NAMES = {"nanfang": Text("Nanfang Hospital", "南方医院"), "hunan": Text("Hunan Hospital", "湖南医院")}


def write(tmp_path, frames=None, names=NAMES):
    return write_quality_pages(frames or make_frames(), tmp_path, names, expectations=CHECKS)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    write(folder)
    return {name: (folder / "quality" / name).read_text(encoding="utf-8")
            for name in ("index.html", "nanfang/index.html", "hunan/index.html")}  # fmt: skip


def read_data(html):
    return unpack(re.search(r'id="finding-data">(.*?)</script>', html, re.DOTALL).group(1))


def unpack(data):
    return json.loads(data if data.startswith("{") else gzip.decompress(base64.b64decode(data)))


def test_files_are_where_they_are_looked_for(tmp_path):
    paths = [str(path.relative_to(tmp_path)) for path in write(tmp_path)]
    assert paths == ["quality/hunan/index.html", "quality/hunan/queries.xlsx", "quality/nanfang/index.html",
                     "quality/nanfang/queries.xlsx", "quality/index.html"]  # fmt: skip


def test_one_hospital_alone_leaves_the_page_over_all_as_it_was(tmp_path):
    paths = write(tmp_path, names={"hunan": NAMES["hunan"]})
    assert [path.name for path in paths] == ["index.html", "queries.xlsx"]
    assert not (tmp_path / "quality" / "index.html").exists()


def test_hostile_text_is_dead(pages):
    html = pages["nanfang/index.html"]
    assert HOSTILE not in html
    assert html.count("<script>") == 2  # our own two
    data = read_data(html)
    assert HOSTILE in data["value"]
    assert FORMULA in data["value"]
    assert HOSTILE not in pages["index.html"]


def test_a_page_shows_its_own_hospital_only(pages):
    assert "secret-of-hunan" in pages["hunan/index.html"]
    assert "secret-of-hunan" not in pages["nanfang/index.html"]
    assert "secret-of-hunan" not in pages["index.html"]
    assert "Nanfang" not in pages["hunan/index.html"]
    assert "Hunan" not in pages["nanfang/index.html"]


def test_what_other_hospitals_hold_does_not_change_a_page():
    def describe(frames):
        frames = {**frames, "expectations": CHECKS, "measured": fixture_measures(frames)}
        frames["status"] = derive_query_status(frames["findings"], frames["ingests"], frames["answers"])
        context = describe_hospital(frames, "nanfang", NAMES["nanfang"])
        return {name: value for name, value in context.items() if name != "status"}

    def fixture_measures(frames):
        from etl.quality.measures import derive_completeness

        return derive_completeness(frames)

    frames = make_frames()
    alone = {name: frame.filter(pl.col("hospital") == "nanfang") for name, frame in frames.items()}
    assert describe(frames) == describe(alone)


def test_pseudonyms_are_on_no_page(pages):
    for html in pages.values():
        assert "person-1" not in html
        assert "nanfang-1" not in html
        assert '"p5"' not in html


def test_people_of_two_hospitals_are_a_number(pages):
    assert re.search(r"More than one|more than one hospital</span>.*?<b>2</b>", pages["index.html"], re.DOTALL)
    assert re.search(r"Left out for incomplete data alone.*?Nanfang.*?<b>2</b>", pages["index.html"], re.DOTALL)
    assert "analysed at another hospital" not in pages["nanfang/index.html"]
    assert "analysed at another hospital" in pages["index.html"]


def test_synthetic_banner_follows_the_data(pages, tmp_path):
    assert all("合成患者，非真实数据" in html for html in pages.values())
    frames = make_frames()
    frames["ingests"] = frames["ingests"].with_columns(is_synthetic=False)
    write(tmp_path, frames)
    assert "合成患者" not in (tmp_path / "quality/nanfang/index.html").read_text(encoding="utf-8")


def test_nothing_outside_is_asked_for(pages):
    for html in pages.values():
        assert not re.search(r'(?:src|href)="(?!#|data:|queries\.xlsx|mapping\.html|\w+/index\.html)', html)
        assert "https://" not in html


def test_broken_checks_are_shown_as_ours(pages):
    html = pages["nanfang/index.html"]
    assert "broken_rule" in html
    assert "check failed itself" in html
    assert "broken_rule" not in pages["hunan/index.html"]


def test_numbers_of_the_page_are_those_of_the_frames(pages):
    data = read_data(pages["nanfang/index.html"])
    assert data["row"] == [11, 5, 9, 13]  # reject, two queries in the file's order, note
    assert [data["statuses"][i][0] for i in data["status"]] == ["new", "open", "reopened", "new"]


def test_twenty_thousand_findings_fit_the_page(tmp_path):
    frames = make_frames(findings=make_many_findings(20_000))
    write(tmp_path, frames)
    page = tmp_path / "quality/nanfang/index.html"
    assert page.stat().st_size <= 600_000
    assert len(read_data(page.read_text(encoding="utf-8"))["row"]) == 20_000


def test_a_page_of_every_rule_keeps_its_size(tmp_path):
    findings = [
        {**finding, "rule_id": rule.rule_id, "message_en": rule.en, "message_zh": rule.zh, "table_name": rule.table, "field": rule.field}
        for finding, rule in zip(make_many_findings(20_000), cycle(RULES.values()), strict=False)
    ]  # fmt: skip
    write(tmp_path, make_frames(findings=findings))
    page = tmp_path / "quality/nanfang/index.html"
    assert page.stat().st_size <= 600_000
    # Each finding has a rule of its own, more than any hospital's have: the last are cut, and counted.
    assert len(read_data(page.read_text(encoding="utf-8"))["row"]) >= 16_000


def test_what_does_not_fit_is_cut_at_the_end_and_counted():
    frames = make_frames(findings=make_many_findings(1_000))
    status = derive_query_status(frames["findings"], frames["ingests"], frames["answers"])
    data, shown = embed_findings(status, limit=4_000)
    assert len(data.encode()) <= 4_000
    assert 0 < shown < 1_000
    assert unpack(data)["row"] == list(range(3, 3 + shown))


def test_few_findings_need_no_new_browser():
    frames = make_frames(findings=make_many_findings(500))
    status = derive_query_status(frames["findings"], frames["ingests"], frames["answers"])
    data, shown = embed_findings(status, limit=1_000_000)
    assert shown == 500
    assert json.loads(data)["row"] == list(range(3, 503))


def test_an_empty_warehouse_gives_an_empty_page_over_all(tmp_path):
    empty = {name: frame.clear() for name, frame in make_frames().items()}
    paths = write_quality_pages(empty, tmp_path, NAMES, expectations=CHECKS.clear())
    assert [path.name for path in paths] == ["index.html"]
    assert "Nothing received yet" in paths[0].read_text(encoding="utf-8")

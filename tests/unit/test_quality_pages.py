import pytest
from markupsafe import escape

from etl.pages.charts import Bar, draw_bars, draw_sparkline
from etl.pages.page import TEMPLATES, render_page, write_page
from etl.pages.text import Text, format_count, format_percent
from schemas.package_data import find_data

CONTEXT = {"title": Text("Title <b>", "标题"), "subtitle": Text("x", "x"), "is_synthetic": True, "toc": []}


def render(**changes):
    return render_page(find_data(TEMPLATES, "base.html"), {**CONTEXT, **changes})


def test_both_languages_are_printed_and_escaped():
    html = str(escape(Text("a < b", "甲 & 乙")))
    assert html == '<span class="en" lang="en">a &lt; b</span><span class="zh" lang="zh">甲 &amp; 乙</span>'


def test_text_that_is_the_same_in_both_languages_is_printed_once():
    assert str(escape(Text("HBsAg", "HBsAg"))) == "HBsAg"
    assert str(Text("HBsAg", "HBsAg")) == "HBsAg"


def test_synthetic_patients_are_called_synthetic_in_both_languages():
    banner = "Synthetic patients — not real / 合成患者，非真实数据"
    assert banner in render()
    assert banner not in render(is_synthetic=False)


def test_title_is_escaped_everywhere():
    html = render()
    assert "Title <b>" not in html
    assert "<title>Title &lt;b&gt; / 标题</title>" in html


def test_page_names_nothing_outside_itself_and_allows_only_its_own_scripts():
    html = render_page(find_data(TEMPLATES, "base.html"), CONTEXT, scripts=["1 + 1"])
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src 'none'" in html
    assert html.count("'sha256-") == html.count("<script>") == 2


def test_page_can_open_in_one_language():
    html = render_page(find_data(TEMPLATES, "base.html"), CONTEXT, language="zh")
    assert '<html lang="zh" data-opening="zh" data-lang="zh">' in html


def test_page_is_replaced_as_a_whole(tmp_path, monkeypatch):
    path = write_page(tmp_path / "a" / "index.html", "old")
    write_page(path, "new 新")
    assert path.read_text(encoding="utf-8") == "new 新"

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(type(path), "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_page(path, "half")
    assert path.read_text(encoding="utf-8") == "new 新"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(None, "–"), (0.0, "0.0 %"), (1.0, "100.0 %"), (0.99999, "99.9 %"), (0.00001, "0.1 %"), (0.8765, "87.6 %")],
)
def test_nearly_all_is_not_printed_as_all(rate, shown):
    assert format_percent(rate) == shown


def test_counts_have_thousands():
    assert format_count(1234567) == "1,234,567"
    assert format_count(None) == "–"


def test_bars_are_scaled_and_their_labels_escaped():
    svg = str(draw_bars([Bar(Text("<x>", "乙"), 5, "5"), Bar(Text("b", "b"), 10, "10")], Text("t", "t")))
    assert "<x>" not in svg
    assert 'width="150.0"' in svg  # half of the 300 that the largest bar takes
    assert 'width="300.0"' in svg


def test_charts_of_nothing_are_drawn():
    assert "<svg" in draw_bars([], Text("t", "t"))
    assert "<circle" not in draw_sparkline([], Text("t", "t"))
    assert 'cx="4.0"' in draw_sparkline([0], Text("t", "t"))

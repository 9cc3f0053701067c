import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from quality_frames import CHECKS, FORMULA, HOSTILE, make_findings, make_frames, make_many_findings

from etl.pages.text import Text
from etl.quality.report import write_quality_pages

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    hostile = make_findings()
    many = make_many_findings(2_000)
    frames = make_frames(findings=[*hostile, *many])
    names = {"nanfang": Text("Nanfang Hospital", "南方医院"), "hunan": Text("Hunan Hospital", "湖南医院")}
    write_quality_pages(frames, folder, names, expectations=CHECKS)
    full = make_frames(findings=make_many_findings(20_000))
    write_quality_pages(full, folder / "full", {"nanfang": names["nanfang"]}, expectations=CHECKS)
    (folder / "full" / "quality" / "nanfang").rename(folder / "quality" / "full")
    return folder / "quality"


@pytest.fixture
def open_page(browser, reports):
    """Open a page; afterwards it must have had no error on its console and asked for nothing but itself."""
    complaints, contexts = [], []

    def start(name="nanfang/index.html", width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        file, hash_, part = name.partition("#")
        url = (reports / file).as_uri() + hash_ + part
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.on(
            "request",
            lambda request: (
                request.url.partition("#")[0] in (url.partition("#")[0], "data:,") or complaints.append(request.url)
            ),
        )
        page.goto(url)
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


def read_column(page, number):
    return page.locator(f"#finding-table tbody tr td:nth-child({number})").all_inner_texts()


def reload_until(page, is_remembered):
    """Load the page again until it shows what it remembers: a busy Chromium writes that down a moment after it was said."""
    for _ in range(10):
        page.wait_for_timeout(500)  # before the first time too: what a reload overtakes is not written any more
        page.reload()
        if is_remembered():
            return
    pytest.fail("nothing was remembered")


def test_language_switch_shows_one_language_and_is_remembered(open_page):
    page = open_page(locale="en-GB")
    heading = page.locator("h1")
    assert heading.inner_text() == "Data quality: Nanfang Hospital"
    page.click("[data-language=zh]")
    expect(heading).to_have_text("数据质量：南方医院", use_inner_text=True)
    reload_until(page, lambda: heading.inner_text() == "数据质量：南方医院")
    page.click("[data-language=both]")
    expect(heading).to_contain_text("Data quality: Nanfang Hospital", use_inner_text=True)
    expect(heading).to_contain_text("南方医院", use_inner_text=True)


def test_a_chinese_browser_opens_the_page_in_chinese(open_page):
    assert open_page(locale="zh-CN").locator("h1").inner_text() == "数据质量：南方医院"


def test_sorting_by_row_works_both_ways(open_page):
    page = open_page()
    page.click("#finding-table th:nth-child(4) button")
    up = [int(text) for text in read_column(page, 4)]
    assert up == sorted(up)
    assert up[0] == 3
    page.click("#finding-table th:nth-child(4) button")
    down = [int(text) for text in read_column(page, 4)]
    assert down == sorted(down, reverse=True)
    assert down[0] == 2002
    assert page.locator("#finding-table th:nth-child(4)").get_attribute("aria-sort") == "descending"


def test_search_and_filters_narrow_the_list(open_page):
    page = open_page(locale="en-GB")
    page.fill("#finding-search", "0.134364 检验")  # words in any order, in any column
    expect(page.locator("#finding-count")).to_have_text("Showing 1 of 1 (2,004 in all)", use_inner_text=True)
    assert read_column(page, 4) == ["3"]
    page.fill("#finding-search", "")
    page.select_option("#finding-severity", label="rejected / 拒收")
    expect(page.locator("#finding-table tbody tr")).to_have_count(1)
    assert read_column(page, 4) == ["11"]


def test_long_lists_come_in_parts(open_page):
    page = open_page(locale="en-GB")
    rows = page.locator("#finding-table tbody tr")
    assert rows.count() == 100
    assert page.locator("#finding-count").inner_text() == "Showing 100 of 2,004 (2,004 in all)"
    page.click("#finding-more")
    assert rows.count() == 200


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_list_of_findings_fits_a_desktop_screen(open_page, language):
    page = open_page()
    page.click(f"[data-language={language}]")
    box = page.locator(".scroll:has(#finding-table)")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0


def test_hostile_cells_are_shown_as_text(open_page):
    page = open_page()
    page.fill("#finding-search", "alert(1)")
    expect(page.locator("#finding-table tbody tr")).to_have_count(2)
    assert HOSTILE in read_column(page, 6)
    assert FORMULA in read_column(page, 6)
    assert page.locator("#finding-table script").count() == 0


@pytest.mark.parametrize("name", ["nanfang/index.html", "index.html"])
@pytest.mark.parametrize("width", [390, 1280])
def test_page_is_no_wider_than_the_screen(open_page, name, width):
    page = open_page(name, width)
    for language in ("en", "zh", "both"):
        page.click(f"[data-language={language}]")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_both_languages_and_the_way_to_the_workbook_are_there(open_page):
    page = open_page(java_script_enabled=False)
    text = page.locator("body").inner_text()
    assert "What to do" in text
    assert "需要做什么" in text
    assert page.locator('a[href="queries.xlsx"]').is_visible()


def test_a_link_leads_to_one_finding(open_page):
    page = open_page("nanfang/index.html#finding=dddddddddd", locale="en-GB")
    row = page.locator("#finding-table tbody tr")
    expect(row).to_have_count(1)
    assert row.get_attribute("class") == "found"
    assert read_column(page, 4) == ["11"]
    assert row.evaluate("row => row === document.activeElement")
    expect(row).to_be_in_viewport()
    page.fill("#finding-search", "")
    page.wait_for_timeout(300)
    link = page.locator("#finding-table tbody tr:nth-child(2) td:first-child a")
    target = link.get_attribute("href")
    link.click()
    expect(row).to_have_count(1)
    assert page.url.endswith(target)


def test_a_query_of_the_workbook_is_found_by_its_whole_id(open_page):
    page = open_page(locale="en-GB")
    page.fill("#finding-search", "d" * 16)
    expect(page.locator("#finding-table tbody tr")).to_have_count(1)
    assert read_column(page, 4) == ["11"]


def test_a_link_to_a_finding_that_is_gone_says_so(open_page):
    page = open_page("nanfang/index.html#finding=eeeeeeeeee", locale="en-GB")
    assert page.locator("#finding-count").inner_text() == "This finding is no longer open, or the link is incomplete."


def test_what_to_fix_first_leads_to_its_findings(open_page):
    page = open_page(locale="en-GB")
    link = page.locator("#priorities a").first
    rule = link.get_attribute("href").removeprefix("#rule=")
    link.click()
    expect(page.locator("#finding-search")).to_have_value(f"rule:{rule}")
    assert page.locator("#finding-table tbody tr").count() > 0


def test_paper_shows_what_was_chosen_and_what_was_folded(open_page):
    page = open_page(locale="en-GB")
    page.fill("#finding-search", "rule:rule_7")
    page.wait_for_timeout(300)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("#finding-table tbody tr").count() == 50  # every fortieth of 2,000
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("nav").is_visible()
    assert not page.locator("#finding-controls").is_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("name", ["nanfang/index.html", "index.html"])
@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_page_is_accessible(open_page, name, language):
    page = open_page(name)
    page.click(f"[data-language={language}]")
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []


def test_twenty_thousand_findings_are_all_there_and_stay_usable(open_page):
    page = open_page("full/index.html", locale="en-GB")
    expect(page.locator("#finding-count")).to_have_text("Showing 100 of 20,000 (20,000 in all)", use_inner_text=True)
    page.fill("#finding-search", "rule:rule_39")
    expect(page.locator("#finding-count")).to_have_text("Showing 100 of 500 (20,000 in all)", use_inner_text=True)
    page.click("#finding-table th:nth-child(6) button")
    values = [float(text) for text in read_column(page, 6)]
    assert values == sorted(values)


def test_the_list_is_reached_and_sorted_by_keyboard_alone(open_page):
    page = open_page(locale="en-GB")
    page.locator("#finding-place").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("Row")
    page.keyboard.press("Enter")
    assert page.locator("#finding-table th:nth-child(4)").get_attribute("aria-sort") == "ascending"

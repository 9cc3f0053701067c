"""How long a page takes until it can be used, as a ratio against a smaller one in the same browser. Printed, never asserted.

Only `make bench`, which names the file, runs it.
"""

import shutil
import statistics

import pytest
from playwright.sync_api import sync_playwright
from quality_frames import CHECKS, make_frames, make_many_findings

from etl.pages.text import Text
from etl.quality.report import write_quality_pages

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
READY = "document.getElementById('finding-count').textContent !== '' && performance.now()"


def write_page_of(folder, n_findings):
    frames = make_frames(findings=make_many_findings(n_findings))
    write_quality_pages(frames, folder, {"nanfang": Text("Nanfang Hospital", "南方医院")}, expectations=CHECKS)
    return (folder / "quality/nanfang/index.html").as_uri()


def measure_opening(browser, url):
    """Return the milliseconds from opening to the list of findings, and of a search in it, the median of five pages each."""
    opened, searched = [], []
    for _ in range(5):
        page = browser.new_page()
        page.goto(url)
        opened.append(page.wait_for_function(READY, polling=5).json_value())
        searched.append(
            page.evaluate("""async () => {
                const box = document.getElementById("finding-search"), count = document.getElementById("finding-count");
                const start = performance.now(), before = count.textContent;
                box.value = "rule:rule_39"; box.dispatchEvent(new Event("input"));
                while (count.textContent === before) { await new Promise((done) => setTimeout(done, 2)); }
                return performance.now() - start;
            }""")
        )
        page.close()
    return statistics.median(opened), statistics.median(searched)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_opening_twenty_thousand_findings_against_two_hundred(tmp_path):
    urls = {n: write_page_of(tmp_path / str(n), n) for n in (200, 20_000)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        few, many = (measure_opening(browser, urls[n]) for n in (200, 20_000))
        browser.close()
    print(f"\n20,000 findings: opened in {many[0]:.0f} ms, {many[0] / few[0]:.1f} x the page of 200")
    print(
        f"searched in {many[1]:.0f} ms (120 of them waiting for the next letter), {many[1] / few[1]:.1f} x the page of 200"
    )

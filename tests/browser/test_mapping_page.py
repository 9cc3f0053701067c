"""The page of a mapping in a real browser: accessible in each language, nothing asked from outside, nothing from a cell alive."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from worksheet_desk import fill, read_cells

from etl.onboarding.mapping_page import write_mapping_page
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.take_worksheet import take_worksheet
from etl.settings import Settings

SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd|' /C calc'!A0"
NAME, ID_CARD = "张三丰", "11010519491231002X"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def mapping(tmp_path_factory):
    """A mapping whose headers, codes and cells are hostile, finished by its worksheet: folder and page."""
    base = tmp_path_factory.mktemp("mapping")
    rows = [f'{n},{NAME},{ID_CARD},男,"{FORMULA}",{SCRIPT},阳性{NAME if n == 3 else ""}' for n in range(20)]
    (base / "a.csv").write_text(
        "\n".join([f'住院号,姓名,身份证号,性别,"{FORMULA}",{SCRIPT},HBsAg', *rows]), encoding="utf-8"
    )
    settings = Settings(base / "workspace", base / "key", "both")
    worksheet = propose_hospital(settings, "hostile", base / "a.csv").worksheet
    fill(worksheet, lambda *_: ("not_needed", "", ""), lambda *_: "ask")
    take_worksheet(worksheet.parent)
    return worksheet.parent, write_mapping_page(
        worksheet.parent, base / "mapping.html", is_synthetic=True, language="both"
    )


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_page_is_accessible_and_asks_for_nothing(browser, mapping, language, width):
    complaints = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
    page.goto(mapping[1].as_uri())
    page.click(f"[data-language={language}]")
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in found] == []
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "Synthetic patients" in page.inner_text(".banner")
    page.close()


def test_nobody_is_named_and_no_cell_is_alive(mapping):
    folder, page = mapping
    html = page.read_text(encoding="utf-8")
    assert SCRIPT not in html
    texts = [
        *read_cells(folder / "worksheet.xlsx").values(),
        html,
        *(f.read_text(encoding="utf-8") for f in folder.glob("*.[ct][so]*")),
    ]
    assert not [text for text in texts if ID_CARD in text]
    assert not [text for text in texts if NAME in text]

"""What the pictures of the documents are made from, and its sha256: the same whatever the key, the clock and the machine.

A page is cut below the last line that its picture shows: what stands further down may change without a new picture.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from images.sheet_page import draw_sheet
from lxml import html
from worksheet_desk import fill_like

from etl.onboarding.mapping_page import write_mapping_page
from etl.onboarding.propose_hospital import propose_hospital
from etl.onboarding.take_worksheet import take_worksheet
from etl.onboarding.worksheet.form import COLUMNS
from etl.settings import Settings

FIGURE = "kaplan_meier.png"
_JOINING = "xiangya"  # as docs/new-hospital.md calls it
_OF_THE_CLOCK = re.compile(r"\b\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?\b")


@dataclass(frozen=True)
class Source:
    """What one picture is made from.

    `text` is what must not have changed. `page` is the html that a browser draws, `width_px` wide, in `language` (empty where
    the page has no switch). The figure has no page: its picture comes with it.
    """

    picture: str
    text: str
    page: str = ""
    width_px: int = 1180
    language: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def list_sources(example: Path, scratch: Path) -> list[Source]:
    """Return the sources of all pictures, from the workspace of the example study; hospitals join in the folder `scratch`."""
    svg = (example / "reports" / "analysis" / "figures" / FIGURE).with_suffix(".svg").read_text(encoding="utf-8")
    quality = (example / "reports" / "quality" / "nanfang" / "index.html").read_text(encoding="utf-8")
    quality = cut_page(quality, "//section[@id='priorities']//tbody/tr[6]")
    worksheet = draw_sheet(_propose(example, "sysu", scratch), COLUMNS, last_row=13)
    mapping = cut_page(_map(example, "hunan", scratch), "//section[@id='columns']//tbody/tr[3]")
    return [
        Source(FIGURE, svg),
        Source("quality_page.png", read_text(quality), quality, language="en"),
        Source("worksheet.png", read_text(worksheet), worksheet, width_px=1400),
        Source("mapping_page.png", read_text(mapping), mapping, language="en"),
    ]


def _propose(example: Path, hospital: str, scratch: Path) -> Path:
    """Let a hospital join that sends what one of the example sends, as docs/new-hospital.md says; returns its worksheet."""
    settings = Settings(scratch / hospital, scratch / "key", "both")
    extract = next((example / "extracts" / hospital).iterdir())
    return propose_hospital(settings, _JOINING, extract).worksheet


def _map(example: Path, hospital: str, scratch: Path) -> str:
    """Let a hospital join and fill its worksheet in; returns the page of its mapping."""
    worksheet = _propose(example, hospital, scratch)
    fill_like(worksheet, hospital)
    take_worksheet(worksheet.parent)
    page = write_mapping_page(worksheet.parent, scratch / "mapping.html", is_synthetic=True, language="both")
    return page.read_text(encoding="utf-8")


def cut_page(page: str, last: str) -> str:
    """Return a page without what follows the element at the path `last`; its scripts stay."""
    document = html.document_fromstring(page)
    (element,) = document.xpath(f"({last})[1]")
    for part in (element, *element.iterancestors()):
        for following in list(part.itersiblings()):
            if following.tag != "script":
                following.drop_tree()
    return html.tostring(document, encoding="unicode", doctype="<!doctype html>")


def read_text(page: str) -> str:
    """Return the text of a page in all its languages, a line each, without the days and times at which it was made."""
    document = html.document_fromstring(page)
    for unseen in document.xpath("//script | //style | //title"):
        unseen.drop_tree()
    return "\n".join(_OF_THE_CLOCK.sub("<day>", " ".join(line.split())) for line in document.itertext() if line.strip())

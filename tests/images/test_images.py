"""The pictures of the documents without running the study: shown, small, as they were made; and how their sources are read."""

import re

from images.made_from import FOLDER, ROOT, hash_picture, read_made_from
from images.sources import cut_page, read_text

LARGEST_BYTES = 300_000
PAGE = """<!doctype html><html><head><style>b { color: red }</style></head><body><h1>What <b>is</b> here</h1>
<p>Read 2026-11-23 13:32 UTC from x_2022-11-15.csv</p><table><tr><td>one<td>two</tr><tr><td>three</td></tr></table>
<p>below</p><script>run("below")</script></body></html>"""


def test_every_picture_is_the_one_that_was_made_and_a_document_shows_it():
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {
        name
        for page in documents
        for name in re.findall(r"!\[[^\]]+\]\([^)]*img/([^)]+)\)", page.read_text(encoding="utf-8"))
    }
    made = read_made_from()
    assert made.keys() == shown == {path.name for path in FOLDER.glob("*.png")}
    for name, line in made.items():
        assert line.picture_sha256 == hash_picture(name), f"docs/img/{name} was not made by make images: run it"
        assert (FOLDER / name).stat().st_size <= LARGEST_BYTES, name


def test_a_picture_is_known_by_what_it_shows_and_not_by_when_it_was_made():
    cut = cut_page(PAGE, "//tr[1]")
    assert read_text(cut).splitlines() == ["What", "is", "here", "Read <day> from x_2022-11-15.csv", "one", "two"]
    assert 'run("below")' in cut
    assert read_text(PAGE.replace("23 13:32", "24 09:01")) == read_text(PAGE)
    assert read_text(PAGE.replace("three", "four")) != read_text(PAGE)
    assert read_text(cut_page(PAGE.replace("three", "four"), "//tr[1]")) == read_text(cut)

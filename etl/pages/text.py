"""Texts in English and Chinese, and numbers, as every page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from etl.pages.cells import show_hidden


@dataclass(frozen=True)
class Text:
    """One text in both languages; a template prints both (escaped), and the page's switch hides one of them."""

    en: str
    zh: str

    def __html__(self) -> str:
        """Return both languages as spans; jinja2 calls this where the text is printed."""
        en, zh = escape(show_hidden(self.en)), escape(show_hidden(self.zh))
        return str(en) if en == zh else f'<span class="en" lang="en">{en}</span><span class="zh" lang="zh">{zh}</span>'

    def __str__(self) -> str:
        """Return both languages as plain text, for titles and attributes."""
        return self.en if self.en == self.zh else f"{self.en} / {self.zh}"

    def to_svg(self) -> Markup:
        """Return both languages as SVG text spans."""
        en, zh = show_hidden(self.en), show_hidden(self.zh)
        if en == zh:
            return escape(en)
        return Markup('<tspan class="en" lang="en">{}</tspan><tspan class="zh" lang="zh">{}</tspan>').format(en, zh)


NOTHING = "–"


def format_count(value: int | None) -> str:
    """Return a whole number with thousands separated by a comma; nothing is a dash."""
    return NOTHING if value is None else f"{value:,}"


def format_percent(rate: float | None, digits: int = 1) -> str:
    """Return a rate between 0 and 1 as per cent; nothing is a dash. 100 % and 0 % are never the result of rounding."""
    if rate is None:
        return NOTHING
    step = 10**-digits
    per_cent = rate * 100
    if 0 < rate < 1:
        per_cent = min(max(per_cent, step), 100 - step)
    return f"{per_cent:.{digits}f} %"

"""How a page is made and written: one file that asks nothing of the network.

Templates extend `base.html`. Everything printed is escaped; what is executed is listed by its hash in the page's own
content security policy, so that text from a hospital's file can never run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from etl.pages import charts
from etl.pages.cells import show_hidden
from etl.pages.synthetic_marks import ON_PAGES
from etl.pages.text import Text, format_count, format_percent
from etl.whole_files import write_whole
from schemas.package_data import MissingDataError, find_data, find_folder

TEMPLATES = "etl.pages.templates"

Language = Literal["en", "zh", "both"]


def render_page(
    template: Path, context: Mapping[str, Any], *, scripts: Sequence[str] = (), language: Language = "both"
) -> str:
    """Return the page of one template as HTML.

    `template` may lie in any folder and extends `base.html`, which needs in the context: `title` and `subtitle` (Text),
    `is_synthetic`, and `toc` (pairs of section id and Text). `scripts` are JavaScript sources put at the end of the
    body. `language` is what the page opens with; `both` leaves it to the reader's browser. A name that the template
    uses and the context lacks is an error.
    """
    sources = [find_data(TEMPLATES, "language.js").read_text(encoding="utf-8"), *scripts]
    environment = _make_environment(template.parent)
    style = find_data(TEMPLATES, "style.css").read_text(encoding="utf-8")
    try:
        return environment.get_template(template.name).render(
            **context,
            style=Markup(style),  # noqa: S704 (our own file)
            scripts=[Markup(source) for source in sources],  # noqa: S704 (our own files)
            script_hashes=[_hash_script(source) for source in sources],
            language=language,
        )
    except TemplateNotFound as error:  # the page's own template, or a part that it names
        raise MissingDataError(Path(str(error.name))) from error


@cache
def _make_environment(folder: Path) -> Environment:
    """Return what renders the templates of a folder; each is compiled once, however many pages it makes."""
    environment = Environment(
        loader=FileSystemLoader([folder, find_folder(TEMPLATES)]),
        autoescape=True,
        finalize=show_hidden,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        text=Text, synthetic_mark=ON_PAGES, bar_chart=charts.draw_bars, sparkline=charts.draw_sparkline
    )
    environment.filters.update(plain=str, count=format_count, percent=format_percent)
    return environment


def _hash_script(source: str) -> str:
    """Return the source of a script as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def write_page(path: Path, html: str) -> Path:
    """Write a page so that a reader sees the old one or the new one, never half of it; returns the path."""
    write_whole(path, html.encode())
    return path

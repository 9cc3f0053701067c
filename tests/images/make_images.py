"""Makes the pictures of the documents anew from the example study: `make images` (needs Chromium, and a font with Chinese).

The tests of the example study tell when one is no longer what today's code gives (`made_from.py`).
"""

import io
import sys
import tempfile
from pathlib import Path

from headless_chromium import CHROMIUM, open_chromium
from images.made_from import FOLDER, ROOT, write_made_from
from images.sources import FIGURE, Source, list_sources
from PIL import Image
from playwright.sync_api import Browser

_SHARPNESS = 1.5  # device pixels for one of CSS
_FIGURE_WIDTH = 1680  # pixels: twice what a document's column shows


def make_images(example: Path) -> None:
    """Make all pictures and say what each was made from: all of them, or nothing changes."""
    with tempfile.TemporaryDirectory() as scratch:
        sources = list_sources(example, Path(scratch))
    with open_chromium() as browser:
        pictures = [_draw(browser, source, example) for source in sources]
    for source, picture in zip(sources, pictures, strict=True):
        (FOLDER / source.picture).write_bytes(picture)
    write_made_from({source.picture: source.sha256 for source in sources})


def _draw(browser: Browser, source: Source, example: Path) -> bytes:
    if source.page:
        return _shrink(Image.open(io.BytesIO(_photograph(browser, source))))
    figure = Image.open(example / "reports" / "analysis" / "figures" / FIGURE)
    height = round(figure.height * _FIGURE_WIDTH / figure.width)
    return _shrink(figure.convert("RGB").resize((_FIGURE_WIDTH, height), Image.Resampling.LANCZOS))


def _photograph(browser: Browser, source: Source) -> bytes:
    page = browser.new_page(viewport={"width": source.width_px, "height": 100}, device_scale_factor=_SHARPNESS)
    page.set_content(source.page)
    if source.language:
        page.click(f"[data-language={source.language}]")
    picture = page.screenshot(full_page=True)
    page.close()
    return picture


def _shrink(picture: Image.Image) -> bytes:
    """Return a picture as a small png: 256 colours are more than it has but for the edges of its letters."""
    file = io.BytesIO()
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit(
            "The pictures are drawn by Chromium, and none is installed; nothing was changed. / 插图由 Chromium 绘制，但未安装；未作任何更改。"
        )
    make_images(ROOT / "example")
    print(f"Pictures: {FOLDER.relative_to(ROOT)} / 插图：{FOLDER.relative_to(ROOT)}")

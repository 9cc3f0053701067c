import pytest
from headless_chromium import CHROMIUM, open_chromium


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; the tests skip, saying so, where none is installed."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with open_chromium() as chromium:
        yield chromium

import pytest


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--run-bench"):
        for item in items:
            if "bench" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="a benchmark: run `make bench`"))

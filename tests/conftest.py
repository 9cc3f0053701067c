def pytest_addoption(parser):
    parser.addoption(
        "--run-bench", action="store_true", help="run the benchmarks of tests/bench, which `make bench` does"
    )

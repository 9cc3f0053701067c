"""Many deliveries, in several processes: each starts anew, since polars must not be forked."""

import multiprocessing

from world.delivery import try_delivery
from world.dialect import draw_dialect
from world.tally import Tally


def try_many(seeds):
    """The tally of some seeds."""
    tally = Tally()
    for seed in seeds:
        dialect = draw_dialect(seed)
        tally.add(seed, dialect, try_delivery(seed, dialect))
    return tally


def try_all(number, jobs, first=0):
    """The tally of `number` deliveries, in so many processes."""
    parts = [range(start, min(start + 20, first + number)) for start in range(first, first + number, 20)]
    tally = Tally()
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for part in pool.imap(try_many, parts):
            tally.merge(part)
    return tally

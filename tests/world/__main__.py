"""`python -m world 2000`: so many invented deliveries through the registry, and what became of each form. SYNTHETIC EXAMPLE DATA."""

import argparse
import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")
SHOWN_FAULTS = 10


def tell(tally, *, is_whole):
    """Print the table and whatever is wrong; return whether nothing is."""
    from world.shrink import describe, shrink

    print(tally.print_table())
    told = set()
    for seed, form, outcome, words in tally.faults:
        if (form, outcome) not in told and len(told) < SHOWN_FAULTS:
            dialect, places, fault = shrink(seed, form, outcome)
            print(
                f"\n{outcome}: {form}, seed {seed}\n  {words}\n  smallest: try_delivery({seed}, {describe(dialect)}, {places})\n  {fault}"
            )
        told.add((form, outcome))
    counted = {
        kind: sum(outcome == kind for _, _, outcome, _ in tally.faults)
        for kind in ("wrong", "lost", "invented", "refused")
    }
    print(
        f"\nfaults: {counted}, besides those known to be open: {sum(tally.seen_open.values())} in {len(tally.seen_open)} forms"
    )
    asked = tally.find_asked()
    print("".join(f"asked too often: {form}, {share:.0%} read without a question\n" for form, share in asked), end="")
    lacking = tally.find_rare() if is_whole else []
    closed = tally.find_closed() if is_whole else []
    print("".join(f"drawn fewer than 20 times: {form}\n" for form in lacking), end="")
    print(
        "".join(f"known to be open, and nothing shows it: {line}; take it out of known_open.csv\n" for line in closed),
        end="",
    )
    return not (tally.faults or asked or lacking or closed)


def main():
    parser = argparse.ArgumentParser(prog="python -m world")
    parser.add_argument("number", type=int, nargs="?", default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    from world.many import try_all

    tally = try_all(given.number, given.jobs, given.first)
    return 0 if tell(tally, is_whole=given.number >= 2000) else 1


if __name__ == "__main__":
    raise SystemExit(main())

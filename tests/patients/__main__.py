"""`python -m patients NUMBER`: so many wrong and so many right patients; prints the shares, by constraint and by kind."""

import sys

from patients.measure import Share, compute_interval, measure_right, measure_wrong
from patients.rare import KINDS
from patients.test_patients import NOT_ASKED, NOTES_ARE_ENOUGH
from patients.wrong import read_constraints


def print_shares(shares: dict[str, Share]) -> None:
    for name, share in shares.items():
        low, high = compute_interval(share.n_asked, share.n)
        rules = ", ".join(rule for rule, _ in share.rules.most_common(3))
        print(
            f"{name:32} {share.n_asked:5} of {share.n:5}  {low:6.1%} to {high:6.1%}  noted {share.n_noted:5}  {rules}"
        )


number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
wrong, of_right = measure_wrong(-(-number // len(read_constraints())))
right, everybody = measure_right(-(-number // len(KINDS)))
print("Wrong patients asked about, by constraint (SYNTHETIC EXAMPLE DATA)")
print_shares(wrong)
print("\nRight patients with a question outside their kind's list, by kind")
print_shares(right)
print_shares({"all right but rare": everybody})
low = [
    name
    for name, share in wrong.items()
    if name not in NOT_ASKED and share.n_asked + (name in NOTES_ARE_ENOUGH) * share.n_noted < 0.95 * share.n
]
print(f"right patients of the usual kind asked about: {sum(map(bool, of_right))} of {len(of_right)}")
if low or everybody.n_asked > 0.02 * everybody.n:
    sys.exit(f"asked too seldom: {low}; right patients asked: {everybody.n_asked} of {everybody.n}")

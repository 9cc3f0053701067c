import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.pages.disclosure import SMALL_CELL_THRESHOLD, suppress_small_counts


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([10, 20, 30], [10, 20, 30]),
        ([0, 5, 12], [0, 5, 12]),
        ([3, 20, 10], [None, 20, None]),  # one hidden count would be total minus the rest: the next smallest goes too
        ([3, 0, 10], [None, 0, None]),  # a count that is not zero protects; a zero does not
        ([2, 4, 30], [None, None, 30]),  # two hidden counts that add up to 6 protect each other
        ([1, 1, 30, 9], [None, None, 30, None]),  # 1 + 1 = 2 would be known and is small itself
        ([3, 0, 0], [None, None, None]),  # nothing protects it: all go, and the total with them
        ([7, 2, 7], [None, None, 7]),  # of equal counts the left one
        ([], []),
    ],
)
def test_small_counts_are_hidden_with_what_protects_them(counts, shown):
    assert suppress_small_counts(counts) == shown


def test_threshold_can_be_stated():
    assert suppress_small_counts([8, 20, 40], threshold=10) == [None, None, 40]


def test_negative_count_is_an_error():
    with pytest.raises(ValueError, match="negative"):
        suppress_small_counts([3, -1])


@given(st.lists(st.integers(0, 40), max_size=8))
def test_no_small_count_can_be_seen_or_subtracted(counts):
    shown = suppress_small_counts(counts)
    assert all(value in (None, count) for value, count in zip(shown, counts, strict=True))
    assert not any(value is not None and 0 < value < SMALL_CELL_THRESHOLD for value in shown)
    hidden = [count for value, count in zip(shown, counts, strict=True) if value is None]
    derivable = sum(counts) - sum(value for value in shown if value is not None)
    assert derivable == sum(hidden)
    if hidden and None in shown and any(value is not None for value in shown):
        assert len(hidden) >= 2
        assert derivable >= SMALL_CELL_THRESHOLD or all(value in (None, 0) for value in shown)

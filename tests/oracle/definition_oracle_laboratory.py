"""The laboratory values of the baseline, in plain Python from the protocol's sentences: the last value of a test by its date."""

from itertools import product

from oracle.definition_oracle_baseline import LAB_TESTS, cut, level_hbv, make_albi, make_child_pugh

LONG = ("afp_ng_ml", "hbv_dna_iu_ml", "hbv_dna_copies_ml")
VIRUS = ("hbv_dna_iu_ml", "hbv_dna_copies_ml")
LIVER = ("bilirubin_umol_l", "albumin_g_l", "inr", "pt_prolongation_s")
NAME_OF = {test: name for name, test in LAB_TESTS.items()}


def is_measured(row):
    return row["value"] is not None or row["value_comparator"] == "not_detected"


def choose_samples(records, baseline, start):
    """Test -> the records of the day that is its baseline, in the order of the file; empty where there is none."""
    chosen = {}
    for test in LAB_TESTS.values():
        own = [row for row in records if row["test"] == test and is_measured(row)]
        akin = [row for row in records if row["test"] in VIRUS and is_measured(row)] if test in VIRUS else own
        best = next((part for part in _list_choices(own, akin, test, start) if part), [])
        last = max((row["sample_date"] for row in best if row["sample_date"] is not None), default=None)
        chosen[test] = sorted((r for r in best if r["sample_date"] == last), key=lambda row: row.get("source_row") or 0)
    return chosen


def _list_choices(own, akin, test, start):
    """What may be the baseline, the better first; an older sample only where no unit of the same thing has a newer one."""
    if start is None:
        return [[row for row in own if row["visit_number"] == 0]]
    near, undated, old = (lambda rows: _within(rows, start, 28)), _list_undated, (lambda rows: _within(rows, start, 90))
    ways = [near, undated, old] if test in LONG else [near, undated]
    first = next((way for way in ways if way(akin)), None)
    return [] if first is None else [first(own)]


def _within(rows, start, days):
    return [r for r in rows if r["sample_date"] is not None and 0 <= (start - r["sample_date"]).days <= days]


def _list_undated(rows):
    return [row for row in rows if row["sample_date"] is None and row["visit_number"] == 0]


def find_disagreeing(chosen, baseline):
    """The tests whose values of one day lead to different levels, ALBI grades or Child-Pugh classes."""
    return {
        test
        for test, rows in chosen.items()
        if len(rows) > 1 and (len({_level(test, row) for row in rows}) > 1 or _decides(test, chosen, baseline))
    }


def _read(row):
    return 0.0 if row["value_comparator"] == "not_detected" else row["value"], row["value_comparator"]


def _level(test, row):
    value, sign = _read(row)
    if test in ("alt_u_l", "ast_u_l", "afp_ng_ml"):
        return cut(value, 400 if test == "afp_ng_ml" else 40, sign)
    if test in VIRUS:
        nothing = dict.fromkeys((*VIRUS, "hbv_dna_comparator", "hbv_dna_copies_comparator"))
        return level_hbv(nothing | {test: value, f"{NAME_OF[test]}_comparator": sign}, None)
    return None


def _decides(test, chosen, baseline):
    """Whether grade or class changes with a test's value, whichever values of the others are taken."""
    if test not in LIVER:
        return False
    others = [name for name in LIVER if name != test]
    for taken in product(*(chosen[name] or [None] for name in others)):
        facts = set()
        for row in chosen[test]:
            lab = {}
            for name, one in [*zip(others, taken, strict=True), (test, row)]:
                lab[name], lab[f"{NAME_OF[name]}_comparator"] = (None, None) if one is None else _read(one)
            points = make_child_pugh(lab, baseline | {"child_pugh_class": None})
            facts.add((make_albi(lab)["albi_grade"], points["child_pugh_class_from_points_or_record"]))
        if len(facts) > 1:
            return True
    return False


def make_samples(records, baseline, start):
    """Test -> date, value, sign and whether values disagree, as the rules' facts hold them."""
    chosen = choose_samples(records, baseline, start)
    disagreeing = find_disagreeing(chosen, baseline)
    samples = {}
    for test, rows in chosen.items():
        if rows:
            value, sign = (None, "=") if test in disagreeing else _read(rows[-1])
            samples[test] = {
                "test": test, "baseline_sample_date": rows[-1]["sample_date"], "baseline_sample_value": value,
                "baseline_sample_comparator": sign, "has_baseline_conflict": test in disagreeing,
            }  # fmt: skip
    return samples


def make_laboratory(samples):
    """Value and sign of every test at the baseline; what was not detected has the value 0."""
    facts = {}
    for name, test in LAB_TESTS.items():
        facts[test] = samples.get(test, {}).get("baseline_sample_value")
        facts[f"{name}_comparator"] = samples.get(test, {}).get("baseline_sample_comparator")
    return facts

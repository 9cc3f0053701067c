"""Recorded responses against the evidence: what a list of lesions shows, denies or leaves open, and lists that are not whole."""

from __future__ import annotations

import polars as pl

from schemas.codes import LesionRole, LesionStatus, Response, Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.imaging import BASELINE_FROM_DAY
from schemas.definitions.local_treatment import TOUCHING
from schemas.definitions.visits import is_given_by_date
from schemas.rules.rule import is_implied, lacks_diameter, rule

RECIST = "RECIST 1.1: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026"
PROTOCOL = "protocol, response and evidence"
VISIT = ("patient_id", "reader", "visit_number")
LESION = ("patient_id", "reader", "lesion_id")


def _is_of_kind(*roles: LesionRole) -> pl.Expr:
    return pl.col("role").is_in([role.value for role in roles])


def _is_first_of_visit() -> pl.Expr:
    """The first lesion of a visit by name: what is asked of the visit is asked there, once."""
    return pl.col("lesion_id") == pl.col("lesion_id").min().over(VISIT)


@rule(
    table="response",
    field="recorded_response",
    severity=Severity.QUERY,
    source=PROTOCOL,
    why="A list that is not complete cannot refute the progression, so that it counts; what shows it is needed for its date.",
    why_zh="病灶记录不完整，不足以否定进展，故仍计为进展；但须有显示进展的病灶才能确定其日期。",
    en="PD is recorded, but no lesion, sum or answer on new lesions of this visit shows it. Please add the lesion that shows it (a new "
    "one as `new`), or correct the response.",
    zh="记录为PD，但该次评估所列病灶、径线和及新病灶项均未显示进展，请补充显示进展的病灶（新病灶请记为新病灶），或更正疗效。",
    passes_where_zh="首次记录的PD在该次评估所列内容中有所显示。",
    on_missing="not evaluable where no lesion or sum of the visit has a baseline, after an earlier progression, where a "
    "complete list shows none, or where the diameter of a target is missing, which is asked at the lesion",
    on_missing_zh="该次评估的病灶或径线和均无基线、此前已有进展、完整病灶记录未显示进展，或有靶病灶缺径线（在该病灶处询问）时无法判定",
)
def recorded_progression_is_shown() -> pl.Expr:
    """A recorded first PD is shown by what the visit lists."""
    is_open = pl.col("has_progressed_before") | pl.col("is_recorded_set_aside")
    can_show = pl.col("target_response").is_not_null() | pl.col("non_target_response").is_not_null()
    is_asked = (pl.col("recorded_response") == Response.PD.value) & pl.col("is_follow_up") & can_show
    is_asked = is_asked & ~is_open & ~lacks_diameter()
    return pl.when(is_asked).then(pl.col("derived_response").eq_missing(Response.PD.value))


@rule(
    table="response",
    field="recorded_response",
    severity=Severity.QUERY,
    source="protocol, first progression: a PD that a later visit takes back is asked and stands",
    why="The first PD ends progression-free survival; if it was none, the patient is counted as progressed months too early.",
    why_zh="首次PD是无进展生存期的终点；若并非进展，该患者会被提前数月计为进展。",
    en="The visit before is recorded as PD, this one is not, and no new therapy was begun between. Was the visit before a progression? If not, please correct its response.",
    zh="前一次评估记录为PD，本次不是，且期间未更换治疗，请核对前一次评估是否确为疾病进展；如不是，请更正前一次的疗效。",
    passes_where_zh="记录为PD之后的下一次疗效为PD或NE，其间已开始后线治疗者除外。",
    on_missing="not evaluable without a response at this visit or the one before",
    on_missing_zh="本次或前一次无疗效时无法判定",
)
def progression_is_not_taken_back() -> pl.Expr:
    """After a recorded PD the next response is PD or NE, unless a later line began before it."""
    was_progression = pl.col("recorded_response_before") == Response.PD.value
    has_new_therapy = (pl.col("next_line_start_date") <= pl.col("imaging_date")).fill_null(value=False)
    still_holds = pl.col("recorded_response").is_in([Response.PD.value, Response.NE.value])
    return pl.when(pl.col("is_follow_up")).then(is_implied(was_progression, still_holds | has_new_therapy))


@rule(
    table="lesion",
    field="assessment_date",
    severity=Severity.QUERY,
    source="protocol, baseline images: day -42 to day 0, lesion by lesion",
    why="A lesion without a baseline is left out of the sum of diameters, and with it out of the response.",
    why_zh="无基线影像的病灶不计入径线和，也不参与疗效评估。",
    en="The last image of this lesion before therapy is more than 42 days old, while other lesions have later ones. Was it imaged again before the start?",
    zh="该病灶治疗前最近一次影像距治疗开始超过42天，而其他病灶有更近的影像，请核对治疗前是否复查过该病灶。",
    passes_where_zh="阅片者有治疗开始前42天内的影像时，此前见到的每个病灶均有其中之一。",
    on_missing="not evaluable without date or start of therapy",
    on_missing_zh="无影像日期或治疗开始日期时无法判定",
)
def lesion_has_baseline_image() -> pl.Expr:
    """Where a reader has images of the 42 days before the start, each lesion seen before has one of them."""
    days = compute_days_between(pl.col("first_line_start_date"), pl.col("assessment_date"))
    is_in_time, is_before = days.is_between(BASELINE_FROM_DAY, 0), days <= 0
    is_last = is_before & (days == days.filter(is_before).max().over(LESION))
    others_are = is_in_time.any().over("patient_id", "reader")
    return pl.when(is_last & others_are).then(is_in_time.any().over(LESION))


@rule(
    table="lesion",
    field="merged_into_lesion_id",
    severity=Severity.QUERY,
    source="Eisenhauer 2009, 4.3.2; protocol, its date",
    why="Merged lesions are measured as one; a target within a non-target has no diameter of its own any more, and the visit no sum.",
    why_zh="融合的病灶作为一个病灶测量；靶病灶融入非靶病灶后不再有单独的径线，该次评估也就没有径线和。",
    en="The lesion has merged, but with which one is not named, not listed at this visit, or of another kind (target, non-target). "
    "With which lesion is it measured?",
    zh="该病灶已融合，但未注明与哪一病灶融合、该病灶在本次评估中未列出，或两者类型不同（靶/非靶），请核对与哪一病灶合并测量。",
    passes_where_zh="已融合的病灶注明与之融合的另一病灶，且两者类型相同、后者在该次评估中列出。",
    on_missing="a merged lesion without a name fails; not evaluable with another status",
    on_missing_zh="已融合而未注明者不通过；其他状态时无法判定",
)
def merged_lesion_names_the_other() -> pl.Expr:
    """A merged lesion names another of its kind that is listed at the visit."""
    is_merged = pl.col("status") == LesionStatus.MERGED.value
    return pl.when(is_merged).then((pl.col("merged_into_role") == pl.col("role")).fill_null(value=False))


@rule(
    table="lesion",
    field="split_from_lesion_id",
    severity=Severity.QUERY,
    source="Eisenhauer 2009, 4.3.2: the diameters of the fragments are added up",
    why="A fragment of a lesion that the baseline does not hold is added to nothing, and the sum of diameters is too small.",
    why_zh="原病灶不在基线病灶之中，分裂出的病灶便无处计入，径线和会偏小。",
    en="The lesion of which this one is a fragment is not among the lesions of the baseline. Please check its name.",
    zh="该病灶所属的原病灶不在基线病灶之中，请核对原病灶编号。",
    passes_where_zh="分裂所得病灶注明的原病灶，为同一阅片者治疗前所列病灶。",
    on_missing="an empty name passes",
    on_missing_zh="未注明者通过",
)
def fragment_names_a_baseline_lesion() -> pl.Expr:
    """A fragment names a lesion that the reader lists before therapy."""
    return pl.when(pl.col("split_from_lesion_id").is_not_null()).then(
        pl.col("has_whole_at_baseline").fill_null(value=False)
    )


@rule(
    table="lesion",
    field="visit_number",
    severity=Severity.QUERY,
    source=RECIST,
    why="With one target unlisted the sum is incomplete, and the visit counts as not evaluable unless something else shows a progression.",
    why_zh="缺少一个靶病灶，径线和即不完整；除另有进展依据外，该次评估按无法评估计。",
    en="A target lesion of the baseline is not listed at this visit. Please add its diameter, or list it as gone or not assessed.",
    zh="该次评估缺少基线靶病灶的记录，请补充径线，或注明已消失或未评估。",
    passes_where_zh="仅以病灶记录报送的评估中，每个基线靶病灶均有记录。",
    on_missing="asked at the response instead, where the visit has one",
    on_missing_zh="该次评估有疗效记录时，改在疗效处询问",
)
def visit_lists_every_target() -> pl.Expr:
    """Every target of the baseline has a record at a visit that is sent as lesions alone."""
    return pl.when(_is_first_of_visit() & ~pl.col("has_response_record") & pl.col("is_follow_up")).then(
        pl.col("unlisted_target_number") == 0
    )


@rule(
    table="lesion",
    field="assessment_date",
    severity=Severity.QUERY,
    source="two statements about one fact",
    why="The smallest sum and the first progression depend on the order of the visits; a swapped date moves progression-free survival.",
    why_zh="最小径线和及首次进展取决于评估的先后顺序；日期颠倒会改变无进展生存期。",
    en="The images of this visit are not dated after those of the visit before. Please check the visits and dates.",
    zh="该次影像检查日期不晚于前一次评估，请核对评估序号及日期。",
    passes_where_zh="仅以病灶记录报送的评估及其后一次评估，日期顺序与医院的评估序号一致。",
    on_missing="not evaluable; asked at the response instead, where this visit and the one before have one",
    on_missing_zh="无法判定；本次与前一次均有疗效记录时，改在疗效处询问",
)
def lesion_dates_follow_visits() -> pl.Expr:
    """A visit that is sent as lesions alone, and the one after it, are dated in the order of the numbers that the hospital gives."""
    first_day, has_response = pl.col("assessment_date").min().over(VISIT), pl.col("has_response_record")
    before, had_response = (
        pl.when(_is_first_of_visit() & first_day.is_not_null())
        .then(value)
        .shift(1)
        .forward_fill()
        .over("patient_id", "reader", is_given_by_date(pl.col("visit_number")), order_by=["visit_number", "lesion_id"])
        for value in (first_day, has_response)
    )
    return pl.when(_is_first_of_visit() & ~(has_response & had_response)).then(first_day > before)


@rule(
    table="procedure",
    field="lesion_id",
    severity=Severity.QUERY,
    source="protocol, local treatment: asked only where CR or PR is recorded later",
    why="A lesion that was removed, ablated or irradiated shrinks by that; without its name the response would be credited to the drugs.",
    why_zh="经切除、消融或放疗的病灶会因此缩小；不注明是哪一病灶，缓解会被误判为药物疗效。",
    en="A lesion was resected, ablated or irradiated under therapy, and CR or PR is recorded afterwards. Which lesion was treated?",
    zh="治疗期间曾行切除、消融或放疗，其后记录为CR或PR，请注明治疗的是哪一病灶。",
    passes_where_zh="基线影像之后、记录CR或PR之前的切除、消融或放疗注明所治病灶。",
    on_missing="an empty name fails; not evaluable for other procedures, without a date, or without a later CR or PR",
    on_missing_zh="未注明者不通过；其他治疗、无日期，或其后无CR/PR时无法判定",
)
def treated_lesion_is_named() -> pl.Expr:
    """A resection, ablation or radiotherapy after the baseline images and before a recorded CR or PR names its lesion."""
    is_touching = pl.col("procedure").is_in(TOUCHING)
    is_between = (pl.col("procedure_date") > pl.col("baseline_imaging_date")) & (
        pl.col("procedure_date") <= pl.col("last_objective_response_date")
    )
    return pl.when(is_touching & is_between).then(pl.col("lesion_id").is_not_null())


@rule(
    table="response",
    field="recorded_response",
    severity=Severity.QUERY,
    source=RECIST,
    why="A progression that is missed makes response rate and progression-free survival look better than they were.",
    why_zh="漏判进展会使缓解率及无进展生存期好于实际。",
    en="A new lesion is recorded, but the response is not PD. Which of the two is right?",
    zh="记录有新病灶，但疗效不是PD，请核对哪一项正确。",
    passes_where_zh="记录有新病灶时，所记疗效为PD。",
)
def new_lesion_is_progression() -> pl.Expr:
    """Where a new lesion is recorded, the recorded response is PD."""
    return is_implied(pl.col("has_new_lesion"), pl.col("recorded_response") == Response.PD.value)

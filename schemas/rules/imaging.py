"""Images of lesions: their dates, their devices, what is listed of them at a visit."""

from __future__ import annotations

import polars as pl

from schemas.codes import LesionRole, LesionStatus, Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.visits import is_given_by_date
from schemas.rules.rule import compute_differs_from_before, is_implied, rule

RECIST = "RECIST 1.1: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026"
LESION = ("patient_id", "reader", "lesion_id")
ASSESSMENT_DAYS = 21
IMAGING_PERIOD_DAYS = 14
GROWTH_FACTOR = 3
GROWTH_MIN_MM = 100
GROWTH_DAYS = 70
SLIP_FACTOR = 7
MIN_COPIED_LESIONS = 3
VISIT = ("patient_id", "reader", "visit_number")


@rule(
    table="lesion",
    field="modality",
    severity=Severity.NOTE,
    source=f"{RECIST}, 3.1: the same method at every assessment",
    why="Diameters of two methods differ by themselves, which may look like growth or response.",
    why_zh="不同检查方式测得的径线本身就有差异，可能被误认为增大或缓解。",
    en="The lesion was imaged by another modality than at the visit before. Are the diameters comparable?",
    zh="该病灶的检查方式与前一次评估不同，请核对径线是否可比。",
    passes_where_zh="病灶的检查方式与前一次评估相同。",
    on_missing="not evaluable; nor at the lesion's first visit",
    on_missing_zh="无法判定；病灶首次记录时亦不判定",
)
def modality_is_constant() -> pl.Expr:
    """A lesion is imaged as at the visit before."""
    return pl.col("modality") == pl.col("modality_before")


@rule(
    table="response",
    field="assessment_date",
    severity=Severity.QUERY,
    source="protocol, visits: images and responses up to 21 days apart are one assessment",
    why="Progression is dated by the images; a response dated far from its own lesions moves it.",
    why_zh="进展日期以影像为准；疗效评估日期与其病灶影像相差过远，会改变进展日期。",
    en="The response is dated more than 21 days from the images of the lesions of the same visit. Do they belong together? If not, please correct the date or the visit number.",
    zh="该次疗效评估日期与同次病灶影像日期相差超过21天，请核对两者是否属于同一次评估，并更正日期或评估序号。",
    passes_where_zh="疗效评估日期与同一阅片者该次病灶影像日期相差不超过21天。",
    on_missing="not evaluable without the date or without dated lesions of the visit",
    on_missing_zh="无该日期或该次病灶影像均无日期时无法判定",
)
def response_is_dated_with_its_lesions() -> pl.Expr:
    """A response lies within 21 days of the images of the reader's lesions of the visit."""
    date = pl.col("assessment_date")
    early = compute_days_between(date, pl.col("first_lesion_image_date"))
    late = compute_days_between(pl.col("last_lesion_image_date"), date)
    return (early <= ASSESSMENT_DAYS) & (late <= ASSESSMENT_DAYS)


@rule(
    table="lesion",
    field="diameter_mm",
    severity=Severity.QUERY,
    source=f"{RECIST}, 4.3.1: a target progresses by its size",
    why="Without its diameter neither the progression nor the sum can be followed.",
    why_zh="缺少径线则进展及径线和均无法核实。",
    en="A target lesion is called progressing, but has no diameter. Please add the diameter.",
    zh="靶病灶记为进展，但无径线，请补充径线。",
    passes_where_zh="记为进展的靶病灶有径线。",
    on_missing="an empty diameter fails; an empty role or status is not evaluable",
    on_missing_zh="径线缺失即不通过；类型或状态缺失时无法判定",
)
def progressing_target_has_diameter() -> pl.Expr:
    """A target in progression has a diameter."""
    is_asked = (pl.col("role") == LesionRole.TARGET.value) & (pl.col("status") == LesionStatus.PROGRESSION.value)
    return is_implied(is_asked, pl.col("diameter_mm").is_not_null())


@rule(
    table="lesion",
    field="status",
    severity=Severity.QUERY,
    source=f"{RECIST}, 4.3.5",
    why="A new lesion is a progression; one that was never seen is none.",
    why_zh="新病灶即为进展；从未见到的病灶不能算作进展。",
    en="A new lesion is listed as absent at its first visit. Was it seen, or is the record to be removed?",
    zh="新病灶首次记录即为“消失”，请核对是否确有该病灶，或删除该记录。",
    passes_where_zh="新病灶首次列出时不为“消失”。",
    on_missing="not evaluable without role or status; not assessed passes",
    on_missing_zh="无类型或状态时无法判定；未评估者通过",
)
def new_lesion_is_seen_first() -> pl.Expr:
    """A new lesion is not absent at the first visit that lists it."""
    is_first = pl.col("visit_position") == pl.col("visit_position").min().over(LESION)
    is_new = pl.col("role") == LesionRole.NEW.value
    return is_implied(is_first & is_new, pl.col("status") != LesionStatus.ABSENT.value)


@rule(
    table="lesion",
    field="diameter_mm",
    severity=Severity.QUERY,
    source="doubling time of HCC: Nathani 2021, doi:10.1136/gutjnl-2020-321040; threefold, 100 mm and 10 weeks are the registry's limits",
    why="One diameter of another lesion or unit makes a progression of stable disease.",
    why_zh="只要一个径线误用了其他病灶或其他单位的数值，疾病稳定就会变成疾病进展。",
    en="The lesion grew at least threefold, to 10 cm or more, within 10 weeks. Please check the diameter and the lesion's name.",
    zh="该病灶在10周内增大至3倍以上且达10 cm或以上，请核对径线及病灶编号。",
    passes_where_zh="病灶未在距上次测量70天内增大至3倍且达100 mm。",
    on_missing="not evaluable without the two last diameters and their dates; sevenfold growth is another rule's",
    on_missing_zh="缺最近两次径线及其日期时无法判定；增大至7倍者由另一规则询问",
)
def lesion_growth_is_plausible() -> pl.Expr:
    """A lesion does not grow threefold and reach 100 mm within 70 days of its last measurement."""
    before, date = pl.col("diameter_before_mm"), pl.col("assessment_date_before")
    factor = pl.when(before > 0).then(pl.col("diameter_mm") / before)
    is_large = (pl.col("diameter_mm") >= GROWTH_MIN_MM) & (factor >= GROWTH_FACTOR) & (factor < SLIP_FACTOR)
    return is_implied(is_large, compute_days_between(date, pl.col("assessment_date")) > GROWTH_DAYS)


@rule(
    table="lesion",
    field="diameter_mm",
    severity=Severity.NOTE,
    source="measuring again changes one of three diameters by 1 mm; three lesions are the registry's limit",
    why="Diameters carried forward from an older report are stable disease whatever the tumour did, and date the progression too late.",
    why_zh="沿用旧报告的径线，无论肿瘤实际如何变化都会判为疾病稳定，使进展日期推迟。",
    en="All lesions measured at this visit and at the one before, three or more, have the very same diameters, though the images are of other days. "
    "Were they measured anew, or carried forward?",
    zh="本次与前一次评估均测量的病灶（3个及以上）径线完全相同，而影像日期不同，请核对是否重新测量，或沿用了前次报告。",
    passes_where_zh="同一阅片者一次评估的3个及以上径线，不会全部与前一次（不同日期）相同。",
    on_missing="not evaluable with fewer than three lesions that the reader measures (above 0 mm, not too small) here and before on dates that differ: one image read under two "
    "visits is right; a visit is told about once, at the first such lesion by name",
    on_missing_zh="本次与前一次均由该阅片者测量（大于0 mm且非过小）、日期不同的病灶不足3个时无法判定：同一影像归入两次评估属正常；每次评估只提示一次，位于按编号排序的首个此类病灶",
)
def images_are_not_copied() -> pl.Expr:
    """The diameters of a reader's visit, three or more, are not all those of the visit before, of another day."""
    return compute_differs_from_before(VISIT, "lesion_id", least=MIN_COPIED_LESIONS)


@rule(
    table="lesion",
    field="assessment_date",
    severity=Severity.QUERY,
    source="protocol: assessment every 6-8 weeks",
    why="The diameters of two visits would be added up to one sum, which changes the response and the date of progression.",
    why_zh="两次评估的径线会被合并为一个径线和，从而改变疗效及进展日期。",
    en="The images of one visit are more than 14 days apart. Do they belong to the same visit?",
    zh="同一次评估的影像检查相隔超过14天，请核对是否属于同一次评估。",
    passes_where_zh="医院归为同一次评估的影像检查相隔不超过14天。",
)
def visit_has_one_imaging_period() -> pl.Expr:
    """Images that the hospital says are read together were taken within 14 days."""
    first = pl.col("assessment_date").min().over("patient_id", "reader", "visit_number")
    is_near = compute_days_between(first, pl.col("assessment_date")) <= IMAGING_PERIOD_DAYS
    return is_implied(~is_given_by_date(pl.col("visit_number")), is_near)

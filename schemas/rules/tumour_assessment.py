"""Tumour assessments: lesions and readings against each other and against RECIST 1.1."""

from __future__ import annotations

import polars as pl

from schemas.codes import STATUS_WITH_DIAMETER, LesionRole, LesionStatus, Organ, Response, Severity
from schemas.definitions.endpoints import compute_days_between
from schemas.definitions.recist import (
    MAX_TARGETS,
    MAX_TARGETS_PER_ORGAN,
    TARGET_MIN_MM,
    TARGET_NODE_MIN_MM,
    TOO_SMALL_MM,
    compute_is_node,
)
from schemas.rules.rule import is_implied, lacks_diameter, rule

RECIST = "RECIST 1.1: Eisenhauer 2009, doi:10.1016/j.ejca.2008.10.026"
MRECIST = "mRECIST: Lencioni and Llovet 2010, doi:10.1055/s-0030-1247132"
LOGIC = "two statements about one fact"
ROUNDING_MM = 1
VISIT = ("patient_id", "reader", "visit_number")
LESION = ("patient_id", "reader", "lesion_id")


def _is_baseline_target() -> pl.Expr:
    return (pl.col("role") == LesionRole.TARGET.value) & pl.col("is_before_start")


def _compute_position(*columns: str) -> pl.Expr:
    """Position of a lesion, as listed, among those of one reading that agree in the columns; counted from 1."""
    return pl.int_range(1, pl.len() + 1).over(*VISIT, "is_before_start", *columns, order_by=["source_row", "lesion_id"])


@rule(
    table="lesion",
    field="diameter_mm",
    severity=Severity.QUERY,
    source=RECIST,
    why="A small lesion cannot be measured reliably; a few millimetres of error would count as response or progression.",
    why_zh="病灶过小则测量不可靠，数毫米的误差就会被计为缓解或进展。",
    en="A target lesion is below 10 mm (a lymph node below 15 mm short axis) at the baseline. Please check the diameter; if it is right, please make it a non-target.",
    zh="基线靶病灶小于10 mm（淋巴结短径小于15 mm），请核对径线；如径线无误，请改为非靶病灶。",
    passes_where_zh="靶病灶至少10 mm，淋巴结靶病灶短径至少15 mm。",
    on_missing="an empty diameter is not evaluable; below 10 mm fails whatever the organ",
    on_missing_zh="径线缺失时无法判定；小于10 mm者无论部位均不通过",
)
def target_is_measurable() -> pl.Expr:
    """A target is at least 10 mm, a target node at least 15 mm in short axis."""
    diameter, is_node = pl.col("diameter_mm"), compute_is_node(pl.col("organ"))
    return is_implied(
        _is_baseline_target(), (diameter >= TARGET_MIN_MM) & (~is_node | (diameter >= TARGET_NODE_MIN_MM))
    )


@rule(
    table="lesion",
    field="role",
    severity=Severity.QUERY,
    source=RECIST,
    why="More targets give another sum of diameters than RECIST's, and with it another response.",
    why_zh="靶病灶过多，径线和便与RECIST规定的不同，疗效也随之不同。",
    en="More than five target lesions are listed at the baseline. Please mark five as targets and the others as non-targets.",
    zh="基线靶病灶超过5个，请注明哪5个为靶病灶，其余改为非靶病灶。",
    passes_where_zh="一次阅片最多5个靶病灶；超出者逐一列出。",
)
def at_most_five_targets() -> pl.Expr:
    """A reading has at most five targets; the surplus ones are named."""
    return is_implied(_is_baseline_target(), _compute_position("role") <= MAX_TARGETS)


@rule(
    table="lesion",
    field="role",
    severity=Severity.QUERY,
    source=RECIST,
    why="One organ with many targets would outweigh all others in the sum and in the response.",
    why_zh="同一器官的靶病灶过多，会使该器官在径线和及疗效判定中的权重超过所有其他器官。",
    en="More than two target lesions are listed in one organ at the baseline. Please mark two as targets and the others as non-targets.",
    zh="基线同一器官的靶病灶超过2个，请注明哪2个为靶病灶，其余改为非靶病灶。",
    passes_where_zh="每个器官最多2个靶病灶；全部淋巴结视为一个器官，“其他”代表多个器官。",
    on_missing="not evaluable; nor for the organ `other`",
    on_missing_zh="无法判定；部位为“其他”时亦然",
)
def at_most_two_targets_per_organ() -> pl.Expr:
    """An organ has at most two targets; all lymph nodes are one organ, and `other` stands for several."""
    position = _compute_position("role", "organ")
    return pl.when(pl.col("organ") != Organ.OTHER.value).then(
        is_implied(_is_baseline_target(), position <= MAX_TARGETS_PER_ORGAN)
    )


@rule(
    table="lesion",
    field="is_tace_treated",
    severity=Severity.QUERY,
    source="protocol: a TACE-treated lesion is not measurable unless it has grown since",
    why="Such a lesion shrinks or dies by TACE before therapy; its change would be credited to the drugs.",
    why_zh="此类病灶在系统治疗前已因TACE缩小或坏死，其变化会被误判为药物疗效。",
    en="A target lesion had been treated by TACE before the baseline. Has it grown since? If not, it is a non-target.",
    zh="基线靶病灶曾行TACE治疗，请填写此后是否增大；如未增大，应为非靶病灶。",
    passes_where_zh="靶病灶在基线前未行TACE，或此后已增大。",
    on_missing="an empty answer on growth fails; an empty mark of TACE is not evaluable",
    on_missing_zh="是否增大一项缺失即不通过；TACE标记缺失时无法判定",
)
def target_was_not_tace_treated() -> pl.Expr:
    """A target was not treated by TACE before the baseline, or has grown since."""
    is_treated_target = _is_baseline_target() & pl.col("is_tace_treated")
    return is_implied(is_treated_target, pl.col("has_grown_since_tace").fill_null(value=False))


@rule(
    table="lesion",
    field="is_tace_treated",
    severity=Severity.QUERY,
    source=LOGIC,
    why="TACE is a matching variable; a treated lesion shows that it was forgotten, or the mark is wrong.",
    why_zh="TACE是匹配变量；病灶经TACE治疗说明漏填了TACE，或该标记有误。",
    en="A lesion is marked as treated by TACE, but the patient has no TACE. Which of the two is right?",
    zh="病灶标记为TACE治疗，但患者无TACE记录，请核对哪一项正确。",
    passes_where_zh="有TACE治疗病灶的患者，填有TACE或列有TACE治疗记录。",
    on_missing="a TACE recorded or listed suffices; not evaluable while one of the two is empty and the other says no",
    on_missing_zh="填有或列有TACE之一即可；一项缺失而另一项为否时无法判定",
)
def tace_treated_lesion_has_tace() -> pl.Expr:
    """Who has a TACE-treated lesion has TACE recorded, or a TACE procedure listed."""
    return is_implied(pl.col("is_tace_treated"), pl.col("has_tace_with_therapy") | (pl.col("tace_number") > 0))


@rule(
    table="lesion",
    field="organ",
    severity=Severity.QUERY,
    source=LOGIC,
    why="Two lesions under one name make a false growth or shrinkage, and the organ decides how a node is measured.",
    why_zh="两个病灶共用一个编号，会造成虚假的增大或缩小；部位还决定淋巴结的测量方法。",
    en="The lesion lies in another organ than at its first visit. Please check the lesion's name.",
    zh="该病灶部位与首次记录不同，请核对病灶编号。",
    passes_where_zh="病灶部位与首次记录一致。",
)
def lesion_organ_is_constant() -> pl.Expr:
    """The organ is that of the lesion's first visit."""
    return pl.col("organ") == pl.col("organ").first().over(LESION, order_by="visit_position")


@rule(
    table="lesion",
    field="role",
    severity=Severity.QUERY,
    source=RECIST,
    why="Only targets are summed; a changed role takes a lesion out of the sum or makes a progression of it.",
    why_zh="只有靶病灶计入径线和；类型改变会使病灶不再计入径线和，或被误判为进展。",
    en="The lesion has another role (target, non-target, new) than at its first visit. Please check the role and the lesion's name.",
    zh="该病灶类型（靶、非靶、新病灶）与首次记录不同，请核对类型及病灶编号。",
    passes_where_zh="病灶类型与首次记录一致。",
)
def lesion_role_is_constant() -> pl.Expr:
    """The role is that of the lesion's first visit."""
    return pl.col("role") == pl.col("role").first().over(LESION, order_by="visit_position")


@rule(
    table="lesion",
    field="role",
    severity=Severity.QUERY,
    source=RECIST,
    why="A new lesion is progression; at the baseline there is nothing it could be new against.",
    why_zh="新病灶即为进展；基线时无既往影像可比，谈不上“新”病灶。",
    en="A lesion of the baseline is listed as new. Is it a target or a non-target?",
    zh="基线病灶被列为新病灶，请核对应为靶病灶还是非靶病灶。",
    passes_where_zh="基线无新病灶。",
)
def new_lesion_not_at_baseline() -> pl.Expr:
    """At the baseline no lesion is new."""
    return is_implied(pl.col("is_before_start"), pl.col("role") != LesionRole.NEW.value)


@rule(
    table="lesion",
    field="role",
    severity=Severity.QUERY,
    source=RECIST,
    why="A lesion that no image before therapy shows is left out of the sum of diameters; if it appeared later, it is progression.",
    why_zh="治疗前影像均未显示的病灶不计入径线和；若为后来出现，则为进展。",
    en="This lesion is called target or non-target, but no image on or before the start of therapy lists it. Was it there before (please add its "
    "baseline image), or did it appear later (then it is a new lesion)?",
    zh="该病灶记为靶或非靶病灶，但治疗开始前的影像均未列出。请核对：如治疗前已存在，请补充基线影像；如为后来出现，请改为新病灶。",
    passes_where_zh="治疗开始后才首次见于影像的病灶为新病灶。答复前不予计入。",
    on_missing="not evaluable for a fragment of another lesion, nor without any image before therapy",
    on_missing_zh="由其他病灶分裂而来者，或治疗前无任何影像时无法判定",
)
def late_lesion_is_new() -> pl.Expr:
    """A lesion first imaged after the start of therapy is new. Until answered it does not count."""
    is_late = ~pl.col("is_before_start").any().over(LESION)
    has_baseline = pl.col("is_before_start").any().over("patient_id", "reader")
    is_whole = pl.col("split_from_lesion_id").is_null()
    return pl.when(is_whole).then(is_implied(is_late & has_baseline, pl.col("role") == LesionRole.NEW.value))


@rule(
    table="lesion",
    field="diameter_mm",
    severity=Severity.QUERY,
    source=RECIST,
    why="The sum needs a diameter of every measured target; without one the visit is not evaluable.",
    why_zh="径线和需要每个已测量靶病灶的径线；缺少一个，该次评估即无法评估。",
    en="The lesion's status and diameter contradict each other (measured, or a target that is present, without a diameter; gone "
    "with one; too small to measure with 0 mm). Please check both.",
    zh="病灶状态与径线相矛盾（已测量或靶病灶存在但无径线；已消失但有径线；过小无法测量但径线为0），请核对。",
    passes_where_zh="已测量的病灶及存在的靶病灶有径线，已消失的病灶无径线，过小的病灶径线不为0。",
    on_missing="a measured lesion, or a target that is present, without a diameter fails; an empty status is not evaluable",
    on_missing_zh="已测量的病灶或存在的靶病灶缺径线即不通过；状态缺失时无法判定",
)
def lesion_status_agrees_with_diameter() -> pl.Expr:
    """A measured lesion and a target that is there have a diameter, a lesion that is gone has none, a small one not 0."""
    diameter, status = pl.col("diameter_mm"), pl.col("status")
    is_target_there = status.is_in([of_target.value for of_target in STATUS_WITH_DIAMETER]) & (
        pl.col("role") == LesionRole.TARGET.value
    )
    return (
        pl.when((status == LesionStatus.MEASURED.value) | is_target_there)
        .then(diameter.is_not_null())
        .when(status == LesionStatus.TOO_SMALL.value)
        .then(diameter.fill_null(TOO_SMALL_MM) > 0)
        .when(status == LesionStatus.ABSENT.value)
        .then(diameter.fill_null(0) == 0)
    )


@rule(
    table="lesion",
    field="viable_diameter_mm",
    severity=Severity.QUERY,
    source=MRECIST,
    why="The viable part is measured inside the lesion; exchanged columns turn mRECIST and RECIST around.",
    why_zh="存活肿瘤在病灶之内测量；两列填反会使mRECIST与RECIST的结果互换。",
    en="The viable diameter is larger than the whole lesion. Please check both diameters.",
    zh="存活肿瘤径线大于病灶径线，请核对两项测量值。",
    passes_where_zh="存活肿瘤径线不大于病灶径线，允许1 mm取整误差。",
)
def viable_diameter_within_lesion() -> pl.Expr:
    """The viable part is no larger than the lesion, but for 1 mm of rounding."""
    return pl.col("viable_diameter_mm") <= pl.col("diameter_mm") + ROUNDING_MM


@rule(
    table="response",
    field="visit_number",
    severity=Severity.QUERY,
    source=RECIST,
    why="With one target unlisted the sum is incomplete, and the visit counts as not evaluable unless something else shows a progression.",
    why_zh="缺少一个靶病灶，径线和即不完整；除另有进展依据外，该次评估按无法评估计。",
    en="A target lesion of the baseline is not listed at this visit. Please add its diameter, or list it as gone or not assessed.",
    zh="该次评估缺少基线靶病灶的记录，请补充径线，或注明已消失或未评估。",
    passes_where_zh="每个基线靶病灶在该次评估均有记录。",
    on_missing="not evaluable without lesions",
    on_missing_zh="无病灶记录时无法判定",
)
def targets_are_listed() -> pl.Expr:
    """Every target of the baseline has a record at the visit."""
    return is_implied(pl.col("is_follow_up"), pl.col("unlisted_target_number") == 0)


@rule(
    table="response",
    field="target_sum_mm",
    severity=Severity.QUERY,
    source=RECIST,
    why="The study uses the lesions; a different sum means that a diameter is wrong or a lesion is missing.",
    why_zh="研究采用各病灶的测量值；径线和不符，说明有径线填错或遗漏病灶。",
    en="The sum of diameters is not that of the target lesions listed at this visit. Please check the sum and the diameters.",
    zh="靶病灶径线和与该次评估所列靶病灶径线之和不符，请核对径线和及各病灶径线。",
    passes_where_zh="所填径线和与所列靶病灶径线之和相差不超过1 mm。",
    on_missing="not evaluable; nor where a target was not assessed",
    on_missing_zh="无法判定；有靶病灶未评估时亦然",
)
def target_sum_agrees_with_lesions() -> pl.Expr:
    """The sum sent and that of the targets listed differ by at most 1 mm."""
    difference_mm = (pl.col("target_sum_mm") - pl.col("target_sum_from_lesions_or_record_mm")).abs()
    return pl.when(pl.col("has_lesions")).then(difference_mm <= ROUNDING_MM)


@rule(
    table="response",
    field="visit_number",
    severity=Severity.QUERY,
    source=RECIST,
    why="Without a baseline sum of the same reader the visit cannot show a response and counts as not evaluable.",
    why_zh="缺少同一阅片者的基线径线和，该次评估无法判断疗效，按无法评估计。",
    en="The visit has a sum of target lesions, but the baseline (visit 0) of this reader and these criteria has none. Please add it, or check the visit number.",
    zh="该次评估有靶病灶径线和，但同一阅片者、同一标准的基线（评估序号0）无径线和，请补充基线或核对评估序号。",
    passes_where_zh="有径线和（所填或由病灶计算）的评估，有同一阅片者、同一标准的基线径线和。",
    on_missing="a missing baseline fails; not evaluable where the visit itself has no sum, or where the diameter of a target is missing, which is asked at the lesion",
    on_missing_zh="无基线即不通过；该次评估本身无径线和，或有靶病灶缺径线（在该病灶处询问）时无法判定",
)
def reading_has_baseline() -> pl.Expr:
    """A visit with a sum, sent or from its lesions, has a baseline sum of the same reader and criteria."""
    has_sum = pl.col("target_sum_from_lesions_or_record_mm").is_not_null()
    has_baseline = pl.col("baseline_sum_mm").is_not_null()
    is_asked = has_sum & (has_baseline | ~lacks_diameter())
    return is_implied(pl.col("is_follow_up"), pl.when(is_asked).then(has_baseline))


@rule(
    table="response",
    field="has_new_lesion",
    severity=Severity.QUERY,
    source=LOGIC,
    why="A new lesion is progression; listed but denied, it is either a progression missed by the hospital or a wrong one in the study.",
    why_zh="新病灶即为进展；已列出却填为无，要么医院漏判了进展，要么研究会误判进展。",
    en="No new lesion is recorded, but a new lesion is listed at this visit. Which of the two is right?",
    zh="记录为无新病灶，但该次评估列有新病灶，请核对哪一项正确。",
    passes_where_zh="同一阅片者在该次评估列有可见的新病灶时，不填无新病灶；基线时无新病灶。",
    on_missing="an empty answer is not evaluable where a new lesion is listed",
    on_missing_zh="该项缺失而列有新病灶时无法判定",
)
def new_lesion_flag_agrees_with_lesions() -> pl.Expr:
    """No new lesion is denied while the same reader lists one that is seen at the visit; at the baseline there is none."""
    is_listed = pl.col("is_follow_up") & (pl.col("listed_new_lesion_number").fill_null(0) > 0)
    return is_implied(is_listed, pl.col("has_new_lesion"))


@rule(
    table="response",
    field="recorded_response",
    severity=Severity.QUERY,
    source=RECIST,
    why="Of a complete list of lesions the derived response counts, of any other the recorded one unless the list shows a progression; where the two differ, one of them is wrong.",
    why_zh="病灶记录完整时采用推算的疗效，否则除病灶已显示进展外采用所记疗效；两者不一致时，其中一项有误。",
    en="The recorded response does not fit the lesions or the sum of diameters of this visit and the visits before. Please check measurements and response.",
    zh="所记疗效与本次及既往评估的病灶测量或径线和不符，请核对测量值及疗效。",
    passes_where_zh="首次进展前（含首次进展），所记疗效与推算的疗效一致，或为靶病灶所允许者。仍维持的PR可记为PR；靶病灶曾行局部治疗或未评估时可记为NE。",
    on_missing="not evaluable before the start, after a progression, where a target is not listed or the sum lacks its diameter, for a PD that no complete list denies, or for a CR or PR after a treatment whose lesion is not named: these are asked elsewhere",
    on_missing_zh="治疗开始前、进展之后、靶病灶未列全或径线和缺径线、PD未被完整病灶记录否定，或所治病灶未注明的局部治疗之后记为CR/PR时无法判定：均在别处询问",
)
def recorded_response_agrees_with_lesions() -> pl.Expr:
    """Up to the first progression the recorded response is the derived one, or one that the targets allow.

    A PR that still holds may be called PR. NE may be recorded where a target was treated locally or not assessed.
    """
    recorded, derived, target = pl.col("recorded_response"), pl.col("derived_response"), pl.col("target_response")
    is_open_progression = (recorded == Response.PD.value) & ~pl.col("is_recorded_set_aside")
    is_shown = derived.eq_missing(Response.PD.value)
    is_unlisted = (derived == Response.NE.value) & (pl.col("unlisted_target_number") > 0)
    is_unmeasured = lacks_diameter() & (
        (recorded == Response.PD.value) | (pl.coalesce(derived, target) == Response.NE.value)
    )
    is_unknown = (is_unlisted | is_unmeasured | _is_treated_without_name()).fill_null(value=False)
    is_open = pl.col("has_progressed_before") | (is_open_progression & ~is_shown) | is_unknown
    is_held = pl.col("has_partial_response_before") & (recorded == Response.PR.value)
    stands = (recorded == Response.NE.value) & (pl.col("response") == Response.NE.value)
    by_list = (recorded == derived) | (is_held & (derived == Response.SD.value)) | stands
    by_targets = (recorded == target) | (is_held & (target == Response.SD.value)) | _is_complete_of_targets()
    return pl.when(~is_open & recorded.is_not_null()).then(
        pl.when(derived.is_not_null()).then(by_list).otherwise(by_targets)
    )


def _is_treated_without_name() -> pl.Expr:
    """A CR or PR where some lesion was treated and is not named: the procedure is asked, and the answer settles the response."""
    is_after = pl.col("first_unnamed_treatment_date") <= pl.col("imaging_date")
    is_objective = pl.col("recorded_response").is_in([Response.CR.value, Response.PR.value])
    return is_after & is_objective & (pl.col("treated_target_number") > 0)


def _is_complete_of_targets() -> pl.Expr:
    """Targets that are gone beside lesions that are left are an overall PR."""
    return (pl.col("target_response") == Response.CR.value) & (pl.col("recorded_response") == Response.PR.value)


@rule(
    table="response",
    field="recorded_response",
    severity=Severity.QUERY,
    source=RECIST,
    why="A response before therapy means that visit or date is wrong, so that the sums are compared with the wrong baseline.",
    why_zh="治疗前出现疗效，说明评估序号或日期有误，径线和会与错误的基线比较。",
    en="A response is recorded at an assessment whose images, or the response itself, are dated on or before the start of therapy (without "
    "dates: at visit 0). Please check the visit number and the dates.",
    zh="影像或疗效评估日期在治疗开始当日或之前的评估（无日期时为评估序号0）记录了疗效，请核对评估序号及日期。",
    passes_where_zh="治疗开始前无疗效记录。",
    on_missing="an empty response passes; one after visit 0 that is dated before the start is asked by its date alone",
    on_missing_zh="疗效缺失者通过；评估序号大于0而日期早于治疗开始者，仅就日期询问",
)
def baseline_has_no_response() -> pl.Expr:
    """Before therapy no response is recorded."""
    own_days = compute_days_between(pl.col("first_line_start_date"), pl.col("assessment_date"))
    is_before = (pl.coalesce(own_days, "assessment_days") <= 0).fill_null(value=False) | ~pl.col("is_follow_up")
    is_asked_elsewhere = (pl.col("visit_number") > 0) & (own_days < 0).fill_null(value=False)
    return pl.when(~is_asked_elsewhere).then(is_implied(is_before, pl.col("recorded_response").is_null()))

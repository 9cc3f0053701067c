"""Every threshold of the data-quality output, each with its reason; change them here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from etl.pages.text import Text
from schemas.codes import LabTest
from schemas.contract import read_contract
from schemas.tables import TABLES


@dataclass(frozen=True)
class Threshold:
    """A limit and why it is set there; `value` is a rate between 0 and 1 unless said otherwise."""

    value: float
    reason: Text


REQUIRED = Threshold(
    0.95,
    Text(
        "Without this value a patient cannot be analysed (criterion E4); more than 5 % lost would bias the comparison.",
        "缺少该项的患者无法纳入分析（E4）；缺失超过5%会使比较产生偏倚。",
    ),
)
EXPECTED = Threshold(
    0.90,
    Text(
        "The study asks for this value; below 90 % the column is probably not filled or not mapped as it should be.",
        "本研究需要该项；低于90%通常说明该列未填写或对应关系有误。",
    ),
)
PLAUSIBLE = Threshold(
    0.98,
    Text(
        "Up to 2 % of true values may be extreme; more points to a wrong unit or a wrong column.",
        "真实数据中极端值可达2%；更多则提示单位或列有误。",
    ),
)
CODES = Threshold(
    1.0,
    Text("Only the registry's codes may be loaded; another one is a fault of the loading.", "只能载入登记库的编码。"),
)
KEY = Threshold(
    1.0,
    Text("Two records with one key would count a patient twice.", "同一主键出现两条记录会使患者被重复计数。"),
)
VOLUME = Threshold(
    0.80,
    Text(
        "Every delivery holds all patients so far; over 20 % fewer records than last time: something is missing.",
        "每次数据应包含至今全部患者；比上次减少20%以上说明有遗漏。",
    ),
)
NOT_EMPTY = Threshold(
    1,
    Text("At least one record: without it no patient can be analysed.", "至少一条记录：否则无患者可分析。"),
)
MEDIAN_FACTOR = Threshold(
    3,
    Text(
        "A median 3 times above or below that of the other hospitals points to another unit (g/dL for g/L: factor 10).",
        "中位数与其他医院相差3倍以上，提示单位不同（如g/dL与g/L相差10倍）。",
    ),
)
MEDIAN_MIN_VALUES = 20
MEDIAN_FIELDS = {  # AFP and HBV DNA are left out: their medians differ by orders of magnitude between honest hospitals
    ("baseline", "tumour_size_cm"), ("baseline", "body_weight_kg"), ("lesion", "diameter_mm"),
    ("response", "target_sum_mm"),
    *(("laboratory", test.value) for test in LabTest if test not in {LabTest.AFP, LabTest.HBV_DNA, LabTest.HBV_DNA_COPIES}),
}  # fmt: skip

DRIFT_DISTANCE = Threshold(
    0.20,
    Text(
        "One patient in five would have to change level: more than honest hospitals of one study differ by; points to "
        "another unit, another coding or other patients. Below p = 0.001 chance does not explain it, with some twenty fields "
        "looked at in each hospital.",
        "五分之一的患者需改变分层才能一致：超出同一研究中各医院的正常差异，提示单位、编码或患者人群不同。p<0.001说明并非偶然（每家医院约比较二十项）。",
    ),
)
DRIFT_P = 0.001
EVERYWHERE = Threshold(
    0.05,
    Text(
        "At least one record in twenty fails in every hospital: rather a rule that is wrong than so many hospitals that are.",
        "每家医院均有5%以上记录不符：更可能是规则有误，而非各医院都错。",
    ),
)
ONE_PLACE = Threshold(
    0.10,
    Text(
        "One record in ten fails here and at most one in fifty anywhere else: rather a mapping that is wrong than the entries.",
        "仅此一家有10%以上记录不符，其他医院均不超过2%：更可能是字段对应有误，而非填写错误。",
    ),
)
ELSEWHERE_RATE = 0.02
RULE_MIN_RECORDS = 20
OPEN_QUESTIONS = Threshold(
    0.05,
    Text(
        "An open question about a value that enters a result; with more than 5 % of the analysed patients the results may still move.",
        "对进入分析结果的值仍有疑问；超过5%的入组患者有疑问时，结果仍可能改变。",
    ),
)
WAITING = Threshold(
    0.05,
    Text(
        "Patients who may still come in by an answer; leaving out more than 5 % for missing values would bias the comparison.",
        "补充数据后可能入组的患者；因缺失排除超过5%会使比较产生偏倚。",
    ),
)
NONE_LEFT = Threshold(
    0,
    Text("Nothing of this kind may be left when the study is analysed.", "正式分析前不应有此类遗留。"),
)
NEEDED_TABLES = ("patient", "baseline", "laboratory", "treatment", "outcome")
BASELINE_TABLE = "laboratory"
BASELINE_TESTS = (LabTest.ALT, LabTest.AST, LabTest.BILIRUBIN, LabTest.ALBUMIN, LabTest.AFP)
ALTERNATIVES = {
    ("patient", "birth_date"): "age_years",
    ("outcome", "last_contact_date"): "overall_survival_days",
    ("response", "assessment_date"): "assessment_days",
}
_REQUIRED_FIELDS = {
    ("patient", "sex"), ("patient", "birth_date"), ("baseline", "tumour_size_cm"), ("baseline", "tumour_number"),
    ("baseline", "metastasis_site_number"), ("baseline", "hbsag"), ("baseline", "has_antiviral_therapy"),
    ("baseline", "has_cirrhosis"), ("baseline", "has_portal_hypertension"), ("baseline", "has_tace"),
    ("treatment", "start_date"), ("outcome", "vital_status"), ("outcome", "last_contact_date"),
}  # fmt: skip


def find_completeness_threshold(table: str, name: str) -> Threshold | None:
    """Return how complete a field must be, or None where it need not be filled at all.

    `name` is a field of the contract or, for the laboratory, a baseline test.
    """
    if (table, name) in _REQUIRED_FIELDS or (table == BASELINE_TABLE and name in set(BASELINE_TESTS)):
        return REQUIRED
    spec = read_contract(TABLES[table]).get(name)
    return EXPECTED if spec and spec.is_expected else None

"""Chinese names of the columns that a rule may see and that no hospital sends: facts of `schemas/derive.py`."""

from __future__ import annotations

from schemas.codes import Arm, Code, LabTest, LesionRole, Organ, ResponseCriteria
from schemas.contract import read_contract
from schemas.definitions.vein_text import Said
from schemas.tables import TABLES

DERIVED_NAMES = {
    "assessment_date_before": "前一次评估日期",
    "diameter_before_mm": "前一次径线",
    "measured_before_mm": "此前最后一次测得的径线",
    "modality_before": "前一次影像检查方式",
    "sample_date_before_by_day": "前一次采样日期（按日期）",
    "sample_date_of_visit_before": "前一次访视的采样日期",
    "value_before_by_day": "前一次结果（按日期）",
    "value_before_by_day_comparator": "前一次结果的符号（按日期）",
    "adverse_event_number": "不良反应记录数",
    "albi_grade": "ALBI分级",
    "arm": "治疗组",
    "assessment_gap_days": "距前一次评估天数",
    "baseline_imaging_date": "基线影像日期",
    "baseline_liver_diameter_mm": "基线肝内病灶最大径线",
    "baseline_liver_lesion_number": "基线肝内病灶数",
    "baseline_non_target_number": "基线非靶病灶数",
    "baseline_outside_lesion_number": "基线肝外病灶数",
    "baseline_portal_vein_lesion_number": "基线门静脉病灶数",
    "baseline_sample_date": "基线采样日期",
    "baseline_sum_mm": "基线径线和",
    "baseline_value": "基线值",
    "child_pugh_class_from_points_or_record": "Child-Pugh分级（计算或所填）",
    "child_pugh_points": "Child-Pugh积分",
    "combined_tace_number": "联合TACE次数",
    "derived_progression_date": "推算的进展日期",
    "derived_response": "推算的疗效",
    "earlier_line_end_date": "前线末次用药日期",
    "earlier_line_start_date": "前线开始日期",
    "first_ablation_date": "首次消融日期",
    "first_event_onset_date": "首个不良反应发生日期",
    "first_lesion_image_date": "该次病灶影像最早日期",
    "first_line_start_date": "一线治疗开始日期",
    "first_missing_diameter_date": "靶病灶首次缺径线的影像日期",
    "first_procedure_date": "首次局部治疗日期",
    "first_progression_date": "首次进展日期",
    "first_progression_days": "至首次进展天数",
    "first_resection_date": "首次切除日期",
    "first_unnamed_treatment_date": "首次未注明病灶的局部治疗日期",
    "follow_up_assessment_number": "基线后评估次数",
    "has_baseline_conflict": "基线日结果相互矛盾",
    "has_baseline_imaging": "有基线影像",
    "has_baseline_record": "有基线记录",
    "has_bilirubin_event": "有胆红素相关不良反应",
    "has_lesions": "该次评估列有病灶",
    "has_next_event_within": "恢复前同名不良反应再次发生",
    "has_outcome_record": "有结局记录",
    "has_partial_response_before": "此前已达PR",
    "has_pd1_drugs_at_once": "同一时期使用两种PD-1抑制剂",
    "has_peritoneal_metastasis": "有腹膜转移",
    "has_progressed_before": "此前已进展",
    "has_response_record": "该次评估有疗效记录",
    "has_tace_with_therapy": "联合TACE",
    "has_whole_at_baseline": "原病灶为基线病灶",
    "hbv_dna_level": "HBV DNA水平",
    "hepatic_vein_text": "文字描述的肝静脉癌栓",
    "imaging_date": "评估的影像日期",
    "is_as_before": "与前一次相同",
    "is_before_start": "治疗开始前的影像",
    "is_begun_together": "28天内先后开始",
    "is_dead": "已死亡",
    "is_follow_up": "基线后的评估",
    "is_given_together": "同时使用",
    "is_in_earlier_line_too": "相同时间段内亦记于前线",
    "is_named_lesion_listed": "所注明的病灶已列出",
    "is_progression_derived": "病灶或径线和显示PD",
    "is_recorded_set_aside": "所记PD被完整病灶记录否定",
    "kinase_inhibitor_number": "一线酪氨酸激酶抑制剂数",
    "laboratory_number": "检验记录数",
    "last_adequate_assessment_days": "末次有效评估距治疗开始天数",
    "last_contact_or_death_date": "末次随访或死亡日期",
    "last_lesion_image_date": "该次病灶影像最晚日期",
    "last_objective_response_date": "末次CR或PR的日期",
    "later_line_start_date": "后线开始日期",
    "listed_lesion_number": "该器官所列病灶数",
    "listed_new_lesion_number": "所列新病灶数",
    "merged_into_role": "与之融合病灶的类型",
    "metastasis_lesion_number": "各器官转移灶数之和",
    "metastasis_organ_number": "转移器官数",
    "named_lesion_organ": "所注明病灶的部位",
    "named_lesion_share_left": "所注明病灶的剩余比例",
    "next_line_start_date": "后线治疗开始日期",
    "non_target_response": "非靶病灶疗效",
    "pd1_drug_number": "一线PD-1抑制剂数",
    "pd1_start_date": "首个PD-1抑制剂开始日期",
    "pvtt_text_type": "文字描述的门静脉癌栓分型",
    "pvtt_type_from_text_or_code": "门静脉癌栓分型（文字或编码）",
    "read_progression_date": "阅片所记进展日期",
    "recorded_response_before": "前一次所记疗效",
    "repeats_line_before": "与前一线药物完全相同",
    "response": "采用的疗效",
    "sample_value": "距发生日期最近的检验值",
    "tace_number": "TACE次数",
    "source_row": "行号",
    "target_response": "靶病灶疗效",
    "target_sum_from_lesions_or_record_mm": "靶病灶径线和（计算或所填）",
    "treated_target_number": "局部治疗的靶病灶数",
    "treatment_days": "治疗天数",
    "treatment_number": "系统治疗记录数",
    "tumour_size_text_cm": "文字描述的最大径",
    "tumour_size_text_number": "文字描述的病灶数",
    "unlisted_metastasis_organ_number": "未列为转移器官的肝外器官数",
    "unlisted_target_number": "未列出的靶病灶数",
    "unmeasured_liver_lesion_number": "未测量的肝内病灶数",
    "value_after": "后一次结果",
    "value_before": "前一次结果",
    "vena_cava_or_atrium_text": "文字描述的下腔静脉或心房癌栓",
    "visit_position": "评估次序（按日期）",
    "worst_value": "不良反应期间最差值",
}
_SAID = {Said.AFFIRMED.value: "肯定", Said.DENIED.value: "否定", Said.UNCERTAIN.value: "未能确定"}
_CODES_OF_DERIVED: dict[str, type[Code]] = {
    "arm": Arm, "merged_into_role": LesionRole, "named_lesion_organ": Organ, "criteria": ResponseCriteria,
}  # fmt: skip
_COMPARATOR = "_comparator"
_TESTS = {test.value: test.zh for test in LabTest}
_TESTS_BY_NAME = {test.name.lower(): test.zh for test in LabTest}


def find_chinese_name(column: str, table: str) -> str | None:
    """Return the Chinese name of a column that a rule on a table sees; None where nobody has given it one."""
    if (own := TABLES.get(table)) and column in read_contract(own):
        return read_contract(own)[column].zh.split("（", 1)[0]
    if column in DERIVED_NAMES:
        return DERIVED_NAMES[column]
    if column in _TESTS:
        return f"基线{_TESTS[column]}"
    if column.removesuffix(_COMPARATOR) in _TESTS_BY_NAME:
        return f"基线{_TESTS_BY_NAME[column.removesuffix(_COMPARATOR)]}的符号"
    fields = (read_contract(table)[column].zh for table in TABLES.values() if column in read_contract(table))
    return next(fields, "").split("（", 1)[0] or None


def find_chinese_value(column: str, table: str, value: str) -> str:
    """Return the Chinese label of a code; of what is no code the text itself."""
    if column.endswith("_text") and value in _SAID:
        return _SAID[value]
    holders = [TABLES[table]] if table in TABLES and column in read_contract(TABLES[table]) else list(TABLES.values())
    codes = next((c for t in holders if (f := read_contract(t).get(column)) and (c := f.codes)), None)
    codes = codes or _CODES_OF_DERIVED.get(column)
    return next((code.zh for code in codes or () if code.value == value), value)

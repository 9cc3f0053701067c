"""Every enumeration of the registry: the code stored in the warehouse and its Chinese label.

A hospital's own codes are translated to these by `etl/sites/<hospital>/codes.csv`.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """A stored code with its Chinese label in `zh`."""

    zh: str

    def __new__(cls, value: str, zh: str) -> Code:  # noqa: D102 (StrEnum's constructor)
        code = str.__new__(cls, value)
        code._value_ = value
        code.zh = zh
        return code


class Sex(Code):
    """Sex as recorded by the hospital."""

    MALE = "male", "男"
    FEMALE = "female", "女"


class TumourType(Code):
    """Histological or clinical type of the primary liver tumour."""

    HCC = "hcc", "肝细胞癌"
    CHOLANGIOCARCINOMA = "cholangiocarcinoma", "肝内胆管癌"
    MIXED = "mixed", "混合型肝细胞癌-胆管癌"
    OTHER = "other", "其他"


class DiagnosisBasis(Code):
    """How hepatocellular carcinoma was diagnosed (I1)."""

    HISTOLOGY = "histology", "病理诊断"
    CLINICAL_AASLD = "clinical_aasld", "临床诊断（AASLD标准）"
    OTHER = "other", "其他"


class BclcStage(Code):
    """Barcelona Clinic Liver Cancer stage as recorded."""

    STAGE_0 = "0", "0期"
    STAGE_A = "A", "A期"
    STAGE_B = "B", "B期"
    STAGE_C = "C", "C期"
    STAGE_D = "D", "D期"


class ChildPughClass(Code):
    """Child-Pugh class."""

    A = "A", "A级"
    B = "B", "B级"
    C = "C", "C级"


class Ascites(Code):
    """Ascites as Child-Pugh counts it: none 1, mild 2, moderate or more 3 points."""

    NONE = "none", "无"
    MILD = "mild", "轻度"
    MODERATE_OR_MORE = "moderate_or_more", "中度及以上"


class PvttType(Code):
    """Portal vein tumour thrombus, Cheng's type."""

    NONE = "0", "无"
    TYPE_I = "I", "I型"
    TYPE_II = "II", "II型"
    TYPE_III = "III", "III型"
    TYPE_IV = "IV", "IV型"


class Serology(Code):
    """Result of a qualitative test such as HBsAg."""

    NEGATIVE = "negative", "阴性"
    POSITIVE = "positive", "阳性"


class Organ(Code):
    """Where a lesion lies; every organ but the liver and its portal vein (a tumour thrombus) is extrahepatic."""

    LIVER = "liver", "肝"
    LUNG = "lung", "肺"
    BONE = "bone", "骨"
    LYMPH_NODE = "lymph_node", "淋巴结"
    ADRENAL = "adrenal", "肾上腺"
    PERITONEUM = "peritoneum", "腹膜"
    BRAIN = "brain", "脑"
    OTHER = "other", "其他"
    PORTAL_VEIN = "portal_vein", "门静脉（癌栓）"


INTRAHEPATIC_ORGANS = (Organ.LIVER.value, Organ.PORTAL_VEIN.value)
"""Organs in which nothing is an extrahepatic metastasis: a thrombus in the portal vein is macrovascular invasion."""


class LabTest(Code):
    """A laboratory quantity in its canonical unit."""

    ALT = "alt_u_l", "谷丙转氨酶"
    AST = "ast_u_l", "谷草转氨酶"
    BILIRUBIN = "bilirubin_umol_l", "总胆红素"
    ALBUMIN = "albumin_g_l", "白蛋白"
    AFP = "afp_ng_ml", "甲胎蛋白"
    HBV_DNA = "hbv_dna_iu_ml", "乙肝病毒DNA"
    HBV_DNA_COPIES = "hbv_dna_copies_ml", "乙肝病毒DNA（拷贝数）"
    INR = "inr", "国际标准化比值"
    PT_PROLONGATION = "pt_prolongation_s", "凝血酶原时间延长"
    PLATELETS = "platelets_10e9_l", "血小板"
    CREATININE = "creatinine_umol_l", "肌酐"


class Comparator(Code):
    """What a laboratory value says: the value itself, a bound, or that nothing was found."""

    EQUAL = "=", "等于"
    BELOW = "<", "低于"
    AT_MOST = "<=", "不高于"
    ABOVE = ">", "高于"
    AT_LEAST = ">=", "不低于"
    NOT_DETECTED = "not_detected", "未检出"


class LesionRole(Code):
    """Role of a lesion in RECIST 1.1."""

    TARGET = "target", "靶病灶"
    NON_TARGET = "non_target", "非靶病灶"
    NEW = "new", "新病灶"


class LesionStatus(Code):
    """What an assessment says of a lesion besides its diameter."""

    MEASURED = "measured", "已测量"
    PRESENT = "present", "存在"
    ABSENT = "absent", "消失"
    TOO_SMALL = "too_small", "过小无法测量"
    PROGRESSION = "progression", "明确进展"
    NOT_ASSESSED = "not_assessed", "未评估"
    EQUIVOCAL = "equivocal", "可疑（未确定）"
    MERGED = "merged", "已融合"


STATUS_WITH_DIAMETER = (LesionStatus.MEASURED, LesionStatus.PRESENT, LesionStatus.PROGRESSION)
"""What is said of a target that is there and large enough to be measured: it has a diameter."""


class Evidence(Code):
    """What a counted response or progression rests on."""

    COMPLETE_LIST = "complete_list", "完整病灶记录"
    TARGETS = "targets", "靶病灶"
    NON_TARGETS = "non_targets", "非靶病灶"
    NEW_LESION = "new_lesion", "新病灶"
    TARGET_SUM = "target_sum", "靶病灶径线和"
    RECORDED_RESPONSE = "recorded_response", "记录的疗效"
    OUTCOME = "outcome", "结局记录"
    CLINICAL = "clinical", "临床进展"
    DEATH = "death", "死亡"


class ProgressionBasis(Code):
    """On what a recorded progression rests."""

    IMAGING = "imaging", "影像学进展"
    CLINICAL = "clinical", "临床进展"


class ResponseCriteria(Code):
    """Criteria by which a response was read."""

    RECIST_1_1 = "recist_1_1", "RECIST 1.1"
    MRECIST = "mrecist", "mRECIST"


class Response(Code):
    """Overall response of one assessment."""

    CR = "CR", "完全缓解"
    PR = "PR", "部分缓解"
    SD = "SD", "疾病稳定"
    PD = "PD", "疾病进展"
    NE = "NE", "无法评估"


class NonTargetResponse(Code):
    """Response of the non-target lesions at one assessment."""

    CR = "CR", "完全缓解"
    NON_CR_NON_PD = "non_cr_non_pd", "非CR/非PD"
    PD = "PD", "明确进展"
    NE = "NE", "无法评估"


class Modality(Code):
    """Imaging modality of an assessment."""

    CT = "ct", "CT"
    MRI = "mri", "MRI"
    OTHER = "other", "其他"


class Drug(Code):
    """Systemic anticancer drug."""

    LENVATINIB = "lenvatinib", "仑伐替尼"
    SORAFENIB = "sorafenib", "索拉非尼"
    PEMBROLIZUMAB = "pembrolizumab", "帕博利珠单抗"
    NIVOLUMAB = "nivolumab", "纳武利尤单抗"
    SINTILIMAB = "sintilimab", "信迪利单抗"
    TORIPALIMAB = "toripalimab", "特瑞普利单抗"
    CAMRELIZUMAB = "camrelizumab", "卡瑞利珠单抗"
    OTHER = "other", "其他"


class StopReason(Code):
    """Why a drug was stopped."""

    PROGRESSION = "progression", "疾病进展"
    TOXICITY = "toxicity", "不良反应"
    DEATH = "death", "死亡"
    PATIENT_CHOICE = "patient_choice", "患者意愿"
    OTHER = "other", "其他"


class ProcedureType(Code):
    """Locoregional procedure."""

    TACE = "tace", "经动脉化疗栓塞"
    HAIC = "haic", "肝动脉灌注化疗"
    ABLATION = "ablation", "消融"
    RADIOTHERAPY = "radiotherapy", "放疗"
    RESECTION = "resection", "切除"
    OTHER = "other", "其他"


class AdverseEventTerm(Code):
    """CTCAE term, as far as the study reports it."""

    HAND_FOOT_SKIN_REACTION = "hand_foot_skin_reaction", "手足皮肤反应"
    HYPERTENSION = "hypertension", "高血压"
    DIARRHOEA = "diarrhoea", "腹泻"
    FATIGUE = "fatigue", "乏力"
    DECREASED_APPETITE = "decreased_appetite", "食欲下降"
    RASH = "rash", "皮疹"
    PROTEINURIA = "proteinuria", "蛋白尿"
    HYPOTHYROIDISM = "hypothyroidism", "甲状腺功能减退"
    ALT_INCREASED = "alt_increased", "谷丙转氨酶升高"
    AST_INCREASED = "ast_increased", "谷草转氨酶升高"
    BILIRUBIN_INCREASED = "bilirubin_increased", "胆红素升高"
    PLATELETS_DECREASED = "platelets_decreased", "血小板减少"
    PNEUMONITIS = "pneumonitis", "非感染性肺炎"
    NAUSEA = "nausea", "恶心"
    OTHER = "other", "其他"


class CtcaeVersion(Code):
    """Version of the CTCAE by which an event was graded."""

    V4 = "4.03", "4.03版"
    V5 = "5.0", "5.0版"


class VitalStatus(Code):
    """Whether the patient was alive at the last contact."""

    ALIVE = "alive", "存活"
    DEAD = "dead", "死亡"


class Arm(Code):
    """First systemic therapy as the study compares it; `other` is neither combination."""

    SORA_PD1 = "sora_pd1", "索拉非尼+PD-1"
    LEN_PD1 = "len_pd1", "仑伐替尼+PD-1"
    OTHER = "other", "其他方案"


class Severity(Code):
    """What a finding asks for: `reject` quarantined the record, `query` asks the hospital, `note` only tells."""

    REJECT = "reject", "拒收"
    QUERY = "query", "质疑"
    NOTE = "note", "提示"

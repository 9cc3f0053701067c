"""Portal vein tumour thrombus (PVTT), Cheng's type, read from the radiologist's words in Chinese or English.

Source: Cheng's type as the study's protocol and the Chinese expert consensus give it (Cheng S et al., Oncotarget
2017;8:8867-8876, doi:10.18632/oncotarget.12817): 0 none; I segmental or sectoral branches; II left and/or right portal
vein; III main trunk; IV superior mesenteric vein. Several sites: the highest counts.
What is not recognised is null, never "none".
"""

from __future__ import annotations

import polars as pl

from schemas.codes import PvttType

# A clause is the unit of negation: "主干未见癌栓，右支癌栓形成" is type II.
_CLAUSE_BREAK = r"[，。；;,\n]|\. |但|\bbut\b|\bhowever\b"
_NOT_REACHING = r"(?:未|不)(?:累及|侵及|侵犯|达|及|延伸|延及|进入|超过)"
_NEGATION = (
    rf"未见|未发现|未受累|{_NOT_REACHING}|无|没有|阴性|通畅|正常|(?:显影|显示|充盈)(?:良好|清晰|清楚|好)"
    r"|\bno\b|\bnot\b|\bwithout\b|\bpatent\b|\bclear\b|\babsent\b|\bnegative\b|\bnormal\b"
)
_THROMBUS = r"栓|充盈缺损|thromb|filling defect|\bpvtt?\b"
# A vessel that is only pressed, wide or narrow holds no thrombus by that: the clause says nothing.
_OTHER_CHANGE = (
    r"受压|推移|增宽|增粗|扩张|变窄|狭窄|变细|海绵样变|\bcompress|\bdisplac|\bdilat|\bwiden|\bnarrow|\bcavernous"
)
# A clause about a vessel's calibre, course or neighbours places no thrombus, unless it names one.
_NO_PLACE = (
    r"直径|内径|管径|宽|旁|周围|周边|邻|压迫|包绕|走行|形态|强化|显示|显影|充盈|淋巴结"
    r"|\bdiameter\b|\bmeasur|\d ?(?:mm|cm)\b|\bbeside\b|\badjacent\b|\bnodes?\b"
)
_INVASION = r"侵犯|侵及|累及|受累|受侵|浸润|闭塞|\binva[ds]|\binvolv|\bocclu|\bencas"
_UNCERTAIN = (
    r"无法|不能|不清|不详|可疑|疑似|可能|待排|不除外|鉴别|未评估|未检查|未提供|无数据|无资料|无记录|消失|溶解|取出|支架|[?]"
    r"|\bcannot\b|\bpossibl[ey]\b|\bprobabl[ey]\b|\blikely\b|\bmay be\b|\bsuspicious\b|\bsuspected\b|\bunclear\b"
    r"|\bequivocal\b|\bexclude|\brule[d]? out\b|\bstent"
    r"|\bnot (?:assess|evalua|availab|record|done|known)"
)
# Not read: "主干无癌栓 右支癌栓", where a blank after a Chinese negation may end its clause or not; "右支主干", which may be
# the right branch's stem (II) or the right branch and the main trunk (III).
_UNCLEAR_BREAK = r"(?:未见|无|没有|未)\S*\s+\S*(?:左|右|主干|总干|分支|段支|肠系膜)|(?:左|右)支(?:主|总)干"
# "右支癌栓未累及主干" affirms, then negates: a clause ends where the thrombus is said not to reach.
_REACH = rf"(栓(?:形成)?|充盈缺损)((?:尚)?{_NOT_REACHING})"
_REACH_EN = (
    r"((?:\bthromb|\bfilling defect)[^\x1f]*?)(\b(?:do(?:es)? )?not (?:extend(?:ing)?|reach(?:ing)?|involving|invading)\b"
    r"|\bwithout (?:extension|extending|reaching|involving|involvement))"
)
# A blood clot in the portal vein is no tumour thrombus; which of them is meant, the hospital must say.
_CLOT = r"血栓|\bbland\b"
_TUMOUR_THROMBUS = r"癌栓|瘤栓|tumou?r"
_OTHER_VESSEL = r"肝静脉|肝[左中右]静脉|肝动脉|胆管|腔静脉|\bhepatic (?:vein|artery)|\bbile duct|\bvena cava|\bivc\b"
_PORTAL = r"门静脉|门脉|肠系膜|\bportal\b|\bpvtt?\b|mesenteric|\bsmv\b"
_NONE = (
    r"^(?:(?:pvtt|(?:门静脉|门脉)?癌栓)\s*:?\s*)?(?:\(-\)|无|未见|没有|阴性|否|none|no|absent|negative|0|0型|type 0)$"
)
_STATED_TYPE = r"^(?:pvtt|门静脉癌栓|门脉癌栓|程氏|cheng(?:'s)?|type|分型|\s|[:(])*({})\s*(?:型|类|级)?[)]?$"
_SIDE = r"\b(?:left|right|bilateral|both|first[- ]order)"

# Highest type first. "肠系膜上静脉" is the superior mesenteric vein, "主干" the main trunk.
_SITES: tuple[tuple[PvttType, str], ...] = (
    (PvttType.TYPE_IV, r"肠系膜上静脉|superior mesenteric|\bsmv\b"),
    (PvttType.TYPE_III, r"主干|总干|\bmain (?:portal|trunk|pv|stem|branch)|^main$|\btrunk\b|\bmpv\b"),
    (
        PvttType.TYPE_II,
        r"一级分支|(?:左|右|左右|双侧|一级)(?:、|及|和|/)?(?:左|右)?(?:门静脉|门脉|主支|干|支)|门(?:静)?脉(?:左|右)"
        rf"|{_SIDE}(?:(?:,| and| or|/) ?(?:left|right))?(?: main)? ?(?:portal|pv|branch)|portal vein,? \(?(?:left|right)",
    ),
    (
        PvttType.TYPE_I,
        r"分支|段支|段级|叶支|亚段|二级|三级|(?:前|后|内|外)(?:上|下)?(?:叶)?支|s[1-8]段?(?:门静脉)?支"
        r"|\bsegment(?:al)?(?: [1-8])? (?:branch|portal|pv|thromb)|\bsectoral\b|\bbranch(?:es)?\b|\bsecond[- ]order\b",
    ),
)
# Words that make a side's branch a sectoral one: "右前支", "右支分支", "right anterior branch", "left segmental branch".
_SECTORAL = (
    r"(?:左|右)(?:前|后|内|外)(?:、|及|和|/)(?:左|右)?(?:前|后|内|外)(?:叶)?支|(?:左|右)(?:叶)?(?:前|后|内|外)(?:上|下)?(?:叶)?(?:支|段)|(?:左|右)(?:叶)?(?:段支|段级|分支|二级|三级)"
    r"|(?:左|右)(?:侧)?支(?:的)?(?:分支|段支)"
    r"|\b(?:left|right)[ -](?:anterior|posterior|medial|lateral|segment\w*|sector\w*)(?: \w+)*"
)
_ROMAN = {
    PvttType.TYPE_I: "ⅰ|i|1",
    PvttType.TYPE_II: "ⅱ|ii|2",
    PvttType.TYPE_III: "ⅲ|iii|3",
    PvttType.TYPE_IV: "ⅳ|iv|4",
}


def compute_pvtt_type(text: pl.Expr) -> pl.Expr:
    """Return Cheng's type '0'-'IV' of a description; null where it is empty or not recognised.

    The text is cut into clauses. A clause that names a site without negating it gives that site's type; the highest of
    all clauses counts. Only if no clause affirms a site or a thrombus, a negation gives '0'. Where a thrombus is
    denied and none is named besides, a site alone is not read, nor is a doubt ("可疑", "显示不清").
    """
    normalised = text.str.normalize("NFKC").str.to_lowercase().str.strip_chars(" \t\n.。")
    ended = normalised.str.replace_all(_CLAUSE_BREAK, "\x1f")
    for reach in (_REACH, _REACH_EN):
        ended = ended.str.replace_all(reach, "${1}\x1f${2}")
    clauses = ended.str.split("\x1f")
    negated = pl.element().str.contains(_NEGATION)
    is_elsewhere = pl.element().str.contains(_OTHER_VESSEL) & ~pl.element().str.contains(_PORTAL)
    is_other = pl.element().str.contains(_OTHER_CHANGE) & ~pl.element().str.contains(_THROMBUS)
    names_one = pl.element().str.contains(f"{_THROMBUS}|{_INVASION}")
    is_bare = pl.element().str.contains(_NO_PLACE) & ~names_one
    is_affirmed = ~negated & ~is_elsewhere & ~is_other & ~is_bare
    affirmed = clauses.list.eval(pl.when(is_affirmed).then(pl.element())).list.join("\n")
    has_named = clauses.list.eval(is_affirmed & names_one).list.any()
    is_denied = clauses.list.eval(negated & pl.element().str.contains(_THROMBUS)).list.any() & ~has_named
    has_negation = clauses.list.eval(negated).list.any()
    without_sectoral = affirmed.str.replace_all(_SECTORAL, "<sector>")
    is_clot = pl.element().str.contains(_CLOT) & ~pl.element().str.contains(_TUMOUR_THROMBUS) & ~negated
    is_doubtful = (
        clauses.list.eval(is_clot).list.any()
        | normalised.str.contains(_UNCERTAIN)
        | normalised.str.contains(_UNCLEAR_BREAK)
        | (is_denied & affirmed.str.contains("|".join(pattern for _, pattern in _SITES)))
    )
    read = pl.when(is_doubtful).then(None).when(normalised.str.contains(_NONE)).then(pl.lit(PvttType.NONE.value))
    for code, numerals in _ROMAN.items():
        read = read.when(normalised.str.contains(_STATED_TYPE.format(numerals))).then(pl.lit(code.value))
    for code, pattern in _SITES:
        found = without_sectoral.str.contains(pattern if code is not PvttType.TYPE_I else f"{pattern}|<sector>")
        read = read.when(found).then(pl.lit(code.value))
    is_free = has_negation & ~affirmed.str.contains(_THROMBUS)
    return read.when(is_free).then(pl.lit(PvttType.NONE.value))

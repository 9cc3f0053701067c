"""Reports about veins composed from vessels, what is said of them, and punctuation: the meaning is known because it was there first. SYNTHETIC.

Nothing of the registry's grammar is used here. A meaning is Cheng's type (None: a careful reader asks) and what is said of
the vena cava or atrium, the hepatic veins and other veins (affirmed, denied, uncertain, or None: not named).
"""

RANK = ("0", "I", "II", "III", "IV")
NOT_NAMED = (None, None, None)
ZH, EN = 0, 1

# One name of a kind is drawn for a report, so that no vessel is named twice.
PORTAL = {
    "IV": (("肠系膜上静脉", "SMV"), ("superior mesenteric vein", "SMV")),
    "III": (("门静脉主干", "门脉主干", "主干", "门脉干", "MPV", "门静脉总干"), ("main portal vein", "main trunk", "portal trunk", "MPV")),
    "II": (
        ("门静脉左支", "门静脉右支", "门脉左右支", "门静脉一级分支", "左支", "门静脉左、右支", "RPV", "LPV", "门静脉右支起始部"),
        ("left portal vein", "right branch of the portal vein", "right portal vein", "left and right portal veins", "RPV", "LPV"),
    ),
    "I": (
        ("门静脉右前支", "门静脉左外叶段支", "门静脉分支", "右后支", "门静脉二级分支", "右支部分分支", "S8段支", "门静脉左内支"),
        ("segmental branch", "right anterior branch", "left medial portal branch", "segment 8 branch", "right posterior portal vein"),
    ),
}  # fmt: skip
CAVA, HEPATIC, OTHER = "cava", "hepatic", "other"
ELSEWHERE = {
    CAVA: (("下腔静脉", "右心房", "IVC", "肝后段下腔静脉"), ("IVC", "inferior vena cava", "right atrium")),
    HEPATIC: (("肝静脉", "肝右静脉", "肝中静脉", "RHV"), ("hepatic vein", "right hepatic vein", "middle hepatic vein")),
    OTHER: (("脾静脉", "左肾静脉"), ("splenic vein", "left renal vein")),
}
SITES = PORTAL | ELSEWHERE

# What is said behind a vessel, or with {} around it; signs only of one vessel.
SAID = {
    "affirmed": (
        ("{}癌栓", "{}癌栓形成", "{}见充盈缺损", "{}内瘤栓", "{}受侵", "{}内可见癌栓", "{}管腔内见条状充盈缺损，考虑癌栓", "{}增宽，其内见癌栓"),
        ("thrombus in the {}", "{} tumour thrombus", "filling defect in the {}", "invasion of the {}", "tumor thrombus is seen within the {}"),
    ),
    "denied": (
        ("{}未见癌栓", "{}通畅", "{}无癌栓", "{}未受累", "{}显示清晰", "{}未见明确充盈缺损", "未见{}癌栓", "{}受压，未见癌栓"),
        ("no thrombus in the {}", "{} patent", "{} without thrombus", "{} normal", "no evidence of tumour thrombus in the {}"),
    ),
    "uncertain": (
        ("{}可疑癌栓", "{}癌栓待排", "{}未见显影", "{}癌栓不除外", "{}癌栓？", "{}显示不清", "{}未除外癌栓", "{}癌栓可能", "{}血栓", "疑{}癌栓"),
        ("possible thrombus in the {}", "{} not assessed", "suspected invasion of the {}", "{} unclear", "bland thrombus in the {}"),
    ),
    None: (("{}受压", "{}增宽", "{}内径14mm", "{}受压变窄"), ("{} compressed", "{} dilated", "{} measures 14 mm")),
}  # fmt: skip
SIGNS = {"affirmed": ("（+）", "(+)", "（＋）"), "denied": ("（-）", "(-)", "（－）"), "uncertain": ("（±）",)}
JOINED = (("、", "及", "和"), (" and ",))
BREAKS = (("，", "；", "。", "，", ","), ("; ", ", ", ". "))
REMARKS = (
    (
        "肝S8病灶",
        "肝右叶占位",
        "脾大",
        "少量腹水",
        "肝门部淋巴结肿大",
        "胆管扩张",
        "肺内多发转移瘤",
        "食管胃底静脉曲张",
        "无动静脉瘘",
    ),
    ("segment 8 lesion", "right lobe tumour", "splenomegaly", "ascites", "no bile duct dilatation", "lung metastases"),
)
STATED = {
    "0": (("0型", "Vp0"), ("type 0", "VP0")),
    "I": (("I型", "程氏I型", "Ⅰ型", "程氏Ⅰb型", "Vp1", "Vp2"), ("type I", "PVTT type 1", "Cheng type Ia", "Vp2")),
    "II": (("II型", "门静脉癌栓（Ⅱ型）", "程氏II型", "程氏分型：Ⅱb型", "Vp3"), ("type II", "Cheng's type 2", "Vp3")),
    "III": (("III型", "程氏III型", "Ⅲ级", "PVTT Ⅲa型"), ("PVTT type III", "type 3")),
    "IV": (("Ⅳ型", "程氏IV型", "Ⅳa型"), ("type IV", "Cheng type 4")),
    None: (("Vp4", "Ⅱ-Ⅲ型", "可疑Ⅲ型", "Vp2-3"), ("Vp4", "type II or III", "possible type III")),
}
NONE = (
    ("门静脉未见癌栓", "无", "门静脉通畅", "门静脉癌栓：无", "门静脉主干及左右支未见癌栓", "门静脉主干受压，未见癌栓", "PV(-)", "门静脉未受侵", "未见门静脉癌栓"),
    ("No PVTT", "portal vein patent", "none", "no thrombus in the portal vein", "main portal vein dilated, no thrombus", "PVTT: none"),
)  # fmt: skip
DOUBT = (
    ("门静脉显示不清", "门静脉主干无法评估", "左支血栓", "门静脉左右支分叉处癌栓", "门静脉右支主干癌栓", "门静脉癌栓待排", "门静脉癌栓：有", "门静脉癌栓"),
    ("possible PVTT", "not assessed", "main portal vein unclear", "bland SMV thrombus", "thrombus at the portal bifurcation", "PVTT present"),
)  # fmt: skip
NOTHING = (("见报告", "脾大", "有"), ("see report", "ascites"))

# What the texts drawn so far mean: each is drawn with its meaning, so none can have two.
VEIN_MEANING: dict[str, tuple[str | None, ...]] = {}


def draw_vein_text(draw):
    """A report about veins; its meaning is remembered."""
    text, meaning = _draw_report(draw)
    assert VEIN_MEANING.setdefault(text, meaning) == meaning, text
    return text


def _draw_report(draw):
    language = draw.one((ZH, EN))
    kind = draw.one(("none", "stated", "doubt", "nothing", "cava_type", *("sites",) * 7))
    if kind == "stated":
        meaning = draw.one(tuple(STATED))
        return draw.one(STATED[meaning][language]), (meaning, *NOT_NAMED)
    if kind == "doubt":
        return draw.one(DOUBT[language]), (None, *NOT_NAMED)
    if kind == "nothing":
        return draw.one(NOTHING[language]), (None, *NOT_NAMED)
    if kind == "cava_type":
        return draw.one(("程氏Ⅳb型", "Cheng IVb", "Ⅳb型")), (None, "affirmed", None, None)
    if kind == "none":
        text = draw.one(NONE[language])
        return _write(draw, [text], language), ("0", *NOT_NAMED)
    said = _draw_truth(draw)
    clauses = _draw_clauses(draw, said, language)
    return _write(draw, clauses, language), _find_meaning(said)


def _draw_truth(draw):
    """Some vessels, and what is said of each."""
    kinds = draw.some(list(SITES), 1, 4)
    if not any(kind in PORTAL for kind in kinds) or draw.chance(0.5):
        kinds = list(dict.fromkeys((*kinds, draw.one(tuple(PORTAL)))))
    weights = draw.one(
        (
            ("affirmed",),
            ("affirmed", "denied"),
            ("affirmed", "denied", "uncertain", None),
            ("denied",),
            ("denied", None),
        )
    )
    return {kind: draw.one(weights) for kind in kinds}


def _find_meaning(said):
    """The highest site that is affirmed, unless a doubtful one is higher; none where main or side branches are denied and nothing else."""
    affirmed = max((RANK.index(kind) for kind in PORTAL if said.get(kind) == "affirmed"), default=0)
    doubtful = max((RANK.index(kind) for kind in PORTAL if said.get(kind) == "uncertain"), default=0)
    is_denied = any(said.get(kind) == "denied" for kind in ("II", "III"))
    is_asked = doubtful > affirmed or not (affirmed or is_denied)
    return (None if is_asked else RANK[affirmed], *(said.get(kind) for kind in ELSEWHERE))


def _draw_clauses(draw, said, language):
    names = {kind: draw.one(SITES[kind][language]) for kind in said}
    clauses = []
    for polarity in ("affirmed", "denied", "uncertain", None):
        kinds = [kind for kind, one in said.items() if one == polarity]
        draw.random.shuffle(kinds)
        if len(kinds) > 1 and draw.chance(0.4):
            clauses.append(_say_of_list(draw, [names[kind] for kind in kinds], polarity, language))
        else:
            clauses += [_say_of_one(draw, names[kind], polarity, language) for kind in kinds]
    draw.random.shuffle(clauses)
    return clauses


def _say_of_one(draw, name, polarity, language):
    if polarity in SIGNS and draw.chance(0.25):
        return name + draw.one(SIGNS[polarity])
    return draw.one(SAID[polarity][language]).format(name)


def _say_of_list(draw, names, polarity, language):
    """Say one thing of several vessels: "A、B及C未见癌栓", "no thrombus in the A, B or C"."""
    last = (draw.one(("及", "和", "、")), " or " if polarity == "denied" else " and ")[language]
    between = ("、", ", ")[language]
    joined = between.join(names[:-1]) + last + names[-1]
    if language == EN:
        forms = {
            "affirmed": ("thrombus in the {}",),
            "denied": ("no thrombus in the {}",),
            "uncertain": ("possible thrombus in the {}",),
        }
        if polarity is None or (polarity == "uncertain" and len(names) > 2):
            return "; ".join(_say_of_one(draw, name, polarity, language) for name in names)
        return draw.one(forms[polarity]).format(joined)
    forms = [form for form in SAID[polarity][language] if "，" not in form]
    return draw.one(forms).format(joined)


def _write(draw, clauses, language):
    is_word = clauses[0] in ("无", "none")
    if not is_word and draw.chance(0.3):
        clauses = [*clauses]
        clauses.insert(draw.random.randint(0, len(clauses)), draw.one(REMARKS[language]))
    text = clauses[0]
    for clause in clauses[1:]:
        # Behind a clause that names no vessel the next may only be its own sentence's.
        text += draw.one(BREAKS[language]) + clause
    return draw.one((text, text, text.upper(), f" {text} ", text + ("。", ".")[language]))

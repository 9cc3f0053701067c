"""Texts of which the meaning is known because it was there first: portal vein reports, lists of sizes. SYNTHETIC."""

PVTT_SITES = {
    "IV": (("肠系膜上静脉", "门静脉主干及肠系膜上静脉"), ("superior mesenteric vein", "SMV")),
    "III": (("门静脉主干", "门脉主干"), ("main portal vein", "main trunk of the portal vein")),
    "II": (("门静脉左支", "门静脉右支", "门脉左右支"), ("left portal vein", "right branch of the portal vein")),
    "I": (("门静脉右前支", "门静脉左外叶段支", "门静脉分支"), ("segmental branch", "right anterior portal branch")),
}
RANK = ("0", "I", "II", "III", "IV")


def draw_pvtt_text(draw):
    """A report and Cheng's type of it (None: a careful reader would not decide)."""
    language = draw.one((0, 1))
    kind = draw.one(("none", "sites", "sites", "sites", "doubt", "other"))
    if kind == "none":
        return draw.one(
            (("门静脉未见癌栓", "无", "门静脉通畅"), ("No PVTT", "portal vein patent", "none"))[language]
        ), "0"
    if kind == "doubt":
        texts = (("可疑右支癌栓", "门静脉显示不清", "门静脉主干无法评估"), ("possible PVTT", "not assessed"))
        return draw.one(texts[language]), None
    if kind == "other":
        return draw.one((("见报告", "肝右静脉癌栓"), ("see report", "VP4"))[language]), None
    return _draw_sites(draw, language)


def _draw_sites(draw, language):
    types = draw.some(list(PVTT_SITES), 1, 3)
    clauses = [_affirm(draw, draw.one(PVTT_SITES[kind][language]), language) for kind in types]
    for kind in draw.some([kind for kind in PVTT_SITES if kind not in types], 0, 1):
        clauses.append(_negate(draw, draw.one(PVTT_SITES[kind][language]), language))
    draw.random.shuffle(clauses)
    return draw.one((("，", "；", "。"), ("; ", ", "))[language]).join(clauses), max(types, key=RANK.index)


def _affirm(draw, site, language):
    if language:
        return draw.one((f"thrombus in the {site}", f"{site} tumour thrombus", f"filling defect in {site}"))
    return site + draw.one(("癌栓", "癌栓形成", "见充盈缺损", "内瘤栓"))


def _negate(draw, site, language):
    if language:
        return draw.one((f"no thrombus in the {site}", f"{site} patent", f"{site} without thrombus"))
    return site + draw.one(("未见癌栓", "通畅", "无癌栓", "未受累"))


def draw_size_text(draw):
    """A list of sizes with the largest diameter (cm) and the number of lesions (None, None: not to be understood)."""
    if draw.chance(0.15):
        return draw.one(("见报告", "dmax=1.2_4", "3*", "弥漫", "?", "3*2 kg")), (None, None)
    is_mm = draw.chance(0.2)
    tenths = [
        [draw.random.randint(5, 200) for _ in range(draw.one((1, 2, 2, 3)))] for _ in range(draw.one((1, 1, 2, 3)))
    ]
    cross = draw.one(("*", "x", "X", "×", " x "))
    lesions = [cross.join(_write(draw, size, is_mm) for size in lesion) for lesion in tenths]
    for place, lesion in enumerate(tenths):
        if len(lesion) == 1 and draw.chance(0.3):
            lesions[place] = f"dmax={lesions[place]}"
    unit = " mm" if is_mm else draw.one(("", "", "cm", " cm"))
    text = draw.one(("/", "；", "; ", "、", "+", ",")).join(lesions)
    return text + unit, (max(max(lesion) for lesion in tenths) / 10, len(tenths))


def _write(draw, tenths, is_mm):
    if is_mm or (tenths % 10 == 0 and draw.chance(0.7)):
        return str(tenths if is_mm else tenths // 10)
    return f"{tenths // 10}.{tenths % 10}"

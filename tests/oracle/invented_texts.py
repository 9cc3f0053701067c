"""Texts of which the meaning is known because it was there first: portal vein reports, lists of sizes. SYNTHETIC."""

# Where a thrombus can be, by Cheng's type: Chinese names (the first part may be left out after another), English ones.
PVTT_SITES = {
    "IV": (("肠系膜上静脉",), ("superior mesenteric vein", "SMV")),
    "III": (("门静脉主干", "门脉主干", "主干"), ("main portal vein", "main trunk", "portal trunk")),
    "II": (
        ("门静脉左支", "门静脉右支", "门脉左右支", "门静脉一级分支", "左支", "门静脉左、右支"),
        ("left portal vein", "right branch of the portal vein", "right portal vein", "left and right portal veins"),
    ),
    "I": (
        ("门静脉右前支", "门静脉左外叶段支", "门静脉分支", "右后支", "门静脉二级分支"),
        ("segmental branch", "right anterior branch", "left medial portal branch", "segment 8 branch"),
    ),
}
PVTT_STATED = {
    "0": (("0型",), ("type 0",)),
    "I": (("I型", "程氏I型", "Ⅰ型"), ("type I", "PVTT type 1")),
    "II": (("II型", "门静脉癌栓（Ⅱ型）", "程氏II型"), ("type II", "Cheng's type 2")),
    "III": (("III型", "程氏III型", "Ⅲ级"), ("PVTT type III", "type 3")),
    "IV": (("Ⅳ型", "程氏IV型"), ("type IV", "Cheng type 4")),
}
PVTT_NONE = (
    ("门静脉未见癌栓", "无", "门静脉通畅", "门静脉癌栓：无", "门静脉主干及左右支未见癌栓", "门静脉主干受压，未见癌栓"),
    (
        "No PVTT",
        "portal vein patent",
        "none",
        "no thrombus in the portal vein",
        "main portal vein dilated, no thrombus",
    ),
)
PVTT_DOUBT = (
    (
        "可疑右支癌栓",
        "门静脉显示不清",
        "门静脉主干无法评估",
        "疑似主干癌栓",
        "左支癌栓不除外",
        "主干癌栓可能",
        "左支血栓",
    ),
    (
        "possible PVTT",
        "not assessed",
        "suspected thrombus in the left portal vein",
        "main portal vein unclear",
        "bland SMV thrombus",
    ),
)
PVTT_NOTHING = (("见报告", "门静脉癌栓", "VP4", "脾大"), ("see report", "VP4", "PVTT present", "ascites"))
# Remarks that say nothing of the portal vein.
REMARKS = (
    ("肝S8病灶", "肝右叶占位", "脾大", "肝右静脉癌栓", "少量腹水"),
    ("segment 8 lesion", "right lobe tumour", "hepatic vein thrombus", "splenomegaly"),
)
SIZE_NOTHING = (
    ("见报告", (None, None)), ("3*", (None, None)), ("弥漫", (None, None)), ("?", (None, None)), ("3*2 kg", (None, None)),
    ("7,4*6,2", (None, None)), ("3-", (None, None)), ("3*2*1*4", (None, None)), ("85*70", (None, 1)), ("0.3*0.2", (None, 1)),
    ("7.4*6.2/8*4.5/3.2*3", (8.0, 3)), ("4.3*4/dmax=1/dmax=0.5/dmax=1.2", (4.3, 4)), ("8*7/others dmax=0.3-1.0", (8.0, None)),
)  # fmt: skip
RANK = ("0", "I", "II", "III", "IV")
# What the texts drawn so far mean: each is drawn with its meaning, so none can have two.
PVTT_MEANING: dict[str, str | None] = {}
SIZE_MEANING: dict[str, tuple[float | None, int | None]] = {}


def draw_pvtt_text(draw):
    """A portal vein report; Cheng's type of it is remembered (None: a careful reader would not decide)."""
    text, meaning = _draw_report(draw)
    assert PVTT_MEANING.setdefault(text, meaning) == meaning, text
    return text


def draw_size_text(draw):
    """A list of sizes; largest diameter (cm) and number of lesions are remembered (None: not to be understood)."""
    text, meaning = _draw_sizes(draw)
    assert SIZE_MEANING.setdefault(text, meaning) == meaning, text
    return text


def _draw_report(draw):
    language = draw.one((0, 1))
    kind = draw.one(("none", "stated", "doubt", "nothing", "sites", "sites", "sites", "sites"))
    if kind == "stated":
        meaning = draw.one(RANK)
        return draw.one(PVTT_STATED[meaning][language]), meaning
    if kind == "doubt":
        return draw.one(PVTT_DOUBT[language]), None
    if kind == "nothing":
        return draw.one(PVTT_NOTHING[language]), None
    if kind == "none":
        clauses, meaning = [draw.one(PVTT_NONE[language])], "0"
    else:
        clauses, meaning = _draw_sites(draw, language)
    is_word = clauses[0] in ("无", "none")
    if not is_word and draw.chance(0.3):
        clauses.insert(0, draw.one(REMARKS[language]))
    text = draw.one((("，", "；", "。", "，"), ("; ", ", ", ". "))[language]).join(clauses)
    return draw.one((text, text, text.upper(), f" {text} ", text + ("。", ".")[language])), meaning


def _draw_sites(draw, language):
    """Some sites affirmed, perhaps others negated; the highest that is affirmed is the type."""
    types = draw.some(list(PVTT_SITES), 1, 3)
    others = draw.some([kind for kind in PVTT_SITES if kind not in types], 0, 1)
    names = {kind: draw.one(PVTT_SITES[kind][language]) for kind in (*types, *others)}
    if draw.chance(0.3):
        joined = (
            draw.one((("、", "及", "和"), (" and ", ", "))[language]) if len(types) == 2 else ("、", ", ")[language]
        )
        clauses = [_affirm(draw, joined.join(names[kind] for kind in types), language, is_list=True)]
    else:
        clauses = [_affirm(draw, names[kind], language) for kind in types]
    if others and draw.chance(0.3):
        clauses[-1] += (
            draw.one((("未累及", "，尚未达"), (" not extending to the ", ", not reaching the "))[language])
            + names[others[0]]
        )
    else:
        clauses += [_negate(draw, names[kind], language) for kind in others]
    draw.random.shuffle(clauses)
    return clauses, max(types, key=RANK.index)


def _affirm(draw, site, language, *, is_list=False):
    if language:
        forms = (
            ("thrombus in the {}",) if is_list else ("thrombus in the {}", "{} tumour thrombus", "filling defect in {}")
        )
        return draw.one(forms).format(site)
    return site + draw.one(("癌栓", "癌栓形成", "见充盈缺损", "内瘤栓"))


def _negate(draw, site, language):
    if language:
        return draw.one(("no thrombus in the {}", "{} patent", "{} without thrombus", "{} normal")).format(site)
    return site + draw.one(("未见癌栓", "通畅", "无癌栓", "未受累", "显示清晰", "受压"))


def _draw_sizes(draw):
    """Lesions of one to three diameters, now and then a range or a lesion without size; one unit for all, or each its own."""
    if draw.chance(0.1):
        return draw.one(SIZE_NOTHING)
    unit = draw.one((None, None, "cm", "cm", "mm"))
    is_each = unit is not None and draw.chance(0.3)
    cross = draw.one(("*", "x", "X", "×", " x "))
    lesions = [_draw_lesion_size(draw, unit, cross) for _ in range(draw.one((1, 1, 2, 3)))]
    written = [text + (f" {unit}" if is_each else "") for text, _, _ in lesions]
    text = draw.one(("/", "；", "; ", "、", "+", ", ", "，", "\n")).join(written)
    if unit and not is_each:
        text += draw.one((unit, f" {unit}"))
    kinds = [kind for _, kind, _ in lesions]
    clear = max((largest for _, kind, largest in lesions if kind == "size"), default=None)
    rough = max((largest for _, kind, largest in lesions if kind == "range"), default=0)
    is_clear = clear is not None and "unknown" not in kinds and clear >= rough
    return text, (clear / 10 if is_clear else None, None if "range" in kinds else len(lesions))


def _draw_lesion_size(draw, unit, cross):
    """Text, kind and largest diameter in tenths of a cm of one lesion."""
    announcement = draw.one(("", "", "", "dmax=", "dmax = ", "damx=", "最大径", "约"))
    sizes = sorted(draw.random.randint(5, 250) for _ in range(3))
    if draw.chance(0.1):
        low, high = (_write(draw, size, unit) for size in sizes[:2])
        return f"dmax={low}{draw.one(('~', '-', '_'))}{high}", "range", sizes[1]
    if unit is None and draw.chance(0.05):
        return draw.one(("dmax=NA", "dmax=na")), "unknown", None
    if announcement:
        return announcement + _write(draw, sizes[2], unit), "size", sizes[2]
    number = draw.one((1, 2, 2, 3))
    chosen = sizes[:number]
    draw.random.shuffle(chosen)
    return cross.join(_write(draw, size, unit) for size in chosen), "size", max(chosen)


def _write(draw, tenths, unit):
    if unit == "mm":
        return str(tenths)
    if tenths % 10 == 0 and draw.chance(0.7):
        return str(tenths // 10)
    return f"{tenths // 10}.{tenths % 10}"

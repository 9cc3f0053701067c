"""Lists of sizes of which the meaning is known because it was there first. SYNTHETIC."""

SIZE_NOTHING = (
    ("见报告", (None, None)), ("3*", (None, None)), ("弥漫", (None, None)), ("?", (None, None)), ("3*2 kg", (None, None)),
    ("7,4*6,2", (None, None)), ("3-", (None, None)), ("3*2*1*4", (None, None)), ("85*70", (None, 1)), ("0.3*0.2", (None, 1)),
    ("7.4*6.2/8*4.5/3.2*3", (8.0, 3)), ("4.3*4/dmax=1/dmax=0.5/dmax=1.2", (4.3, 4)), ("8*7/others dmax=0.3-1.0", (8.0, None)),
)  # fmt: skip
# What the texts drawn so far mean: each is drawn with its meaning, so none can have two.
SIZE_MEANING: dict[str, tuple[float | None, int | None]] = {}


def draw_size_text(draw):
    """A list of sizes; largest diameter (cm) and number of lesions are remembered (None: not to be understood)."""
    text, meaning = _draw_sizes(draw)
    assert SIZE_MEANING.setdefault(text, meaning) == meaning, text
    return text


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

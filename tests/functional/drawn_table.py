"""A table of patients drawn by chance, as a hospital lays it out, with the ways in which hospitals number them."""

import random
from collections.abc import Callable

HEADER = [
    "住院号", "性别", "出生日期", "确诊日期", "ECOG评分", "HBsAg", "总胆红素(μmol/L)", "白蛋白(g/L)", "AFP(ng/mL)", "门静脉癌栓描述", "末次随访日期", "生存状态",
]  # fmt: skip
NUMBERS: dict[str, Callable[[int], str]] = {
    "letters": lambda n: f"ZY{100234 + 7 * n}",
    "digits": lambda n: str(20456 + 13 * n),
    "leading zeros": lambda n: f"{310469 + 11 * n:08}",
    "with a visit": lambda n: f"{310469 + 3 * n:08}-{1 + n % 3}",
    "years": lambda n: f"2020-{n + 1:04}",
    "a word for a total": lambda n: f"SUM{n + 1:03}",
    "a word for a page": lambda n: f"PAGE {n + 1}",
    "names of wards": lambda n: f"合{n + 1}床",
}
"""Ways in which hospitals write patients' numbers."""


def draw_table(draw: random.Random, number: Callable[[int], str]) -> list[list[str | None]]:
    rows = []
    for n in range(draw.randint(8, 40)):
        dead = draw.random() < 0.4
        rows.append([
            number(n), draw.choice("男女"), f"19{draw.randint(40, 80)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}",
            f"202{draw.randint(0, 1)}-{draw.randint(1, 9)}-{draw.randint(1, 28)}", str(draw.randint(0, 2)),
            draw.choice(["阳性", "阴性"]), f"{draw.uniform(5, 40):.1f}", f"{draw.uniform(28, 45):.1f}",
            draw.choice(["<0.6", ">1210", f"{draw.uniform(1, 900):.1f}", "未检出"]),
            draw.choice(["门静脉主干癌栓", "无", "左支可见充盈缺损，范围约2cm", "未见明显异常", None]),
            f"2022-{draw.randint(1, 9)}-{draw.randint(1, 28)}", "死亡" if dead else "存活",
        ])  # fmt: skip
        for place in draw.sample(range(1, 12), draw.randint(0, 2)):
            rows[-1][place] = draw.choice([None, "/", "不详"])
    return rows

"""What a hospital's page tells of the others: nothing by which a patient of theirs, or that they have one of its own, could be known."""

import random
import re

import clinic
import pytest

from etl.errors import StructureError
from etl.ingest import ingest
from etl.publish import pay_owed, write_quality
from etl.settings import Settings

NAMES = ("east", "north", "south", "west", "middle")
FIRST_ROW = clinic.PATIENTS.splitlines()[0]
NATIONAL_ID = "11010519491231002X"


def draw_patients(name, n, *, first=1):
    """`n` invented patients as the clinic writes them."""
    draw = random.Random(f"{name} {first}")
    for number in range(first, first + n):
        born = f"{draw.randint(1940, 1985)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}"
        size, sex = draw.randint(20, 140), draw.choice("男女")
        yield f"{name[0].upper()}{number:04},,,{sex},{born},{draw.choice(('无', '左支', '门静脉主干'))},{size},{draw.choice(('yes', 'no'))},no,"


class Registry:
    """A workspace of several clinics, whose deliveries are numbered."""

    def __init__(self, folder, names, agreement=""):
        self.settings, self.names = Settings(folder / "workspace", folder / "key", "both"), names
        self.patients = {name: list(draw_patients(name, 30)) for name in names}
        self.n_deliveries = 0
        for name in names:
            said = f'\n[permission]\n{clinic.PERMITTED}comparison = "{agreement}"\n' if agreement else ""
            site = clinic.SITE.replace('hospital = "clinic"', f'hospital = "{name}"').replace(
                "\n[[source]]", f"{said}\n[[source]]", 1
            )
            clinic.write_site(self.settings.workspace / "sites" / name, site=site)
            self.deliver(name)
        write_quality(self.settings)

    def deliver(self, name):
        """Load a hospital's patients as they are now, and write the pages that this makes due."""
        self.n_deliveries += 1
        folder = self.settings.extracts_dir / name / f"delivery_{self.n_deliveries}"
        labs = "number,sampled,albumin,AFP,AFP unit\n" + "".join(
            f"{row.split(',')[0]},2020-03-01,3.{len(row) % 9},{20 + len(row)},ng/mL\n" for row in self.patients[name]
        )
        clinic.write_delivery(folder, patients="\n".join([FIRST_ROW, *self.patients[name]]) + "\n", labs=labs)
        ingest(
            self.settings,
            name,
            extract=folder,
            extracted=clinic.EXTRACTED,
            check=False,
            accept=True,
            progress=lambda *_: None,
        )
        pay_owed(self.settings)

    def read_pages(self, *but):
        """What every hospital is sent, file by file, but those of some hospitals."""
        folder = self.settings.reports_dir / "quality"
        kept = [name for name in self.names if name not in but]
        return {
            path: path.read_bytes()
            for name in kept
            for path in sorted((folder / name).iterdir())
            if path.suffix == ".html"
        }

    def read_section(self, name):
        html = (self.settings.reports_dir / "quality" / name / "index.html").read_text(encoding="utf-8")
        return re.search(r'<section id="distributions">.*?</section>', html, re.DOTALL)[0]


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    return Registry(tmp_path_factory.mktemp("five"), NAMES)


def test_two_states_one_patient_apart_are_the_same_pages_of_all_others(five):
    before = five.read_pages("middle")
    assert all('class="others" style' in five.read_section(name) for name in NAMES)
    five.patients["middle"] += draw_patients("middle", 1, first=100)
    five.deliver("middle")
    assert five.read_pages("middle") == before
    write_quality(five.settings)
    assert five.read_pages("middle") == before
    five.patients["middle"].pop(0)
    five.deliver("middle")
    write_quality(five.settings)
    assert five.read_pages("middle") == before


def test_the_centre_alone_fixes_figures_anew_and_only_after_ten_new_patients(five):
    five.patients["middle"] += draw_patients("middle", 9, first=200)
    five.deliver("middle")
    write_quality(five.settings)
    before = five.read_pages("middle")
    five.patients["middle"] += draw_patients("middle", 10, first=300)
    five.deliver("middle")
    write_quality(five.settings, "east")
    assert five.read_pages("middle") == before
    write_quality(five.settings)
    assert five.read_pages("middle") != before


def test_a_page_is_the_same_whether_or_not_another_hospital_has_its_patient(five):
    five.patients["east"][0] = five.patients["east"][0].replace(",,,", f",,{NATIONAL_ID},", 1)
    five.deliver("east")
    before = five.read_pages("north")
    five.patients["north"][0] = five.patients["north"][0].replace(",,,", f",,{NATIONAL_ID},", 1)
    five.deliver("north")
    assert five.read_pages("north") == before
    assert b"also registered" not in b"".join(five.read_pages().values())
    centre = (five.settings.reports_dir / "quality" / "index.html").read_text(encoding="utf-8")
    assert "also registered" in centre


def test_the_source_of_a_page_holds_whole_per_cents_only(five):
    section = five.read_section("east")
    widths = re.findall(r'class="others" style="width:([^%]*)%', section)
    assert len(widths) > 10
    assert all(width.isdigit() for width in widths)


def test_few_hospitals_see_nothing_of_each_other_unless_they_agreed(tmp_path):
    alone = Registry(tmp_path / "alone", NAMES[:3])
    assert "at least 3 others take part" in alone.read_section("east")
    assert 'class="others"' not in alone.read_section("east")
    agreed = Registry(tmp_path / "agreed", NAMES[:2], agreement="agreement of both boards, 2026-01-02")
    assert 'class="others"' in agreed.read_section("east")


def test_who_withdraws_the_agreement_is_shown_no_more_from_the_centres_next_page_on(tmp_path):
    registry = Registry(tmp_path, NAMES[:3], agreement="agreement of all boards, 2026-01-02")
    said = registry.settings.workspace / "sites" / "south" / "site.toml"
    said.write_text(
        said.read_text(encoding="utf-8").replace("agreement of all boards, 2026-01-02", ""), encoding="utf-8"
    )
    write_quality(registry.settings)
    shown = {name: 'class="others"' in registry.read_section(name) for name in NAMES[:3]}
    assert shown == {"east": False, "north": False, "south": True}  # south still sees the two that agreed


def test_a_misspelt_permission_is_refused_and_not_taken_for_none(tmp_path):
    registry = Registry(tmp_path, NAMES[:2])
    site = registry.settings.workspace / "sites" / "east" / "site.toml"
    site.write_text(
        site.read_text(encoding="utf-8").replace("\n[permission]\n", '\n[permission]\ncomparision = "yes"\n', 1),
        encoding="utf-8",
    )
    with pytest.raises(StructureError, match="comparision"):
        registry.deliver("east")

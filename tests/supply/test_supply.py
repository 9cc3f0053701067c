"""What the registry stands on is listed whole: every locked package, its licence, its files' hashes, and what follows from the licences."""

import json
import re

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing

from supply.locked import OURS, ROOT, describe_stated, read_licences, read_lock
from supply.write import NOTICE, make_notice, make_sbom

LOCKED, KNOWN = read_lock(), read_licences()


def test_every_locked_package_is_read_with_all_its_hashes():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert len(LOCKED) == len(re.findall(r"^\S+==", text, re.MULTILINE)) >= 80
    assert sum(len(item.hashes) for item in LOCKED) == text.count("--hash=")
    assert all(item.wanted_by for item in LOCKED)


def test_every_locked_package_has_a_licence_and_no_other():
    told = "write its line in tests/supply/licences.csv: read the licence's text in its *.dist-info, then make sbom"
    assert {item.name for item in LOCKED} == set(KNOWN), told


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_licence_is_a_known_one_and_the_package_still_says_what_it_said_when_it_was_read(name):
    known = KNOWN[name]
    assert get_spdx_licensing().validate(known.licence).errors == []
    stated = describe_stated(name)
    assert stated in (None, known.stated), (
        f"{name} says another licence than before: read it again, and write it in licences.csv"
    )
    assert stated is None or known.stated


def test_notice_is_that_of_the_lock():
    assert NOTICE.read_text(encoding="utf-8") == make_notice(LOCKED), "make sbom"


def test_what_asks_for_more_than_a_notice_is_explained():
    about = NOTICE.read_text(encoding="utf-8").partition("\n\naltair")[0]
    asking = {name for name, known in KNOWN.items() if re.search(r"GPL|MPL|EUPL|BSD-4|CC-BY|Ref", known.licence)}
    assert asking == {"python-stdnum", "certifi", "tqdm", "xlrd"}
    assert all(name in about for name in asking)


def test_the_bill_of_materials_is_valid_whole_and_the_same_each_time():
    text = make_sbom(LOCKED)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    listed = {(part["name"], part["version"]) for part in bill["components"]}
    assert listed == {(item.name, item.version) for item in LOCKED}
    for part in bill["components"]:
        assert part["licenses"]
        assert any(reference.get("hashes") for reference in part["externalReferences"])
    needs = {item["ref"]: item.get("dependsOn", []) for item in bill["dependencies"]}
    reached, waiting = set(), [OURS]
    while waiting:
        if (ref := waiting.pop()) not in reached:
            reached.add(ref)
            waiting += needs[ref]
    assert reached == {OURS, *(part["bom-ref"] for part in bill["components"])}
    assert make_sbom(read_lock()) == text
    assert "timestamp" not in text

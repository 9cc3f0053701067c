"""The keys of a workspace: made, said, refused; and hashes of persons that need a key of their own."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import clinic
import pytest

from etl import errors
from etl.delivery.read import SYNTHETIC_MARKER as IN_TEXT
from etl.ingest import ingest
from etl.ingest_summary import describe_ingest
from etl.mapping.identity import PseudonymKey
from etl.mapping.key_file import draw_secret, make_key_file, read_secrets
from etl.standing import find_standing
from etl.store.shape import declare_tables
from etl.store.warehouse import open_for_reading


def write_id(born: str, number: int) -> str:
    """A national id of Beijing with the check character of GB 11643."""
    digits = f"110105{born}{number:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11]


OF_INVENTED = f'{clinic.SITE}\n[permission]\nkind = "synthetic"\n'
BORN = {"001": "19600305", "002": "19551231", "003": "19490102"}
IDS = {number: write_id(born, 100 + 2 * int(number) + (number != "002")) for number, born in BORN.items()}


def add_ids(patients: str = clinic.PATIENTS) -> str:
    names = {"001": "张三丰", "002": "李小四", "003": "王老五"}
    for number, name in names.items():
        patients = patients.replace(f"{number},{name},,", f"{number},{name},{IDS[number]},")
    return patients


@pytest.fixture
def with_ids(desk):
    clinic.write_delivery(desk.extracts / "a", patients=add_ids())
    return desk


def locate_linkage(desk) -> Path:
    return desk.settings.locate_linkage_key(desk.settings.key_file)


def read_everything(desk) -> set[str]:
    """Every text of every table."""
    with open_for_reading(desk.settings.warehouse_path) as warehouse:
        frames = [warehouse.query(f"select * from {table}") for table in declare_tables()]
    return {str(value) for frame in frames for row in frame.iter_rows() for value in row}


def test_the_first_ingest_makes_two_keys_says_so_and_closes_the_workspace(with_ids):
    settings = with_ids.settings
    assert with_ids.ingest(check=True).status == "checked"
    assert not settings.key_file.exists()
    settings.workspace.chmod(0o755)
    told = describe_ingest(with_ids.ingest(), "en")
    for path in (settings.key_file, locate_linkage(with_ids)):
        assert path.stat().st_mode & 0o777 == 0o600
        assert any(f"{path}. " in line for line in told), told
    assert any("Keep a copy of it now" in line and "apart from every backup" in line for line in told)
    assert settings.workspace.stat().st_mode & 0o777 == 0o700
    clinic.write_delivery(with_ids.extracts / "b", patients=add_ids(), labs=clinic.LABS.replace("3.9", "3.8"))
    assert not any("Keep a copy" in line for line in describe_ingest(with_ids.ingest(), "en"))


def test_a_delivery_that_is_refused_makes_no_key(desk):
    clinic.write_delivery(desk.extracts / "a", patients="number,name\n")
    with pytest.raises(errors.RegistryError):
        desk.ingest()
    assert not desk.settings.key_file.exists()


def test_a_key_that_could_be_guessed_begins_no_database_and_a_database_that_has_one_goes_on(desk):
    clinic.write_delivery(desk.extracts / "a")
    key = desk.settings.key_file
    for weak in ("f" * 64, "correct horse battery staple and some more words to come"):
        key.touch(mode=0o600)
        key.write_text(weak)
        with pytest.raises(errors.IdentityError, match="could be guessed"):
            desk.ingest()
    assert not desk.settings.warehouse_path.exists()


@pytest.mark.parametrize("which", ["key_file", "linkage_key_file"])
def test_a_key_inside_the_workspace_is_refused_with_the_way_out(desk, which):
    clinic.write_delivery(desk.extracts / "a")
    inside = desk.settings.workspace / "keys" / "key"
    make_key_file(inside, (draw_secret(),))
    settings = replace(desk.settings, **{which: inside})
    with pytest.raises(errors.IdentityError, match=r"lies inside the workspace.*\n?.*mv .*keys/key") as told:
        ingest_with(settings)
    assert ("REGISTRY_LINKAGE_KEY_FILE" if which == "linkage_key_file" else "REGISTRY_KEY_FILE") in str(told.value)
    assert not desk.settings.warehouse_path.exists()


def ingest_with(settings, hospital="clinic"):
    return ingest(
        settings, hospital, extract=None, check=False, accept=False, progress=lambda *_: None, extracted=clinic.EXTRACTED
    )  # fmt: skip


def test_one_key_is_for_one_study_and_an_example_has_its_own(desk, tmp_path):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    other = replace(desk.settings, workspace=tmp_path / "other study")
    clinic.write_site(other.workspace / "sites" / "clinic")
    clinic.write_delivery(other.extracts_dir / "clinic" / "a")
    with pytest.raises(errors.IdentityError, match="is that of the workspace"):
        ingest_with(other)
    invented = clinic.PATIENTS.replace("first visit", IN_TEXT)
    clinic.write_site(other.workspace / "sites" / "clinic", site=OF_INVENTED)
    clinic.write_delivery(other.extracts_dir / "clinic" / "a", patients=invented)
    with pytest.raises(errors.IdentityError, match="is for real patients, and the delivery holds invented ones"):
        ingest_with(other)
    example = replace(other, example_key_file=tmp_path / "example.key")
    assert ingest_with(example).status == "loaded"
    assert b"SYNTHETIC" in (tmp_path / "example.key").read_bytes()
    desk.settings.warehouse_path.unlink()
    with pytest.raises(errors.IdentityError, match="is for invented patients, and the delivery holds real ones"):
        ingest_with(replace(desk.settings, key_file=tmp_path / "example.key"))
    assert ingest_with(desk.settings).status == "loaded"  # the study begun anew under its key


def test_an_example_of_before_it_had_its_own_key_goes_on_with_the_one_it_has(desk, tmp_path):
    invented = clinic.PATIENTS.replace("first visit", IN_TEXT)
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=OF_INVENTED)
    clinic.write_delivery(desk.extracts / "a", patients=invented)
    desk.ingest()
    clinic.write_delivery(desk.extracts / "b", patients=invented, labs=clinic.LABS.replace("3.9", "3.8"))
    assert ingest_with(replace(desk.settings, example_key_file=tmp_path / "example.key")).ingest_id == 2


def test_no_national_id_is_found_from_the_database_and_the_study_key(with_ids):
    """Whoever has both tries every id of each patient's birth date: 1,000 of one county."""
    with_ids.ingest()
    held = read_everything(with_ids)
    assert len(set(with_ids.read("core.patient")["person_id"])) == 3
    candidates = [write_id(born, number) for born, number in product(BORN.values(), range(1000))]
    secrets = read_secrets(with_ids.settings.key_file)
    known = PseudonymKey(*secrets)
    tried = {known.hash_person(one) for one in candidates} | {known.pseudonym("clinic", one) for one in candidates}
    assert not tried & held
    both = PseudonymKey(*secrets, linkage=read_secrets(locate_linkage(with_ids)))
    assert len({both.hash_person(one) for one in candidates} & held) == 3  # so they are found where they can be
    alone = PseudonymKey(*read_secrets(locate_linkage(with_ids)))
    assert not {alone.hash_person(one) for one in candidates} & held


def test_without_the_linkage_key_nobody_is_hashed_until_it_comes(with_ids, tmp_path):
    """Within the delivery persons are told apart all the same: two numbers of one person are asked about."""
    elsewhere = replace(with_ids.settings, linkage_key_file=tmp_path / "of another party" / "key")
    twice = add_ids() + f"004,张三丰,{IDS['001']},男,1960-03-05,无,30,no,no,\n"
    clinic.write_delivery(with_ids.extracts / "a", patients=twice)
    told = describe_ingest(ingest_with(elsewhere), "en")
    assert any("Not compared with other hospitals" in line and str(elsewhere.linkage_key_file) in line for line in told)
    assert with_ids.read("core.patient")["person_id"].null_count() == with_ids.read("core.patient").height
    assert with_ids.read("core.subject")["person_id"].null_count() == with_ids.read("core.subject").height
    assert with_ids.read("versions.findings").filter(rule_id="patient_is_not_repeated").height
    assert with_ids.read("registry")["linkage_fingerprint"].to_list() == ["none"]
    assert not elsewhere.linkage_key_file.exists()
    assert ingest_with(elsewhere).status == "nothing new"
    make_key_file(elsewhere.linkage_key_file, (draw_secret(),))
    assert ingest_with(elsewhere).status == "loaded"
    assert with_ids.read("core.patient")["person_id"].n_unique() == 3
    assert ingest_with(elsewhere).status == "nothing new"
    elsewhere.linkage_key_file.rename(tmp_path / "taken back")
    assert ingest_with(elsewhere).status == "nothing new"
    assert with_ids.read("core.patient")["person_id"].n_unique() == 3
    make_key_file(elsewhere.linkage_key_file, (draw_secret(),))
    clinic.write_delivery(with_ids.extracts / "b", patients=twice, labs=clinic.LABS.replace("3.9", "3.8"))
    with pytest.raises(errors.IdentityError, match="not the linkage key"):
        ingest_with(elsewhere)


def test_a_linkage_key_that_is_the_study_key_is_refused(with_ids, tmp_path):
    copied = tmp_path / "copy"
    make_key_file(with_ids.settings.key_file, (draw_secret(),))
    make_key_file(copied, read_secrets(with_ids.settings.key_file))
    with pytest.raises(errors.IdentityError, match="The linkage key is another one"):
        ingest_with(replace(with_ids.settings, linkage_key_file=copied))


def test_a_database_of_before_goes_on_hashing_with_the_study_key_and_says_so(with_ids):
    with_ids.ingest()
    import duckdb

    with duckdb.connect(str(with_ids.settings.warehouse_path)) as connection:
        connection.execute("update registry set linkage_fingerprint = null")
    clinic.write_delivery(with_ids.extracts / "b", patients=add_ids(), labs=clinic.LABS.replace("3.9", "3.8"))
    told = describe_ingest(with_ids.ingest(), "en")
    assert any("Persons are hashed by the pseudonym key" in line and "rekey" in line for line in told)
    key = PseudonymKey(*read_secrets(with_ids.settings.key_file))
    assert set(with_ids.read("core.patient")["person_id"]) == {key.hash_person(one) for one in IDS.values()}


def test_a_workspace_that_others_may_enter_is_told_each_time(desk):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    assert find_standing(desk.settings, with_debts=False) == []
    desk.settings.workspace.chmod(0o750)
    for _ in range(2):
        (told,) = find_standing(desk.settings, with_debts=False)
        assert f"chmod -R go= {desk.settings.workspace}" in told.en


def test_whatever_a_command_writes_is_for_the_account_alone(with_ids, tmp_path):
    """Under the mask that most accounts have."""
    given = set(with_ids.settings.workspace.rglob("*"))
    registry = Path(sys.executable).with_name("registry")
    environment = {
        "WORKSPACE": str(with_ids.settings.workspace), "REGISTRY_KEY_FILE": str(with_ids.settings.key_file), "HOME": str(tmp_path),
        "REGISTRY_LANG": "en", "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [registry, "ingest", "clinic", "--extracted", clinic.EXTRACTED.isoformat()],
        env=environment, capture_output=True, text=True, check=False, umask=0o022,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    made = [path for path in with_ids.settings.workspace.rglob("*") if path not in given]
    assert {"registry.duckdb", "queries.xlsx", "index.html"} <= {path.name for path in made}
    assert not [path for path in made if path.stat().st_mode & 0o077]

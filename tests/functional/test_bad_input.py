"""What goes wrong at six in the evening: each fault has its own exit code and one clear message, and nothing is written."""

import io
import subprocess
import sys
import zipfile

import clinic
import pytest

from etl import errors
from etl.delivery.read import SYNTHETIC_MARKER
from etl.errors import RegistryError
from etl.ingest import ingest
from etl.load import revert
from etl.settings import read_settings
from etl.store.shape import declare_tables
from etl.store.warehouse import open_for_writing


def read_loaded(desk):
    """What is loaded; that a delivery was refused stands in the trail alone."""
    if not desk.settings.warehouse_path.exists():
        return None
    tables = [name for name in declare_tables() if name not in ("main.event", "main.change")]
    return {name: desk.read(name).write_json() for name in tables}


def check_refused(desk, kind: type[RegistryError], *words: str, **arguments) -> RegistryError:
    """Check that an ingest is refused with a message that holds the words, and that nothing was written."""
    before = read_loaded(desk)
    with pytest.raises(kind) as caught:
        desk.ingest(**arguments)
    after = read_loaded(desk)
    assert before == after
    for word in words:
        assert word in caught.value.en
    assert caught.value.zh != caught.value.en
    return caught.value


def test_every_kind_of_error_has_its_own_exit_code():
    kinds = RegistryError.__subclasses__()
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes


def test_no_such_hospital(desk):
    with pytest.raises(errors.UsageError, match=r"no hospital called 'nowhere'.*clinic"):
        ingest(desk.settings, "nowhere", extract=None, check=False, accept=False, progress=lambda *_: None)


def test_no_delivery_and_a_path_that_is_not_there(desk, tmp_path):
    check_refused(desk, errors.DeliveryError, "There is no delivery in")
    check_refused(desk, errors.DeliveryError, "There is no file or folder", extract=tmp_path / "x.xlsx")


def test_all_structural_faults_are_told_at_once(desk):
    patients = clinic.PATIENTS.replace("sex,born", "gender,born")
    folder = clinic.write_delivery(desk.extracts / "x", patients=patients)
    (folder / "labs.csv").unlink()
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    check_refused(
        desk,
        errors.StructureError,
        "missing: labs*.csv",
        "patients.csv: column 'gender' is not in the mapping",
        "patients.csv: column 'sex' is missing",
        "notes.csv: this sheet or file is not in the mapping",
    )


def test_a_missing_sheet(desk):
    site = clinic.SITE.replace('file = "labs*.csv"', 'file = "*.xlsx"\nsheet = "labs"')
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=site)
    folder = clinic.write_delivery(desk.extracts / "x")
    (folder / "labs.csv").unlink()
    clinic.write_workbook(folder / "labs.xlsx", [["number"], ["001"]], sheet="laboratory")
    check_refused(desk, errors.StructureError, "missing: *.xlsx / labs", "labs.xlsx / laboratory: this sheet")


def test_values_below_an_empty_header_cell(desk):
    clinic.write_delivery(desk.extracts / "x", labs=clinic.LABS.replace("/mL\n", "/mL,surplus\n"))
    check_refused(desk, errors.StructureError, "labs.csv: column 6 has values but no header (first in row 2)")


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("labs.csv", b"", "the file is empty"),
        ("labs.csv", b"PK\x03\x04 rest of a workbook", "workbook or zip"),
        ("labs.csv", "number,sampled\n1,2\n".encode("utf-16")[:-1], "damaged or cut off"),
        ("labs.csv", b'number,"sampled\n1,2\n', "quotation marks"),
        ("labs.xlsx", b"PK\x03\x04 rest of a workbook", "cut off"),
        ("labs.pdf", b"%PDF-1.7", "not read"),
        ("labs.csv", "番号,採血日,アルブミン\n1,2,3\n".encode("shift-jis"), "utf-8, gb18030"),
    ],
)
def test_a_file_that_is_not_what_its_name_says(desk, name, content, word):
    folder = clinic.write_delivery(desk.extracts / "x")
    (folder / "labs.csv").unlink()
    (folder / name).write_bytes(content)
    check_refused(desk, errors.DeliveryError, name, word)


def test_a_workbook_that_claims_the_whole_earth_ends_its_reader_and_not_the_registry(desk):
    folder = clinic.write_delivery(desk.extracts / "x")
    (folder / "labs.csv").unlink()
    path = clinic.write_workbook(folder / "labs.xlsx", [["a"]])
    source = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            text = old.read(item)
            if item.endswith("sheet1.xml"):
                rows = b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                start, stop = text.index(b"<sheetData>"), text.index(b"</sheetData>") + len(b"</sheetData>")
                text = (text[:start] + rows + text[stop:]).replace(b'ref="A1"', b'ref="A1:XFD1048576"')
            new.writestr(item, text)
    check_refused(desk, errors.DeliveryError, "labs.xlsx", "cannot be read")


def test_an_empty_delivery(desk):
    (desk.extracts / "x").mkdir(parents=True)
    check_refused(desk, errors.DeliveryError, "There is no delivery")
    head = clinic.PATIENTS.splitlines()[0] + "\n"
    clinic.write_delivery(desk.extracts / "y", patients=head, labs=clinic.LABS.splitlines()[0] + "\n")
    check_refused(desk, errors.DeliveryError, "no rows below its headers")


def test_several_new_deliveries_at_once(desk):
    clinic.write_delivery(desk.extracts / "september")
    clinic.write_delivery(desk.extracts / "october", labs=clinic.LABS.replace("3.9", "3.8"))
    check_refused(desk, errors.AmbiguousDeliveryError, "2 new deliveries", "september", "october", "--extract ")
    assert desk.ingest(desk.extracts / "october").status == "loaded"


def test_far_fewer_patients_than_last_time(desk):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    lines = clinic.PATIENTS.splitlines()
    clinic.write_delivery(desk.extracts / "b", patients="\n".join(lines[:3]) + "\n")
    check_refused(desk, errors.VolumeError, "has 2 patients, the last one had 3", "--accept")
    assert desk.ingest(accept=True).status == "loaded"


def test_synthetic_and_real_patients_never_meet(desk):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    synthetic = clinic.PATIENTS.replace("first visit", SYNTHETIC_MARKER)
    clinic.write_delivery(desk.extracts / "b", patients=synthetic)
    check_refused(desk, errors.ProvenanceError, "synthetic patients", "real ones")


def test_real_patients_do_not_enter_a_workspace_of_synthetic_ones(desk):
    site = f'{clinic.SITE}\n[permission]\nkind = "synthetic"\n'
    clinic.write_site(desk.settings.workspace / "sites" / "clinic", site=site)
    clinic.write_delivery(desk.extracts / "a", patients=clinic.PATIENTS.replace("first visit", SYNTHETIC_MARKER))
    desk.ingest()
    clinic.write_delivery(desk.extracts / "b")
    check_refused(desk, errors.ProvenanceError, "holds real patients")


def test_another_pseudonym_key_a_missing_one_and_one_that_others_can_read(desk, tmp_path):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    clinic.write_delivery(desk.extracts / "b", labs=clinic.LABS.replace("3.9", "3.8"))
    key = desk.settings.key_file.read_text()
    desk.settings.key_file.write_text("f" * 64)
    check_refused(desk, errors.IdentityError, "not the one this workspace was loaded with")
    desk.settings.key_file.unlink()
    check_refused(desk, errors.IdentityError, "is missing")
    assert not desk.settings.key_file.exists()
    desk.settings.key_file.write_text(key)
    desk.settings.key_file.chmod(0o644)
    check_refused(desk, errors.IdentityError, "chmod 600")


def test_a_database_held_by_another_process_is_waited_for_and_its_holder_named(desk):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    code = f"import duckdb, time; c = duckdb.connect({str(desk.settings.warehouse_path)!r}); print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        with (
            pytest.raises(errors.BusyError, match=rf"{other.pid}.*waited 1 s"),
            open_for_writing(desk.settings.warehouse_path, wait_seconds=1),
        ):
            pass
    finally:
        other.kill()
        other.wait()
        other.stdout.close()


def test_two_ingests_at_once_wait_for_each_other(desk):
    with (
        open_for_writing(desk.settings.warehouse_path),
        pytest.raises(errors.BusyError, match=r"process \d+, for \d+ s"),
        open_for_writing(desk.settings.warehouse_path, turn_seconds=0.2),
    ):
        pass


def test_a_fault_in_the_mapping_is_told_with_its_line(desk):
    columns = clinic.COLUMNS.replace("patient,sex,", "patient,gender,").replace("ignore,,,,,not", "skip,,,,,not")
    clinic.write_site(
        desk.settings.workspace / "sites" / "clinic", columns=columns, codes=clinic.CODES.replace(",male", ",man")
    )
    clinic.write_delivery(desk.extracts / "a")
    check_refused(
        desk,
        errors.StructureError,
        "columns.csv line 5: table 'patient' has no field 'gender'",
        "role: 'skip' is none of 'field', 'patient'",
        "codes.csv line 2: 'man' is none of male, female",
    )


def test_an_ingest_that_breaks_while_loading_leaves_the_last_version(desk, monkeypatch):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    clinic.write_delivery(desk.extracts / "b", labs=clinic.LABS.replace("3.9", "3.8"))
    monkeypatch.setattr("etl.load.refresh", lambda _: (_ for _ in ()).throw(errors.InternalError("disk full")))
    with pytest.raises(errors.InternalError):
        desk.ingest()
    assert desk.read("ingests").select("ingest_id", "is_current").rows() == [(1, True)]
    assert desk.read("versions.laboratory")["ingest_id"].unique().to_list() == [1]


def test_revert_goes_back_one_version_and_says_when_there_is_none(desk):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    with pytest.raises(errors.UsageError, match="no earlier ingest"):
        revert(desk.settings, "clinic")
    clinic.write_delivery(desk.extracts / "b", labs=clinic.LABS.replace("3.9", "3.8"))
    desk.ingest()
    assert revert(desk.settings, "clinic") == (2, 1)
    assert 39.0 in desk.read("core.laboratory")["value"].to_list()
    assert desk.ingest().status == "nothing new"
    assert desk.ingest(desk.extracts / "a").status == "nothing new"
    assert desk.ingest(desk.extracts / "b").status == "loaded"
    assert 39.0 not in desk.read("core.laboratory")["value"].to_list()


def test_nothing_loaded_yet_and_an_unknown_language():
    with pytest.raises(errors.UsageError, match="it can be en, zh or both"):
        read_settings({"REGISTRY_LANG": "fr"})


def test_the_command_line_ends_without_a_traceback(tmp_path):
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "WORKSPACE": str(tmp_path / "w"),
        "REGISTRY_LANG": "en",
    }
    command = [sys.executable, "-m", "analysis.cli"]
    for arguments, code, words in [
        (["ingest", "nowhere"], 2, "There is no hospital called 'nowhere'"),
        (["ingest", "nanfang"], 3, "There is no delivery in"),
        (["analyse"], 2, "Nothing has been loaded"),
        (["quality"], 2, "Nothing has been loaded"),
        (["analyse", "--study", "nothing"], 2, "nothing"),
    ]:
        done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert words in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "w").exists()

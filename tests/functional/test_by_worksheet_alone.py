"""From an unknown delivery to a page by the commands and the worksheet alone, its questions counted; and a password as it is typed."""

import io
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import clinic
import msoffcrypto
import pytest
from by_commands import list_questions, run
from worksheet_desk import AUTHOR_ROWS, README, fill, write_cells

from etl.errors import OpenDecisionsError
from etl.onboarding.worksheet.form import CODES, COLUMNS, DELIVERIES
from etl.settings import Settings
from etl.store.warehouse import read_frames

HEAD = ["住院号", "姓名", "性别", "出生日期", "确诊日期", "体重(kg)", "HBsAg", "肿瘤最大径(cm)", "死亡", "末次随访日期"]
ADDITIONS = "只含新增内容 only what is new since the last one"


def list_patients(numbers, weight=60):
    """Rows of a hospital's patient sheet, as texts."""
    return [
        [f"00{n:05d}", f"赵{'伟芳娜敏静'[n % 5]}{'一二三军'[n % 4]}", "男" if n % 3 else "女", f"19{40 + n}-03-{1 + n % 28:02d}", f"2020/{1 + n % 9}/{1 + n % 28}",
         f"{weight + n % 9}", "阳性" if n % 4 else "阴性", f"{3 + n / 10:.1f}", "否" if n % 2 else "是", f"2022-0{1 + n % 9}-11"]
        for n in numbers
    ]  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path / "workspace", tmp_path / "key", "en")


def propose(settings, delivery):
    done = run(settings, "new-hospital", "new", "--extract", str(delivery))
    assert done.returncode == 0, done.stderr
    return settings.workspace / "sites" / "new" / "worksheet.xlsx"


def ingest(settings, delivery):
    done = run(settings, "ingest", "new", "--extract", str(delivery))
    assert done.returncode == 0, done.stderr
    assert (settings.reports_dir / "quality" / "new" / "index.html").exists()
    return done.stdout


def decide(settings, path, delivery, more=None):
    """Answer what is asked, count it, and load: one column that the registry does not know, and in a second worksheet its two codes."""
    assert list_questions(path) == [(COLUMNS, "死亡")]
    fill(path, lambda *_: ("outcome.vital_status", "", ""), lambda *_: "")
    write_cells(path, more or {})
    asked = run(settings, "ingest", "new", "--extract", str(delivery))
    assert asked.returncode == OpenDecisionsError.exit_code, asked.stderr
    changes = path.with_name("changes.xlsx")
    assert sorted(list_questions(changes)) == [(CODES, "否"), (CODES, "是")]
    fill(changes, lambda *_: ("", "", ""), lambda _, code: {"是": "dead", "否": "alive"}[code])
    return ingest(settings, delivery)


def read(settings, relation):
    return read_frames(settings.warehouse_path, [relation])[relation.rsplit(".", maxsplit=1)[-1]]


def test_a_web_page_called_xls(tmp_path, settings):
    """As hospital systems write it: GBK, a title, a header over the table, a signature below; leading zeros stay."""
    rows = list_patients(range(1, 25))
    cells = "".join("<tr>" + "".join(f"<td>{text}</td>" for text in row) + "</tr>" for row in [HEAD, *rows])
    page = (
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=gb2312"></head><body><table border=1>'
        f"<tr><td colspan={len(HEAD)}>肝癌患者登记表</td></tr>{cells}<tr><td colspan={len(HEAD)}>制表人：王老师</td></tr></table></body></html>"
    )
    delivery = tmp_path / "肝癌登记_2022-11-20.xls"
    delivery.write_bytes(page.encode("gb18030"))
    path = propose(settings, delivery)
    told = decide(settings, path, delivery)
    assert "note, title or signature 1" in told
    patients, baseline = read(settings, "core.patient"), read(settings, "core.baseline")
    assert (patients.height, baseline.height) == (24, 24)
    assert sorted(round(size, 1) for size in baseline["tumour_size_cm"]) == [round(3 + n / 10, 1) for n in range(1, 25)]
    assert patients["birth_date"].null_count() == patients["diagnosis_date"].null_count() == 0


def test_quarterly_additions(tmp_path, settings):
    def write(day, numbers, weight):
        rows = [HEAD, *list_patients(numbers, weight)]
        return clinic.write_workbook(tmp_path / f"患者 {day}.xlsx", rows, "患者")

    first = write("2022-09-30", range(1, 21), 60)
    path = propose(settings, first)
    decide(settings, path, first, more={(README, f"B{AUTHOR_ROWS[DELIVERIES] + 1}"): ADDITIONS})
    told = ingest(settings, write("2022-12-31", range(19, 25), 70))
    assert "an addition to ingest 1" in told
    assert "Look at this" not in told  # eighteen patients who are not in it have not vanished
    weights = read(settings, "core.baseline")["body_weight_kg"].to_list()
    assert sorted(weights) == sorted([60.0 + n % 9 for n in range(1, 19)] + [70.0 + n % 9 for n in range(19, 25)])
    assert read(settings, "ingests").sort("ingest_id")["patients"].to_list() == [20, 24]


PASSWORD = "梅花 5-right"


def test_a_password_is_typed_for_each_command_and_stands_nowhere_afterwards(tmp_path, settings):
    plain = clinic.write_workbook(tmp_path / "plain.xlsx", [HEAD, *list_patients(range(1, 21))], "患者")
    content, delivery = io.BytesIO(), tmp_path / "患者_2022-11-20.xlsx"
    msoffcrypto.OfficeFile(io.BytesIO(plain.read_bytes())).encrypt(PASSWORD, content)
    delivery.write_bytes(content.getvalue())
    refused = run(settings, "new-hospital", "new", "--extract", str(delivery))
    assert refused.returncode != 0
    assert "Run the command in a terminal" in refused.stderr
    code, told = type_password(settings, "new-hospital", "new", "--extract", str(delivery))
    assert code == 0, told
    path = settings.workspace / "sites" / "new" / "worksheet.xlsx"
    fill(path, lambda *_: ("not_needed", "", ""), lambda *_: "")
    code, told = type_password(settings, "ingest", "new", "--extract", str(delivery))
    assert code == 0, told
    assert "loaded as ingest 1" in told
    assert read(settings, "core.patient").height == 20
    assert PASSWORD not in told
    for file in (f for f in settings.workspace.rglob("*") if f.is_file()):
        assert PASSWORD.encode() not in file.read_bytes(), file


def type_password(settings, *arguments):
    """Run a command on a terminal and type the password wherever it asks for one; returns its exit code and what stood on the terminal."""
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [str(Path(sys.executable).with_name("registry")), *arguments], stdin=follower, stdout=follower, stderr=follower, start_new_session=True, close_fds=True,
        env={"WORKSPACE": str(settings.workspace), "REGISTRY_KEY_FILE": str(settings.key_file), "REGISTRY_LANG": "en", "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1",
             "TERM": "dumb"},
    )  # fmt: skip
    os.close(follower)
    seen, n_typed = "", 0
    while select.select([leader], [], [], 120)[0]:
        try:
            seen += os.read(leader, 4096).decode(errors="replace")
        except OSError:
            break
        if seen.count("密码:") > n_typed:
            n_typed += 1
            assert n_typed <= 3, seen
            os.write(leader, f"{PASSWORD}\n".encode())
    assert n_typed > 0
    return child.wait(), seen

"""What is sent to a hospital by mail or on a stick: its query workbook with Excel's own password, its pages as a zip with AES.

The pages in the workspace stay as they are: whatever writes them anew has no password at hand, and what is owed, kept, hashed and verified
are those. These copies are made when somebody asks for them, and each time their bytes are others, since a salt is drawn.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from etl.delivery.given_password import ask_new_password, check_new_password, read_password
from etl.delivery.passwords import unlock_content
from etl.errors import InternalError, UsageError
from etl.publish import WRITTEN
from etl.quality.answers import WORKBOOK
from etl.settings import Settings, find_site
from etl.store.lock import hold_lock
from etl.store.trail import record_event
from etl.store.warehouse import open_for_writing
from etl.whole_files import write_whole

ENCRYPTED = "encrypted"
PAGES = "pages.zip"
_TIME = (2020, 1, 1, 0, 0, 0)


def read_new_password(settings: Settings, hospital: str | None, file: Path | None) -> str:
    """Return the password for the copies of one hospital, from its file or typed, before anything is written.

    Raises:
        UsageError: no hospital is named, or none of that name.
        PasswordError: it cannot be read, or does not do.
    """
    if not hospital:
        raise UsageError(
            "Copies to send are made for one hospital, with its own password: registry quality --hospital x --encrypted [--password-file FILE]",
            "待发送的副本按医院分别生成，各用各的密码：registry quality --hospital x --encrypted [--password-file 文件]",
        )
    find_site(settings, hospital)
    return check_new_password(read_password(file, settings.workspace) if file else ask_new_password())


def fill_outbox(settings: Settings, hospital: str, password: str) -> list[Path]:
    """Write the encrypted copies of a hospital's workbook and pages, which are there, and return their paths.

    They lie in `WORKSPACE/outbox/<hospital>/`. Each is opened again with the password before it takes its name.

    Raises:
        UsageError: they cannot be written.
    """
    folder, source = settings.outbox_dir / hospital, settings.reports_dir / "quality" / hospital
    with hold_lock(settings.reports_dir / "quality"):
        pages = {name: (source / name).read_bytes() for name in WRITTEN if (source / name).is_file()}
    made = {
        WORKBOOK: encrypt_workbook(pages.pop(WORKBOOK), password),
        PAGES: encrypt_files(pages, password),
    }
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        record_event(warehouse, ENCRYPTED, hospital=hospital, rows_out=len(made))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, content in made.items():
            write_whole(folder / name, content)
            (folder / name).chmod(0o600)
    except OSError as error:
        raise UsageError(
            f"'{folder}' could not be written ({error.strerror}). The pages in the reports are as they should be.",
            f"无法写入“{folder}”（{error.strerror}）。报告文件夹中的页面不受影响。",
        ) from None
    return [folder / name for name in made]


def encrypt_workbook(content: bytes, password: str) -> bytes:
    """Return a workbook as Excel encrypts it (ECMA-376, agile: AES-256), after it was opened again with the password."""
    from msoffcrypto.format.ooxml import OOXMLFile

    encrypted = io.BytesIO()
    OOXMLFile(io.BytesIO(content)).encrypt(password, encrypted)
    if unlock_content(encrypted.getvalue(), password) != content:
        raise InternalError("an encrypted workbook does not open again", "加密后的工作簿无法还原")
    return encrypted.getvalue()


def encrypt_files(files: dict[str, bytes], password: str) -> bytes:
    """Return files by their names as a zip with AES-256 (WinZip's AE-2), after it was opened again with the password."""
    import pyzipper
    from pyzipper.zipfile_aes import AESZipInfo

    made = io.BytesIO()
    with pyzipper.AESZipFile(made, "w", compression=zipfile.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(password.encode("ascii"))
        for name, content in files.items():
            archive.writestr(AESZipInfo(name, _TIME), content)
    with pyzipper.AESZipFile(io.BytesIO(made.getvalue())) as archive:
        archive.setpassword(password.encode("ascii"))
        if {name: archive.read(name) for name in archive.namelist()} != files:
            raise InternalError("an encrypted archive does not open again", "加密后的压缩包无法还原")
    return made.getvalue()

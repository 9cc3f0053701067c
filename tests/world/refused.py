"""Files that nobody can read, or only with other programs: a delivery in them is refused, in words that help."""

import zipfile

TRADITIONAL = str.maketrans("门静脉干见畅肿移肝细发", "門靜脈幹見暢腫移肝細發")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_NAMES = {
    ".et": _OLE,
    ".docx": b"PK\x03\x04",
    ".pdf": b"%PDF-1.4",
    ".zip": b"PK\x03\x04",
    ".rar": b"Rar!\x1a\x07",
    ".jpg": b"\xff\xd8\xff\xe0",
}
REFUSED = (
    *(f"refused {suffix}" for suffix in (*_NAMES, ".ods")),
    "refused Big5",
    "refused mixed encodings",
    "refused cut off",
    "refused protected",
)


def spoil(path, kind):
    """Make of a folder with one CSV file or workbook what its kind is."""
    file = next(path.iterdir())
    content = file.read_bytes()
    suffix = kind.removeprefix("refused ")
    if suffix in _NAMES:
        file.rename(file.with_suffix(suffix)).write_bytes(_NAMES[suffix] + content)
    elif suffix == ".ods":
        file.unlink()
        with zipfile.ZipFile(file.with_suffix(".ods"), "w") as container:
            container.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    elif kind == "refused Big5":
        file.write_bytes(content.decode().translate(TRADITIONAL).encode("big5", errors="replace"))
    elif kind == "refused mixed encodings":
        lines = content.decode().split("\n")
        file.write_bytes(b"\n".join(line.encode("gb18030" if i % 2 else "utf-8") for i, line in enumerate(lines)))
    else:
        damaged = content[: len(content) // 2] if kind == "refused cut off" else b"\x62\x14\x23\x65" + content[4:]
        file.with_suffix(".xlsx").write_bytes(damaged)
        file.unlink()

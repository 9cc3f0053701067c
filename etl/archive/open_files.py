"""A folder of open files: Parquet tables, texts, and a manifest that says of each file what it holds and how to tell whether it still does.

The layout and its version are described in docs/export.md. Types are those declared, never inferred from rows.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from etl.errors import DamagedError, InternalError, UsageError
from etl.installation import read_commit, read_version
from etl.whole_files import hash_file
from schemas.column import DType

FORMAT, FORMAT_VERSION = "hcc-registry-open-files", 1
MANIFEST, MANIFEST_HASH = "manifest.json", "manifest.json.sha256"
"""Their names are the same in every version of the format."""
README = "README.txt"
SHOWN = 10
Shape = Mapping[str, DType]
_TYPES: dict[DType, tuple[str, pa.DataType]] = {
    pl.String: ("string", pa.string()),
    pl.Int64: ("bigint", pa.int64()),
    pl.Float64: ("double", pa.float64()),
    pl.Boolean: ("boolean", pa.bool_()),
    pl.Date: ("date", pa.date32()),
    pl.Binary: ("binary", pa.binary()),
}
"""The words that DuckDB and Spark SQL have for a type alike, and Arrow's."""
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_BY_WORD = {word: dtype for dtype, (word, _) in _TYPES.items()}


class FolderWriter:
    """Writes the files of a new folder one after the other, readable by its owner alone, and the manifest over them last."""

    def __init__(self, folder: Path, *, is_synthetic: bool) -> None:
        folder.mkdir(mode=0o700, parents=True)
        self._folder = folder
        self.patients = "synthetic: invented patients, not real" if is_synthetic else "real, under pseudonyms"
        self._files: list[dict[str, Any]] = []
        self._tables: dict[str, dict[str, Any]] = {}
        self.n_bytes = 0

    def write_text(self, name: str, text: str) -> None:
        """Write a text as a file of the folder."""
        self._start(name).write_text(text, encoding="utf-8", newline="")
        self._note(name)

    def write_table(
        self,
        name: str,
        table: str,
        shape: Shape,
        frames: Iterable[pl.DataFrame],
        *,
        hospital: str | None = None,
        ingest_id: int | None = None,
    ) -> int:
        """Write frames, one after the other, as a Parquet file of a table, or of its part that one ingest loaded; return its rows.

        Raises:
            InternalError: a column is of a type for which the format has no word.
        """
        columns = name_types(table, shape)
        schema = pa.schema([pa.field(column, _TYPES[dtype][1]) for column, dtype in shape.items()])
        schema = schema.with_metadata({"table": table, "patients": self.patients})
        rows = 0
        # Without Arrow's own schema beside it every reader sees the same plain types.
        with pq.ParquetWriter(self._start(name), schema, compression="zstd", store_schema=False) as writer:
            for frame in frames:
                writer.write_table(frame.select(*shape).to_arrow().cast(schema))
                rows += frame.height
        told = self._tables.setdefault(table, {"columns": columns, "rows": 0})
        told["rows"] += rows
        self._note(name, table=table, hospital=hospital, ingest_id=ingest_id, rows=rows)
        return rows

    def finish(self, kind: str, about: Mapping[str, Any]) -> str:
        """Write the manifest, and beside it its hash; return that hash."""
        told = {
            "format": FORMAT, "format_version": FORMAT_VERSION, "kind": kind, "patients": self.patients,
            "registry_version": read_version(), "registry_commit": read_commit(),
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"), **about,
            "tables": self._tables, "files": self._files,
        }  # fmt: skip
        content = (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()
        manifest_hash = hashlib.sha256(content).hexdigest()
        self._start(MANIFEST).write_bytes(content)
        self._start(MANIFEST_HASH).write_text(f"{manifest_hash}  {MANIFEST}\n", encoding="ascii")
        self.n_bytes += len(content)
        return manifest_hash

    @property
    def n_files(self) -> int:
        """How many files were written, without the manifest and its hash."""
        return len(self._files)

    def _start(self, name: str) -> Path:
        path = self._folder / name
        for folder in reversed([path.parent, *path.parent.parents]):
            if folder.is_relative_to(self._folder) and not folder.exists():
                folder.mkdir(mode=0o700)
        path.touch(mode=0o600, exist_ok=False)
        return path

    def _note(self, name: str, **told: object) -> None:
        path = self._folder / name
        size = path.stat().st_size
        known = {key: value for key, value in told.items() if value is not None}
        self._files.append({"path": name, "sha256": hash_file(path), "bytes": size, **known})
        self.n_bytes += size


@dataclass(frozen=True)
class OpenFolder:
    """A folder whose manifest is as it was written; `manifest_hash` is that of the manifest."""

    folder: Path
    manifest: Mapping[str, Any]
    manifest_hash: str

    def check_files(self) -> None:
        """Hold every file against the manifest.

        Raises:
            DamagedError: files are missing, changed, or stand there besides; names them.
        """
        known = {file["path"]: file["sha256"] for file in self.manifest["files"]}
        found = {path.relative_to(self.folder).as_posix(): path for path in _list_files(self.folder)}
        changed = [
            name
            for name in known
            if name in found and (found[name].is_symlink() or hash_file(found[name]) != known[name])
        ]
        missing = [name for name in known if name not in found]
        added = sorted(set(found) - set(known) - {MANIFEST, MANIFEST_HASH})
        if changed or missing or added:
            raise make_damaged_folder(self.folder, changed=changed, missing=missing, added=added)

    def read_shapes(self) -> dict[str, dict[str, DType]]:
        """Return the columns of every table with their types, in the manifest's order.

        Raises:
            DamagedError: a name or a type is none of the format's.
        """
        shapes: dict[str, dict[str, DType]] = {}
        for table, told in self.manifest["tables"].items():
            names = [*table.split(".", 1), *told["columns"]]
            if not all(map(_NAME.fullmatch, names)) or not _BY_WORD.keys() >= set(told["columns"].values()):
                raise make_damaged_folder(self.folder, changed=[MANIFEST])
            shapes[table] = {column: _BY_WORD[word] for column, word in told["columns"].items()}
        return shapes

    def read_table(self, table: str) -> Iterator[pl.DataFrame]:
        """Yield what the files of a table hold, in their order; what is read is what is hashed.

        Raises:
            DamagedError: a file is not as the manifest says.
        """
        shape = self.read_shapes()[table]
        for file in self.manifest["files"]:
            if file.get("table") == table:
                yield self._read_file(file, shape)

    def _read_file(self, file: Mapping[str, Any], shape: Shape) -> pl.DataFrame:
        damaged = make_damaged_folder(self.folder, changed=[file["path"]])
        content = (self.folder / file["path"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise damaged
        try:
            frame = pl.read_parquet(io.BytesIO(content))
        except (pl.exceptions.PolarsError, OSError, ValueError):
            raise damaged from None
        if frame.schema != shape or frame.height != file["rows"]:
            raise damaged
        return frame


def open_folder(folder: Path, kind: str) -> OpenFolder:
    """Return a folder of open files of a kind; of its files none is read yet.

    Raises:
        UsageError: there is none, or a newer registry wrote it, or it is of another kind.
        DamagedError: the manifest is not as it was written.
    """
    if not (folder / MANIFEST).is_file():
        raise UsageError(
            f"'{folder}' holds no {kind} of the registry: there is no {MANIFEST} in it.",
            f"“{folder}”不是本系统写出的内容：其中没有 {MANIFEST}。",
        )
    content = (folder / MANIFEST).read_bytes()
    manifest_hash = hashlib.sha256(content).hexdigest()
    if not (folder / MANIFEST_HASH).is_file():
        raise make_damaged_folder(folder, missing=[MANIFEST_HASH])
    if (folder / MANIFEST_HASH).read_bytes() != f"{manifest_hash}  {MANIFEST}\n".encode():
        raise make_damaged_folder(folder, changed=[f"{MANIFEST} / {MANIFEST_HASH}"])
    manifest = _parse_manifest(folder, content)
    if manifest["format_version"] > FORMAT_VERSION:
        raise UsageError(
            f"'{folder}' is of format version {manifest['format_version']}; this registry reads up to {FORMAT_VERSION}. A newer registry "
            f"({manifest.get('registry_version')}) wrote it. Nothing was changed. Install the newer registry.",
            f"“{folder}”的格式版本为 {manifest['format_version']}，本程序最高支持 {FORMAT_VERSION}：它由更新版本的程序"
            f"（{manifest.get('registry_version')}）写成。未作任何更改。请安装新版程序。",
        )
    if manifest["kind"] != kind:
        raise UsageError(
            f"'{folder}' is a folder of the kind '{manifest['kind']}', and not '{kind}'.",
            f"“{folder}”的类型是“{manifest['kind']}”，而不是“{kind}”。",
        )
    return OpenFolder(folder, manifest, manifest_hash)


def _parse_manifest(folder: Path, content: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
        is_whole = manifest["format"] == FORMAT and isinstance(manifest["format_version"], int) and "kind" in manifest
        is_whole &= all(isinstance(file["path"], str) and isinstance(file["sha256"], str) for file in manifest["files"])
        is_whole &= all(isinstance(told["columns"], dict) for told in manifest["tables"].values())
    except (ValueError, TypeError, KeyError, AttributeError):
        is_whole, manifest = False, {}
    if not is_whole:
        raise UsageError(
            f"The {MANIFEST} in '{folder}' is none of the registry's.", f"“{folder}”中的 {MANIFEST} 不是本系统写出的。"
        )
    return manifest


def make_damaged_folder(
    folder: Path, *, changed: Iterable[str] = (), missing: Iterable[str] = (), added: Iterable[str] = ()
) -> DamagedError:
    """Return the error of a folder of which files are not as they were written; each is named."""
    words = {"changed": changed, "missing": missing, "added": added}
    words_zh = {"changed": "被改动", "missing": "缺失", "added": "多出"}
    listed = {word: _shorten(list(names)) for word, names in words.items()}
    en = "; ".join(f"{word}: {names}" for word, names in listed.items() if names)
    zh = "；".join(f"{words_zh[word]}：{names}" for word, names in listed.items() if names)
    return DamagedError(
        f"'{folder}' is not as it was written: {en}. Nothing was taken from it. Copy it again from where it was made.",
        f"“{folder}”与写出时不同：{zh}。未采用其中任何内容。请从原处重新复制。",
    )


def _shorten(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f", ... ({len(names)})" if len(names) > SHOWN else "")


def name_types(table: str, shape: Shape) -> dict[str, str]:
    """Return the format's words for the types of a table's columns."""
    unknown = [column for column, dtype in shape.items() if dtype not in _TYPES]
    if unknown:
        raise InternalError(
            f"Open files have no type for {table}: {', '.join(unknown)}.",
            f"开放格式没有 {table} 中 {', '.join(unknown)} 的类型。",
        )
    return {column: _TYPES[dtype][0] for column, dtype in shape.items()}


def _list_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]

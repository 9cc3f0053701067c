"""Where things lie and which language messages take: read once from the environment, then passed on."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from etl.errors import UsageError
from etl.suggestions import did_you_mean, suggest_command
from schemas.package_data import find_folder

HOSPITAL_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""What can name a hospital, as a whole: it becomes a folder, part of a command and a column of every table."""
Language = Literal["en", "zh", "both"]
EXAMPLE_STUDY = "len_vs_sora"
PACKAGE_SITES = find_folder("etl") / "sites"


@dataclass(frozen=True)
class Settings:
    """Paths of one workspace, the keys' files, the language of messages, and the workspace's main study.

    `key_file` is the pseudonym key's; `example_key_file` that of invented patients, None where it is the same. `linkage_key_file` is where
    somebody says that the linkage key lies; None where it lies beside the other. `site_dirs` are searched in order for a hospital's
    mapping, so that a workspace can override the project's.
    """

    workspace: Path
    key_file: Path
    language: Language
    main_study: str = EXAMPLE_STUDY
    example_key_file: Path | None = None
    linkage_key_file: Path | None = None

    @property
    def extracts_dir(self) -> Path:
        """Folder with one sub-folder of deliveries per hospital."""
        return self.workspace / "extracts"

    @property
    def reports_dir(self) -> Path:
        """Folder of everything the registry writes for people."""
        return self.workspace / "reports"

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file."""
        return self.workspace / "registry.duckdb"

    @property
    def studies_dir(self) -> Path:
        """Folder of the studies that the workspace brings, one sub-folder each; not there in every workspace."""
        return self.workspace / "studies"

    @property
    def frozen_dir(self) -> Path:
        """Folder of the frozen sets, one sub-folder each; not there in every workspace."""
        return self.workspace / "frozen"

    @property
    def backups_dir(self) -> Path:
        """Folder of backups for which no other place was named."""
        return self.workspace / "backups"

    def locate_linkage_key(self, key_file: Path) -> Path:
        """Where the linkage key lies: as somebody says, else beside the pseudonym key `key_file`."""
        return self.linkage_key_file or key_file.with_name(f"{key_file.stem}.linkage{key_file.suffix}")

    def list_key_files(self) -> list[Path]:
        """Return the files that may hold a key of the workspace and are there."""
        files = [path for path in (self.key_file, self.example_key_file) if path is not None]
        return [path for file in files for path in (file, self.locate_linkage_key(file)) if path.is_file()]

    @property
    def outbox_dir(self) -> Path:
        """Folder of encrypted copies to be sent, one sub-folder for each hospital; not there in every workspace."""
        return self.workspace / "outbox"

    @property
    def site_dirs(self) -> tuple[Path, ...]:
        """Folders that hold hospitals' mappings, the first that has one wins."""
        return (self.workspace / "sites", PACKAGE_SITES)


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read WORKSPACE, REGISTRY_KEY_FILE, REGISTRY_LINKAGE_KEY_FILE, REGISTRY_LANG and REGISTRY_STUDY.

    Raises:
        UsageError: the language is not en, zh or both, or there is no such home folder.
    """
    env = os.environ if environ is None else environ
    language = (env.get("REGISTRY_LANG") or "both").lower()
    if language not in ("en", "zh", "both"):
        raise UsageError(
            f"REGISTRY_LANG is '{language}'; it can be en, zh or both.",
            f"REGISTRY_LANG 为“{language}”；只能是 en、zh 或 both。",
        )
    linkage = env.get("REGISTRY_LINKAGE_KEY_FILE")
    placed = env.get("REGISTRY_KEY_FILE") or f"{env.get('HOME') or '~'}/.config/hcc-registry/pseudonym.key"
    key_file = _expand_home(placed, "REGISTRY_KEY_FILE")
    return Settings(
        workspace=Path(env.get("WORKSPACE") or "workspace"),
        key_file=key_file,
        language=cast("Language", language),
        main_study=env.get("REGISTRY_STUDY") or EXAMPLE_STUDY,
        example_key_file=key_file.with_name("example.key"),
        linkage_key_file=_expand_home(linkage, "REGISTRY_LINKAGE_KEY_FILE") if linkage else None,
    )


def _expand_home(text: str, name: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(
            f"There is no home folder for '{text}'. Set {name} to the whole path of the key.",
            f"找不到“{text}”的主目录。请将 {name} 设为密钥文件的完整路径。",
        ) from None


def list_hospitals(settings: Settings) -> list[str]:
    """Return the hospitals that have a mapping, sorted."""
    found = {path.parent.name for folder in settings.site_dirs for path in folder.glob("*/site.toml")}
    return sorted(name for name in found if not name.startswith("."))  # what a command is writing is no hospital


def find_site(settings: Settings, hospital: str) -> Path:
    """Return the folder of a hospital's mapping.

    Raises:
        UsageError: no hospital of that name.
    """
    for folder in settings.site_dirs:
        # A name with a slash or dots would lead out of the folder.
        if hospital in list_hospitals(settings) and (folder / hospital / "site.toml").is_file():
            return folder / hospital
    raise _unknown_hospital(hospital, list_hospitals(settings))


def _unknown_hospital(hospital: str, known: list[str]) -> UsageError:
    listed = (", ".join(known) or "none", "、".join(known) or "无")
    if not hospital:
        return UsageError(
            f"No hospital is named: it is the word after the command, HOSPITAL= for make. Hospitals with a mapping: {listed[0]}.",
            f"未指明医院：写在命令之后，make 则写 HOSPITAL=。已有映射的医院：{listed[1]}。",
        )
    near = did_you_mean(hospital, known)
    name = hospital if HOSPITAL_NAME.fullmatch(hospital) else "name"
    example = suggest_command("new-hospital", name, extract=Path("path/to/delivery"))
    return UsageError(
        f"There is no hospital called '{hospital}'.{near.en} Hospitals with a mapping: {listed[0]}. "
        f"A hospital that is new here: {example}",
        f"没有名为“{hospital}”的医院。{near.zh}已有映射的医院：{listed[1]}。新医院请运行：{example}",
    )

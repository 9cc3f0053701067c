"""Ids of queries from before a `rekey`: a workbook that is still open then bears them, and its answers are taken all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from etl.errors import IdentityError
from etl.mapping.identity import renew
from etl.mapping.key_file import read_secrets
from etl.settings import Settings
from etl.store.warehouse import open_for_reading


def hash_former(finding_id: str, secret: bytes) -> str:
    """Return under what an id is kept that a finding had before `secret` was appended to the key."""
    return renew(f"former id {finding_id}", [secret])


def find_present_ids(settings: Settings, ids: Collection[str]) -> dict[str, str]:
    """Return the ids that findings have now, by those that they had before a `rekey`; ids of today are not among them.

    Raises:
        IdentityError: there are such ids in the database, but no key by which they could be found.
    """
    if not ids or not settings.warehouse_path.exists():
        return {}
    with open_for_reading(settings.warehouse_path) as warehouse:
        present = dict(warehouse.query("select former, finding_id from former_id").iter_rows())
        if not present:
            return {}
        sql = "select distinct finding_id from versions.findings where list_contains(?, finding_id)"
        unknown = set(ids) - set(warehouse.query(sql, [sorted(ids)])["finding_id"])
    if not unknown:
        return {}
    hashed = ((one, hash_former(one, secret)) for secret in _list_appended(settings) for one in unknown)
    return {one: present[former] for one, former in hashed if former in present}


def _list_appended(settings: Settings) -> Iterable[bytes]:
    files = settings.list_key_files()
    if not files:
        raise IdentityError(
            f"A query workbook is from before the key was changed, and the pseudonym key '{settings.key_file}', by which its ids are found, is "
            "missing. Put the key file back, or set REGISTRY_KEY_FILE to where it lies.",
            f"有质疑表早于更换密钥，而用于查找其编号的匿名密钥文件“{settings.key_file}”缺失。请恢复密钥文件，或用 REGISTRY_KEY_FILE 指明其位置。",
        )
    return [secret for path in files for secret in read_secrets(path)[1:]]

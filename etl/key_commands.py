"""The command about the keys: rekey. It imports what it needs when it runs, as those of `etl/cli.py` do."""

from __future__ import annotations

from etl.cli import commands, pay, tell_state
from etl.command_line import RegistryCommand, both
from etl.console import Terminal
from etl.settings import read_settings

_SHOWN = 20


@commands.command(
    "rekey",
    cls=RegistryCommand,
    help=both(
        "Append a secret to the keys: every patient gets a new pseudonym, and no delivery is needed.",
        "在密钥后追加一段：所有患者获得新的假名，无需原始数据。",
    ),
)
def run_rekey() -> None:
    """Append a secret to the keys and make every pseudonym anew."""
    from etl.rekey import rekey

    settings = read_settings()
    terminal = Terminal(settings.language)
    tell_state(settings, terminal, is_paid=False)
    with terminal.progress(terminal.text("making pseudonyms anew", "更换假名")):
        done = rekey(settings)
    terminal.say(
        f"{done.n_patients} patients have new pseudonyms; questions, answers and versions are theirs as before.",
        f"{done.n_patients} 名患者已有新的假名；其质疑、答复和版本不变。",
    )
    if done.n_persons is None:
        terminal.say(
            "Hashes of persons stay as they were: the linkage key is not here.", "个人散列未更换：此处没有关联密钥。"
        )
    else:
        terminal.say(
            f"Hashes of {done.n_persons} persons were made anew too.", f"{done.n_persons} 人的个人散列也已更换。"
        )
    for file in done.files:
        terminal.say(
            f"{file} holds the whole key now: keep a new copy of it, apart from every backup. A copy from before opens only backups from before.",
            f"{file} 现为完整的密钥：请另存新的副本，并与所有备份分开保管。此前的副本只适用于此前的备份。",
        )
    for old in done.old[:_SHOWN]:
        terminal.say(f"Bears the old pseudonyms still: {old}", f"仍含旧的假名：{old}")
    if (n := len(done.old) - _SHOWN) > 0:
        terminal.say(f"... and {n} more: registry trail", f"…… 另有 {n} 处：registry trail")
    pay(settings, terminal)

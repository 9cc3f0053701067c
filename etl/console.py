"""What the terminal shows: summaries that fit one screen, progress on long steps, errors in the chosen language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from etl.accounts import USED
from etl.errors import RegistryError
from etl.ingest import IngestSummary, Progress
from etl.settings import Language
from schemas.codes import Severity

SYNTHETIC = ("Synthetic patients - not real", "合成患者，非真实数据")


class Terminal:
    """Writes to the terminal in the chosen language; colours only where the output is a terminal."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)

    def text(self, en: str, zh: str) -> str:
        """Return a short text in the chosen language, both with a slash between."""
        return {"en": en, "zh": zh, "both": f"{en} / {zh}" if en != zh else en}[self.language]

    def say(self, en: str, zh: str) -> None:
        """Print one line."""
        self.out.print(self.text(en, zh), markup=False)

    def show_error(self, error: RegistryError) -> None:
        """Print an error's message, each language on lines of its own."""
        shown = {"en": [error.en], "zh": [error.zh], "both": list(dict.fromkeys([error.en, error.zh]))}[self.language]
        label = self.text("Error", "错误")
        for i, message in enumerate(shown):
            self.err.print(
                f"{label}: {message}" if i == 0 else message, markup=False, style="bold red" if i == 0 else None
            )

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Show the running step beside a spinner; on a pipe print nothing."""
        with self.err.status(what) as status:
            yield lambda en, zh: status.update(f"{what}: {self.text(en, zh)} ...")

    def show_ingest(self, summary: IngestSummary, page: Path | None) -> None:
        """Print an ingest's summary: what came in, where it went, what was found, where to read on."""
        name = self.text(summary.name_en, summary.name_zh)
        if summary.status == "nothing new":
            self.say(f"{name}: nothing new; the current version stays.", "没有新内容，当前版本不变。")
            return
        verb = {
            "loaded": self.text(f"loaded as ingest {summary.ingest_id}", f"已入库，编号 {summary.ingest_id}"),
            "checked": self.text("checked, not loaded", "仅校验，未入库"),
        }[summary.status]
        self.out.print(f"[bold]{name}[/bold]: {summary.delivery} - {verb}")
        if summary.is_synthetic:
            self.out.print(f"[yellow]{self.text(*SYNTHETIC)}[/yellow]")
        self.out.print(self._accounts_table(summary))
        self.out.print(self._findings_line(summary))
        if page:
            self.out.print(f"{self.text('Page', '报告')}: {page}", markup=False)

    def _accounts_table(self, summary: IngestSummary) -> Table:
        a = summary.accounts or {}
        ignored = self._list_ignored(summary.row_accounts)
        table = Table(box=None, pad_edge=False, show_header=False)
        for _ in range(2):
            table.add_column()
        rows = [
            (self.text("Rows", "行"), f"{a['rows_read']:,}", f"= {a['rows_used']:,} {self.text('used', '采用')} + {a['rows_ignored']:,} {self.text('ignored', '忽略')} ({ignored})"),
            (self.text("Records", "记录"), f"{a['records_made']:,}", f"= {a['records_loaded']:,} {self.text('loaded', '入库')} + {a['records_quarantined']:,} {self.text('quarantined', '隔离')}"),
            (self.text("Cells", "单元格"), f"{a['cells']:,}", f"= {a['cells_mapped']:,} {self.text('mapped', '映射')} + {a['cells_identifier']:,} {self.text('identifiers', '标识符')} + {a['cells_ignored']:,} {self.text('ignored', '忽略')} + {a['cells_quarantined']:,} {self.text('quarantined', '隔离')}"),
            (self.text("Patients", "患者"), f"{a['patients']:,}", ""),
        ]  # fmt: skip
        for label, total, parts in rows:
            table.add_row(f"  {label}", f"{total:>8} {parts}")
        return table

    @staticmethod
    def _list_ignored(accounts: pl.DataFrame | None) -> str:
        if accounts is None:
            return ""
        by_rule = accounts.filter(pl.col("rule") != USED).group_by("rule").agg(pl.col("n_rows").sum())
        return ", ".join(
            f"{rule} {n:,}" for rule, n in by_rule.sort("n_rows", "rule", descending=[True, False]).iter_rows()
        )

    def _findings_line(self, summary: IngestSummary) -> str:
        counts = summary.findings or {}
        names = {
            Severity.REJECT: self.text("records set aside", "隔离记录"),
            Severity.QUERY: self.text("questions", "质疑"),
            Severity.NOTE: self.text("notes", "提示"),
        }
        parts = ", ".join(f"{counts.get(severity.value, 0):,} {name}" for severity, name in names.items())
        return f"  {self.text('Findings', '问题')}: {parts}"

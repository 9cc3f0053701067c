"""A delivery that is refused is on record too: which, why by its exit code, and that nothing of it was loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from etl.choose_delivery import Candidate
from etl.errors import (
    ChangedWhileReadError,
    DeliveryError,
    EmptyTableError,
    ExtractDayError,
    NotPermittedError,
    ProvenanceError,
    RegistryError,
    StructureError,
    VolumeError,
)
from etl.settings import Settings
from etl.store.trail import record_event
from etl.store.warehouse import open_for_writing

REFUSALS = (
    ChangedWhileReadError, DeliveryError, EmptyTableError, ExtractDayError, NotPermittedError, ProvenanceError, StructureError,
    VolumeError,
)  # fmt: skip
"""What a delivery is refused for; a slip of the command, a missing key or a database that is held is no matter of the delivery."""


@contextmanager
def record_refusal(settings: Settings, hospital: str, candidate: Candidate, *, is_recorded: bool) -> Iterator[None]:
    """Write into the trail that the delivery which is read inside was refused, where there is a database; the error goes on.

    Where it cannot be written, as on a full disk, the refusal is told all the same.
    """
    try:
        yield
    except REFUSALS as error:
        if is_recorded and settings.warehouse_path.exists():
            with suppress(RegistryError):
                _record(settings, hospital, candidate, error)
        raise


def _record(settings: Settings, hospital: str, candidate: Candidate, error: RegistryError) -> None:
    with open_for_writing(settings.warehouse_path) as warehouse, warehouse.transaction():
        record_event(
            warehouse, "refused", hospital=hospital, input_hash=candidate.input_hash, rows_out=0, exit_code=error.exit_code,
            content_hash=candidate.content_hash,
        )  # fmt: skip

"""What a user can cause: one exception per kind, each with its own exit code.

A message says what is wrong, where (file, sheet, row, column) and what to do. It never holds a patient's value.
"""

from __future__ import annotations

from etl.limits import bound_message


class RegistryError(Exception):
    """Base of every error a user can cause; the command line prints it without a traceback.

    `en` and `zh` are the whole message in either language, as long as `etl/limits.py` lets a message be; `str()` gives English.
    """

    exit_code = 1

    def __init__(self, en: str, zh: str = "") -> None:
        self.en = bound_message(en, "... and {n} more lines")
        self.zh = bound_message(zh, "…… 另有 {n} 行") or self.en
        super().__init__(self.en)


class UsageError(RegistryError):
    """A command that cannot be carried out as typed: no such hospital, study, language, workspace."""

    exit_code = 2


class InstallationError(UsageError):
    """A command that this installation cannot carry out: files of the registry are missing, or it is not installed at all."""


class DeliveryError(RegistryError):
    """A delivery whose container cannot be taken: missing, empty, not what its name says, unreadable encoding."""

    exit_code = 3


class StructureError(RegistryError):
    """A delivery or mapping whose sheets or columns do not agree with each other; lists every fault at once."""

    exit_code = 4


class AmbiguousDeliveryError(RegistryError):
    """More than one new delivery, so that the registry would have to guess."""

    exit_code = 5


class VolumeError(RegistryError):
    """A delivery with far fewer patients than the last one of the same hospital."""

    exit_code = 6


class ProvenanceError(RegistryError):
    """Invented patients offered to a workspace of real ones, or the other way round."""

    exit_code = 7


class BusyError(RegistryError):
    """The warehouse is held by another process."""

    exit_code = 8


class IdentityError(RegistryError):
    """A key is missing, unsafe, or not the one this warehouse was made with; or a warehouse may not be begun with it."""

    exit_code = 9


class AnalysisError(RegistryError):
    """An analysis that cannot be computed from what there is: nobody eligible, one arm, no events, separation."""

    exit_code = 10


class AnswerError(RegistryError):
    """An answered query workbook that cannot be taken: unreadable, an unknown query, an answer that is none of the choices."""

    exit_code = 11


class WorksheetError(RegistryError):
    """A new hospital's worksheet that cannot be taken: a cell names no field, no unit of it, or a field that is taken."""

    exit_code = 12


class OpenDecisionsError(RegistryError):
    """A new hospital's worksheet with decisions that are still to be made; nothing was read."""

    exit_code = 13


class NotKeptError(RegistryError):
    """A file in which somebody wrote could not be copied before it was to be written anew; it stayed as it was."""

    exit_code = 14


class ExtractDayError(RegistryError):
    """A delivery of which nobody knows the day on which it was taken out of the hospital's system, or of a day before most of its dates."""

    exit_code = 15


class EmptyTableError(RegistryError):
    """A delivery of which a mapped table would be loaded without a single record, although rows told of it."""

    exit_code = 16


class DamagedError(RegistryError):
    """A database of which bytes are not what was written, as a failing disk or a broken copy leaves them."""

    exit_code = 17


class UnfinishedError(RegistryError):
    """What was asked for is saved, and something that follows could not be done; it is owed, and says what it was and why.

    `exit_code` is that of the cause where it says more: a signal, or a fault of the registry itself.
    """

    exit_code = 18

    def __init__(self, en: str, zh: str, exit_code: int = 18) -> None:
        super().__init__(en, zh)
        self.exit_code = exit_code


class ChangedWhileReadError(RegistryError):
    """A file that changed while it was read, as on a share to which it is still being copied; nothing of it was taken."""

    exit_code = 19


class DiffersError(RegistryError):
    """Something is not what the registry recorded of it: a table, the trail, a delivery or a report; nothing was changed."""

    exit_code = 20


class NotPermittedError(RegistryError):
    """A delivery that may not be loaded today: its hospital's mapping states no permission, one that is not whole, not begun or ended."""

    exit_code = 23


class PasswordError(RegistryError):
    """A workbook with a password that was not given or is wrong, or a password that does not do; nothing of the file was taken."""

    exit_code = 25


class StoppedError(RegistryError):
    """The command was told to stop: from the keyboard (130), by a closed terminal (129) or by `kill` (143)."""

    exit_code = 130

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"Stopped by {name}.", f"已被 {name} 中止。")
        self.exit_code = 128 + number


class InternalError(RegistryError):
    """A fault of the registry itself, such as accounts that do not balance: nothing was loaded; please report it."""

    exit_code = 70

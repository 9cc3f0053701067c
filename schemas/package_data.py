"""Files that come with the code: templates, lists of words, mappings, cases. The one way to reach them.

They lie in the packages themselves and are found through `importlib.resources`, so that a checkout and an installed wheel read
alike. The wheel must lie unpacked, as pip leaves it: a folder of mappings is listed, and templates include each other.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


class MissingDataError(Exception):
    """A file that comes with the code is not where it should be; `path` is that place."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


def find_folder(package: str) -> Path:
    """Return the folder of a package, named with dots."""
    return Path(str(files(package)))


def find_data(package: str, name: str) -> Path:
    """Return the path of a file that lies in a package.

    Raises:
        MissingDataError: the installation lacks the file.
    """
    try:
        path = find_folder(package) / name
    except ModuleNotFoundError:
        path = Path(*package.split("."), name)
    if not path.is_file():
        raise MissingDataError(path)
    return path

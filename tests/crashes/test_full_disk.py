"""On a disk with room for so many bytes a command fails at one place or another: each time what it says of what was done is true."""

import os
import shutil
import subprocess

import pytest

from crashes.conftest import INGEST, list_scratch, read_place

SIZES = int(os.environ.get("FULL_DISKS", "2"))
"""How many sizes: two in `make test`, thirty in `make nightly`."""
MIB = 1024**2


@pytest.fixture
def disk(tmp_path):
    """A function that gives a disk of so many bytes; they are mounted, which needs the right to."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(n_bytes):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", folder], capture_output=True, check=False
        )
        if done.returncode:
            # No skip, which CI does not allow: whether a disk may be mounted is the machine's matter, and said in the summary.
            pytest.xfail("a small disk cannot be mounted here")
        return folder

    yield mount
    subprocess.run(["umount", folder], capture_output=True, check=False)


def measure(place):
    return sum(path.stat().st_blocks * 512 for path in place.rglob("*"))


def read_ingests(place):
    held = read_place(place)
    return len(held.get("main.ingests", ()))


def check_told(done, n_before, n_after):
    """Hold the message and the code against what the database holds."""
    assert "Traceback" not in done["told"]
    assert "itself failed" not in done["told"], done["told"]
    if done["code"] == 0:
        assert n_after == n_before + 1
    elif done["code"] == 18 and "What follows was not finished" in done["told"]:
        assert n_after == n_before + 1, done["told"]
    else:
        assert (done["code"], n_after) == (2, n_before), done["told"]


@pytest.mark.parametrize("share", [(i + 0.5) / SIZES for i in range(SIZES)])
def test_on_a_full_disk_the_message_is_true_and_with_room_the_work_goes_on(warm, starts, disk, tmp_path, share):
    start = starts["ingest"]
    needed = 4 * MIB  # so much more the log, the file and the pages come to
    folder = disk(measure(start.folder) + int(share * needed))
    place = folder / "place"
    shutil.copytree(start.folder, place)
    n_before = read_ingests(place)
    done = warm.run(place, *INGEST)
    subprocess.run(["mount", "-o", f"remount,size={64 * MIB}", folder], check=True)
    check_told(done, n_before, read_ingests(place))
    again = warm.run(place, *INGEST)
    assert again["code"] == 0, again["told"]
    assert read_ingests(place) == n_before + 1
    assert read_place(place)["owed"] == [(0,)]
    assert list_scratch(place) == []

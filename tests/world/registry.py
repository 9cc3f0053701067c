"""Takes a delivery through the registry in this process, as an ingest does, up to the door of the database."""

import subprocess
from dataclasses import dataclass
from unittest import mock

import polars as pl
from judged_delivery import KEY, judge_mapped

from etl.delivery import apart, read
from etl.errors import RegistryError
from etl.mapping.identity import normalise_identifier
from etl.mapping.read_site import load_site
from etl.mapping.verbs import map_delivery
from world.truth import EXTRACT_DAY


@dataclass(frozen=True)
class Loaded:
    """What the registry made of a delivery: its tables and findings, or the words with which it refused it."""

    tables: dict
    findings: pl.DataFrame | None
    refusal: str = ""


def load(delivery, site_folder):
    """Read, map, type and judge a delivery of the extract day."""
    try:
        site = load_site(site_folder)
        with mock.patch.object(apart, "_run", _read_here):
            read_in = read.read_delivery(delivery)
        validated = judge_mapped(map_delivery(read_in, site), site, EXTRACT_DAY)
    except RegistryError as error:
        return Loaded({}, None, str(error))
    return Loaded(validated.tables, validated.findings)


def _read_here(command, given):
    """The child process that reads a workbook or a page costs more than all the rest."""
    return subprocess.CompletedProcess(command, 0, apart.answer_call(command[-1], given), b"")


def pseudonym(hospital, number):
    """The registry's own name for a patient's number."""
    return KEY.pseudonym(hospital, normalise_identifier(number))

"""What only people can say of a study, for its manuscript."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic.dataclasses import dataclass

from etl.configuration import CONFIG

Spelling = Literal["british", "american"]


@dataclass(frozen=True, config=CONFIG)
class Publication:
    """What only people can say, for the manuscript. What is left out stands there as a place to fill, and in its list of what is open."""

    title_zh: Annotated[str, "title of the Chinese abstract"] = ""
    short_title: Annotated[str, "running title"] = ""
    authors: Annotated[tuple[str, ...], "authors, each with the affiliation"] = ()
    correspondence: Annotated[str, "who answers letters, with the address"] = ""
    keywords: Annotated[tuple[str, ...], "key words"] = ()
    background: Annotated[str, "why the study was made, in a sentence of the abstract"] = ""
    registration: Annotated[str, "where protocol and plan of analysis were registered, and when"] = ""
    deviations: Annotated[str, "what was done otherwise than the protocol said, and why"] = ""
    lock: Annotated[str, "when data were locked, and whether before results were looked at"] = ""
    ethics: Annotated[str, "approval of each ethics board: number and date"] = ""
    consent: Annotated[str, "consent, or who waived it"] = ""
    funding: Annotated[str, "funding, and what funders had to say"] = ""
    interests: Annotated[str, "competing interests"] = ""
    contributions: Annotated[str, "who did what"] = ""
    published_in: Annotated[
        str, "the publication whose figures stand beside those of the study, as a list of references prints it"
    ] = ""
    data_sharing: Annotated[str, "which data are shared, with whom, how"] = ""
    spelling: Annotated[Spelling, "of the manuscript's own sentences; labels stay as they are written"] = "british"

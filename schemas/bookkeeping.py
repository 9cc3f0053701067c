"""What the registry keeps about its ingests besides the hospitals' records: every column's type and meaning.

Whoever makes such a frame makes it by these declarations, and the store declares its tables by them.
"""

from __future__ import annotations

import polars as pl

from schemas.column import Column

SOURCE: dict[str, Column] = {
    "source_file": Column(pl.String, "file of the delivery"),
    "source_sheet": Column(pl.String, "sheet of the file, where it has sheets"),
    "source_row": Column(pl.Int64, "row number as the data manager sees it"),
}
SOURCE_CELL: dict[str, Column] = {
    **SOURCE,
    "source_column": Column(pl.String, "column, where it is about one cell"),
    "value": Column(pl.String, "the cell's text, masked"),
}

FINDINGS: dict[str, Column] = {
    "finding_id": Column(pl.String, "id, the same from delivery to delivery"),
    "rule_id": Column(pl.String, "rule that found it"),
    "severity": Column(pl.String, "reject, query or note"),
    "outcome": Column(pl.String, "fail, or error where the rule could not be run"),
    "patient_id": Column(pl.String, "pseudonym of the patient"),
    "table_name": Column(pl.String, "table of the record"),
    "field": Column(pl.String, "field it points at; empty where it is about the whole record"),
    "record_key": Column(pl.String, "the record's key within its patient"),
    **SOURCE_CELL,
    "message_en": Column(pl.String, "the sentence the hospital reads, in English"),
    "message_zh": Column(pl.String, "the same in Chinese"),
    "reading": Column(
        pl.Float64,
        "value of a cell that was set aside, in the registry's unit; empty where it does not count though confirmed",
    ),
}

RULE_OUTCOMES: dict[str, Column] = {
    "rule_id": Column(pl.String, "rule"),
    "table_name": Column(pl.String, "table whose records it judged"),
    "severity": Column(pl.String, "reject, query or note"),
    "n_pass": Column(pl.Int64, "records that passed"),
    "n_fail": Column(pl.Int64, "records that failed"),
    "n_not_evaluable": Column(pl.Int64, "records that could not be judged"),
    "n_error": Column(pl.Int64, "records for which the rule could not be run"),
}

ROW_ACCOUNTS: dict[str, Column] = {
    "source_file": SOURCE["source_file"],
    "source_sheet": SOURCE["source_sheet"],
    "rule": Column(pl.String, "used, or the rule by which the rows were ignored"),
    "n_rows": Column(pl.Int64, "rows"),
}

QUARANTINE: dict[str, Column] = {
    name: FINDINGS[name] for name in ("table_name", "record_key", "field", "rule_id", "patient_id", *SOURCE_CELL)
}

COMPLETENESS: dict[str, Column] = {
    "table_name": Column(pl.String, "table"),
    "field": Column(pl.String, "field"),
    "n_records": Column(pl.Int64, "records"),
    "n_filled": Column(pl.Int64, "of them those in which the field is filled"),
}

CONFIRMED: dict[str, Column] = {
    **{name: FINDINGS[name] for name in ("finding_id", "patient_id", "table_name", "field", "record_key")},
    **SOURCE_CELL,
    "reading": Column(pl.Float64, "value that counts, in the registry's unit"),
    "answer_id": Column(pl.Int64, "answer that confirmed it"),
    "answered_by": Column(pl.String, "who confirmed it, as written"),
    "taken_at": Column(pl.String, "when the answer was taken, UTC"),
}

SOURCE_ROW: dict[str, Column] = {
    **SOURCE,
    "rule": Column(pl.String, "used, or the rule by which the row was ignored"),
    "cells": Column(pl.String, "the row's cells as JSON, without identifiers and ignored columns, masked"),
    "patient_id": Column(pl.String, "pseudonym of the patient whose number stands in the row"),
}

NOTICES: dict[str, Column] = {
    "kind": Column(
        pl.String,
        "equal_files, bound_at_limit, old_delivery, older_data, vanished, identity, changed_column, withdrawn or erased",
    ),
    "n": Column(pl.Int64, "how many it is about"),
    "message_en": Column(pl.String, "what is strange beside the delivery before, in English"),
    "message_zh": Column(pl.String, "the same in Chinese"),
}

WITHDRAWN: dict[str, Column] = {
    "hospital": Column(pl.String, "hospital"),
    "patient_mark": Column(pl.String, "mark by which the patient's number is known again; it leads to no pseudonym"),
    "kind": Column(pl.String, "stop: no further data, what there is stays; erase: nothing of the patient is kept"),
    "patient_id": Column(pl.String, "pseudonym, where data stay; empty where they are erased"),
    "ingest_id": Column(pl.Int64, "the hospital's current version at that time; empty where there was none"),
    "withdrawn_at": Column(pl.String, "time it was noted, UTC"),
}

ERASED_QUERY: dict[str, Column] = {
    "hospital": Column(pl.String, "hospital"),
    "query_hash": Column(
        pl.String, "SHA-256 of the id of a query about an erased patient: answers to it are not taken any more"
    ),
}

KEPT_RECORD: dict[str, Column] = {
    "table_name": FINDINGS["table_name"],
    "patient_id": FINDINGS["patient_id"],
    "person_id": Column(pl.String, "pseudonym of the national id"),
    "birth_date_is_of_national_id": Column(pl.Boolean, "whether the birth date is the one that the national id states"),
    "sex_is_of_national_id": Column(pl.Boolean, "the same of the sex"),
    "person_is_unreadable": Column(pl.Boolean, "a national id was sent and is none"),
    **SOURCE,
    "source_column": SOURCE_CELL["source_column"],
    "texts": Column(pl.String, "the record's texts by field as JSON, masked"),
    "columns": Column(pl.String, "the hospital's column behind each field as JSON"),
    "cell_rows": Column(pl.String, "rows of cells that stand in another row than their record, by field as JSON"),
    "personal": Column(pl.String, "fields in which personal data was masked, and its kinds, as JSON"),
    "day": Column(pl.Date, "last day that its delivery can tell of"),
    "brought_by": Column(pl.Int64, "ingest of the delivery that brought it"),
}

OWNER: dict[str, Column] = {
    "ingest_id": Column(pl.Int64, "ingest"),
    "hospital": Column(pl.String, "hospital"),
    "delivery": Column(pl.String, "delivery"),
}

INGESTS: dict[str, Column] = {
    "ingest_id": Column(pl.Int64, "number of the ingest: a version of one hospital"),
    "hospital": Column(pl.String, "hospital"),
    "name_en": Column(pl.String, "its English name"),
    "name_zh": Column(pl.String, "its Chinese name"),
    "delivery": Column(pl.String, "name of the delivery"),
    "path": Column(pl.String, "where it lay when it was read"),
    "content_hash": Column(pl.String, "hash of the delivery's files"),
    "places_hash": Column(
        pl.String,
        "the same with their names, by which the hospital finds a row again; empty where it was not noted yet",
    ),
    "input_hash": Column(pl.String, "hash of the delivery, its mapping and the code that judged it"),
    "is_synthetic": Column(pl.Boolean, "the patients are invented"),
    "extract_day": Column(
        pl.Date, "day on which the data were taken out of the hospital's system: no date of theirs lies after it"
    ),
    "extract_day_origin": Column(pl.String, "where that day is known from: said, name or saved"),
    "loaded_at": Column(pl.String, "time of the load, UTC"),
    "rows_read": Column(pl.Int64, "rows read"),
    "rows_used": Column(pl.Int64, "rows used"),
    "rows_ignored": Column(pl.Int64, "rows ignored"),
    "records_made": Column(pl.Int64, "records made of the used rows, and those carried over"),
    "records_carried": Column(
        pl.Int64, "of them those carried over from the version before, which an addition does not replace"
    ),
    "records_replaced": Column(pl.Int64, "records of the version before that an addition replaced"),
    "base_ingest_id": Column(pl.Int64, "version that an addition was added to; empty for a full delivery"),
    "mapping_hash": Column(pl.String, "hash of the mapping it was read by"),
    "hashes_persons": Column(
        pl.Boolean, "hashes of persons were made of its identity documents; empty where that was not noted: always"
    ),
    "records_loaded": Column(pl.Int64, "records loaded"),
    "records_quarantined": Column(pl.Int64, "records set aside"),
    "cells": Column(pl.Int64, "cells that are not empty, in used rows"),
    "cells_mapped": Column(pl.Int64, "cells mapped to a field"),
    "cells_identifier": Column(pl.Int64, "cells of identifiers, never kept"),
    "cells_ignored": Column(pl.Int64, "cells of ignored columns"),
    "cells_quarantined": Column(pl.Int64, "cells set aside"),
    "merged_filled": Column(pl.Int64, "rows that a merged cell was filled into"),
    "patients": Column(pl.Int64, "patients loaded"),
    "patients_erased": Column(pl.Int64, "of them those erased since, who withdrew; empty where none was"),
    "records_erased": Column(pl.Int64, "of the records made those erased since; empty where none was"),
    "is_current": Column(pl.Boolean, "the hospital's current version"),
    "is_withdrawn": Column(pl.Boolean, "the hospital went back from it; empty where nobody noted that yet"),
}

OTHERS_SHARE: dict[str, Column] = {
    "hospital": Column(pl.String, "hospital whose page shows it"),
    "field": Column(pl.String, "compared field of the subject table"),
    "level": Column(pl.String, "level, as the page prints it in English"),
    "percent": Column(pl.Int64, "share of the other hospitals' patients at this level, whole per cent"),
    "n_patients": Column(pl.Int64, "patients of the other hospitals when it was fixed"),
}
"""What each hospital's page shows of the others, until the coordinating centre fixes it anew."""
PERMISSION: dict[str, Column] = {
    "hospital": Column(pl.String, "hospital"),
    "kind": Column(
        pl.String,
        "by what its data may be used: approval, waiver, public data, synthetic; empty where a version was loaded without",
    ),
    "number": Column(pl.String, "number of the approval or waiver; of public data the licence"),
    "permitted_on": Column(pl.Date, "first day on which it holds"),
    "ends_on": Column(pl.String, "last day on which it holds, or: no end"),
    "scope": Column(pl.String, "which patients, data and use it covers"),
    "transfer": Column(pl.String, "agreement by which data are given to the coordinating centre"),
    "contact": Column(pl.String, "who at the hospital answers for it"),
    "cross_border": Column(pl.String, "basis on which data leave the country, or that none do"),
}
"""By what each hospital's data may be used, as its mapping said when a command that writes last looked."""
ANSWERS: dict[str, Column] = {
    "answer_id": Column(pl.Int64, "number of the answer; the last one of a query counts"),
    "hospital": Column(pl.String, "hospital"),
    "finding_id": Column(pl.String, "query that is answered"),
    "answer": Column(pl.String, "corrected, confirmed, not_available or comment"),
    "comment": Column(pl.String, "comment, masked"),
    "value": Column(pl.String, "the value the query was about"),
    "message_en": Column(pl.String, "the question as it was asked"),
    "answered_by": Column(pl.String, "who answered, as written"),
    "ingest_id": Column(pl.Int64, "ingest whose query workbook was filled in"),
    "source_file": Column(pl.String, "the workbook"),
    "source_row": Column(pl.Int64, "row of the workbook"),
    "file_hash": Column(pl.String, "hash of the workbook"),
    "taken_at": Column(pl.String, "time it was taken, UTC"),
}

FORMER_ID: dict[str, Column] = {
    "former": Column(pl.String, "keyed hash of an id that a finding had before its patient's pseudonym was made anew"),
    "finding_id": Column(pl.String, "the id that it has now"),
}
"""By what the ids of query workbooks from before a `rekey` are found; without the key nobody can go from one to the other."""

REGISTRY: dict[str, Column] = {
    "key_fingerprint": Column(pl.String, "tells two pseudonym keys apart and reveals neither"),
    "linkage_fingerprint": Column(
        pl.String,
        "the same of the linkage key, by which hashes of persons are made; none where it was never there, empty where the pseudonym key makes them",
    ),
    "is_synthetic": Column(pl.Boolean, "the patients of this warehouse are invented"),
}

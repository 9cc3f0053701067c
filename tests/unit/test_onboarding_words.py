import pytest

from etl.onboarding.proposing.words import (
    find_code,
    list_code_lists,
    list_meanings,
    read_asked_words,
    read_code_words,
    read_column_words,
    read_fields,
    read_other_words,
    read_table_column_words,
    read_table_words,
    squeeze,
)
from schemas.codes import LabTest, Organ
from schemas.contract import read_sent_key
from schemas.tables import TABLES

CODED = [(t, n) for t in TABLES for n, spec in read_fields(t).items() if spec.codes and not spec.is_made]


def test_every_word_means_something_that_exists():
    found = {
        m for words in [read_column_words(), *map(read_table_column_words, TABLES)] for ms in words.values() for m in ms
    }
    assert found <= set(list_meanings())
    assert set(read_table_words().values()) == set(TABLES), (
        "write a line of etl/onboarding/proposing/table_words.csv for each table: what hospitals call such a sheet"
    )


def test_every_field_that_a_hospital_sends_has_a_word():
    found = {
        m for words in [read_column_words(), *map(read_table_column_words, TABLES)] for ms in words.values() for m in ms
    }
    fields = {f"{t}.{n}" for t in TABLES for n, spec in read_fields(t).items() if not spec.is_made}
    assert sorted(fields - found) == [], (
        "write a line of etl/onboarding/proposing/column_words.csv for each: what hospitals call such a column"
    )
    assert {f"laboratory.value.{test}" for test in LabTest} <= found
    assert {f"metastasis.organ.{organ}" for organ in Organ} <= found


def test_words_of_one_meaning_are_not_words_of_another():
    twice = {word: found for word, found in read_column_words().items() if len(found) > 1}
    # What a size is, a number or a text, its values tell.
    assert {frozenset(found) for found in twice.values()} <= {
        frozenset({"baseline.tumour_size_cm", "baseline.tumour_size_text"})
    }


@pytest.mark.parametrize(("table", "name"), CODED)
def test_every_code_is_known_by_itself_its_label_and_a_word(table, name):
    spec = read_fields(table)[name]
    for code in spec.codes:
        assert find_code(spec, code.value) == code.value
        assert find_code(spec, code.zh) == code.value or code.zh == "无"
    assert set(read_code_words(spec).values()) == {code.value for code in spec.codes}, (
        f"write a line of etl/onboarding/proposing/code_words.csv for each code of {table}.{name}: how hospitals write it"
    )


def test_no_word_stands_for_two_codes_of_a_list():
    for codes in list_code_lists():
        words = [
            (w, v)
            for table, name in CODED
            if read_fields(table)[name].codes is codes
            for w, v in read_code_words(read_fields(table)[name]).items()
        ]
        assert len(dict(words)) == len(set(words))


@pytest.mark.parametrize(
    ("text", "squeezed"),
    [
        ("ALT (U/L)", "alt"),
        ("ＡＬＴ", "alt"),
        ("Child-Pugh分级", "childpugh分级"),
        ("date_of_birth", "dateofbirth"),
        ("(cm)", "cm"),
        ("", ""),
    ],
)
def test_words_are_compared_without_case_blanks_punctuation_and_brackets(text, squeezed):
    assert squeeze(text) == squeezed


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("patient.sex", "Ｍ", "male"), ("baseline.pvtt_type", "Ⅲ型", "III"), ("baseline.bclc_stage", "Stage C", "C"),
        ("baseline.hbsag", "+", "positive"), ("baseline.hbsag", "(-)", "negative"), ("outcome.vital_status", "1:DECEASED", "dead"),
        ("baseline.has_tace", "未做", "false"), ("lesion.modality", "增强MRI", "mri"), ("patient.sex", "1", None), ("patient.sex", "待查", None),
    ],
)  # fmt: skip
def test_codes_in_the_words_of_hospitals(field, text, code):
    table, name = field.split(".")
    assert find_code(read_fields(table)[name], text) == code


def test_keys_of_tables_with_many_rows_have_words_there():
    for table, model in TABLES.items():
        for name in read_sent_key(model)[1:]:
            assert any(
                f"{table}.{name}" in found
                for words in (read_column_words(), read_table_column_words(table))
                for found in words.values()
            )


def test_a_word_that_means_something_else_is_no_word_of_a_field():
    assert not set(read_other_words()) & set(read_column_words())


def test_a_word_that_is_asked_about_is_a_word_of_a_field():
    assert set(read_asked_words()) <= set(read_column_words())

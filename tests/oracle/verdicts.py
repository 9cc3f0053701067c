"""The registry's verdicts on plain tables, by rule and by the key of the record that is judged."""

from schemas.contract import read_key
from schemas.derive import join_subject
from schemas.rules.rule import SUBJECT
from schemas.tables import TABLES


def evaluate_rules(rules, frames, derived):
    """Rule id -> record key -> verdict."""
    verdicts = {}
    for table in (*TABLES, SUBJECT):
        own = [rule for rule in rules if rule.table == table]
        frame = derived[SUBJECT] if table == SUBJECT else join_subject(table, frames[table], derived)
        keys = frame.select("patient_id" if table == SUBJECT else read_key(TABLES[table])).rows()
        judged = frame.select(rule.expression().cast(bool).alias(rule.rule_id) for rule in own)
        for rule in own:
            verdicts[rule.rule_id] = dict(zip(keys, judged[rule.rule_id], strict=True))
    return verdicts

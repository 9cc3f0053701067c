"""The cases of the rules, one file a rule, and the patient whom they change."""

"""A hospital's dialect becomes typed records of the registry's fields: its mapping, verbs, units, identities, accounts; stands on delivery, pages."""

"""Tables of the report; each reads results and never refits."""

"""Numbered changes of the stored tables, run once and in order; `NNNN_<what>.sql`."""

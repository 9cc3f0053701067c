"""The example study: invented patients of three hospitals, with planted faults and the ledger that names them.

Everybody in it is synthetic; the counts of its baseline table are the published ones.
"""

from etl.example.write import write_example

__all__ = ["write_example"]

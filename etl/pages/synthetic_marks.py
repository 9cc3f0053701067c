"""What invented patients are marked with wherever they are shown, the texts side by side.

They differ by the room and the reader: a figure has a corner for three words, a manuscript must say it to an editor, and
a workbook's mark is also what tells, when it comes back answered, that its patients are invented. What a hospital's own
file carries is `etl.delivery.read.SYNTHETIC_MARKER`; a table says it by row, in `data_origin`.
"""

from __future__ import annotations

from etl.pages.text import Text

ON_FIGURES = "Synthetic example data"
IN_MANUSCRIPTS = "SYNTHETIC EXAMPLE DATA: invented patients, no finding about real ones"
IN_WORKBOOKS = "SYNTHETIC EXAMPLE DATA: synthetic patients, not real / 合成患者，非真实数据"
IN_TERMINALS = Text("Synthetic patients - not real", "合成患者，非真实数据")
ON_PAGES = "Synthetic patients — not real / 合成患者，非真实数据"

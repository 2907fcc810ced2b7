"""``lwsw sweep``: one picture painted with several weights and paintings, on one labelled sheet and in one table.

OUT/sweep.png            the contact sheet
OUT/sweep.csv            one row per cell
OUT/cells/01_NAME.png    16-bit pictures, numbered as they were painted
OUT/cells/01_NAME.json   what each was painted with, as a hash, and its measures: a cell that is there is not painted again

grid.py            what is compared, without torch
run.py             paints what is missing
cells.py           finished cells on disk
board.py           the sheet and the table
contact_sheet.py   draws pictures in a labelled grid
"""

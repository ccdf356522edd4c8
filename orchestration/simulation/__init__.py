"""Simulation: what programs would have paid on history, by the warehouse's own models.

What belongs here: running the published calculation over program tables that are handed in (engine.py), variants of
documents (variants.py), months (months.py), and showing what came out (results.py, workbook.py, chart.py). What does
not: reading program documents (programs), the words of the command (orchestration/simulate.py puts the rooms together).

Nothing is posted, and nothing of the data folder is written.
"""

"""X12 files as records: paths that name elements, and the rows of a set's detail loop.

What belongs here: what a mapping of format x12 means (paths.py), and its rows (records.py). What does not:
envelopes and grammars (orchestration/x12).
"""

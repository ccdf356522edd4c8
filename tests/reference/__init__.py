"""An independent calculator of every figure, in plain Python.

What belongs here: docs/semantics.md written out as loops over dictionaries, with exact fractions.
What does not: SQL, frames, or anything imported from orchestration or dbt. It shares no code with
the product, so that the two can be held against each other.
"""

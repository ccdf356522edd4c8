"""Random programs over random lines: the calculator held against itself, and the models against the calculator.

What belongs here: Hypothesis strategies, invariants, and the comparison. What does not: published figures.
"""

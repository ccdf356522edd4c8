"""Published figures of other systems, run through ours.

What belongs here: the figures as they were published, with their sources, and how each one reads in
our words. What does not: figures of our own making.
"""

"""The worked examples of docs/programs.md: documents, lines and figures in ``*.yml``, built by the models in one test.

The page is written from the same files by ``python -m tests.examples``.
"""

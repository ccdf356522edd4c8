"""Formats, one module each: a ``FORMAT`` is neutral and always written, an ``ERP`` where seeds/erp switches it on.

Adding a format is adding a module.
"""

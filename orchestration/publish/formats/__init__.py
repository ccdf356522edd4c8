"""ERP formats, one module each with a ``FORMAT``. Adding a format is adding a module."""

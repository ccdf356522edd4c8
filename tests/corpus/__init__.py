"""Broken and odd files, each with what must become of it. The catalogue is docs/broken-files.md."""

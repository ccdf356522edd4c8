"""Killed, refused by the disk, or two at once: what stands afterwards, and that the next run finishes."""

"""dbt as a child process that does not outlive the run that started it.

What belongs here: the watch over the parent, and what the child is given. Not imported: run as a script
(transform/assets.py, transform/dbt.py).

A run that is killed frees the lock of the data folder at once, while its dbt would go on writing the
warehouse for up to a minute, against the dbt of the next run.
"""

import os
import threading
import time

SECONDS = 0.2

KEPT = ("DBT_", "REBATES_", "PYTHON", "LC_", "LANG", "HOME", "PATH", "TMPDIR", "DO_NOT_TRACK")
"""Beginnings of the variables that dbt and the profile may need."""


def end_with_parent() -> None:
    """End this process, whatever it does, once its parent has died (it then has another one)."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def few_variables() -> None:
    """Drop the variables that dbt does not need: it looks through all of them for secrets at each line of its log."""
    for name in [name for name in os.environ if not name.startswith(KEPT)]:
        del os.environ[name]


if __name__ == "__main__":
    end_with_parent()
    few_variables()
    from dbt.cli.main import cli

    cli()

"""dbt as a child process that does not outlive the run that started it.

What belongs here: the watch over the parent. Not imported: run as a script (transform/assets.py).

A run that is killed frees the lock of the data folder at once, while its dbt would go on writing the
warehouse for up to a minute, against the dbt of the next run.
"""

import os
import threading
import time

SECONDS = 0.2


def end_with_parent() -> None:
    """End this process, whatever it does, once its parent has died (it then has another one)."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    from dbt.cli.main import cli

    cli()

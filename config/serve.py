"""The server: `python -m config.serve` takes the options of granian.

Everything is loaded and checked before the first worker is forked (decision 37): what does not
change is in memory once and not in each of them, and what fails a check never listens.
"""

import multiprocessing

from granian.cli import entrypoint

from config.wsgi import application  # noqa: F401  # granian finds it loaded

if __name__ == "__main__":
    multiprocessing.set_start_method("fork")  # from 3.14 on Python would load it for each worker
    entrypoint()

"""The server of the rivals, as config/serve.py is ours: what it serves is loaded before the fork."""

import importlib
import multiprocessing
import sys

from granian.cli import entrypoint

importlib.import_module(sys.argv[-1].partition(":")[0])

if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    entrypoint()

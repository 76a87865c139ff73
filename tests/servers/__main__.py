"""`python -m tests.servers -- COMMAND ARGS` runs one command between the servers of a test run."""

import signal
import subprocess
import sys

from tests.servers import Missing, provide


def main(arguments: list[str]) -> int | str:
    """Give back the command's exit code, or the sentence of a refusal."""
    if arguments[:1] != ["--"] or len(arguments) == 1:
        return "usage: python -m tests.servers -- COMMAND [ARGS]"
    try:
        provide()
    except Missing as reason:
        return str(reason)
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the command's to answer
    command = subprocess.Popen(arguments[1:])
    signal.signal(signal.SIGTERM, lambda *_: command.terminate())
    code = command.wait()
    return code if code >= 0 else 128 - code  # as a shell says it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

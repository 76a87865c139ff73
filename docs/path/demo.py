"""The names that the chapters' commands use: `eval "$(.venv/bin/python docs/path/demo.py)"`.

Run it from the root of the project, with `make run` in another terminal. It loads the demo again,
so the secrets are new and those of an earlier load open nothing any more.
"""

import json
import shlex
import subprocess
import sys
from typing import Any


def variables(demo: dict[str, Any]) -> dict[str, str]:
    """What `manage.py seed_demo --json` prints, by the names of the chapters."""
    acme, globex, *_ = demo["organizations"]
    acme_keys = {key["name"]: key for key in acme["api_keys"]}
    return {
        "ORIGIN": demo["base_url"],
        "API": f"{demo['base_url']}/api/v1",
        "KEY": acme_keys["full"]["secret"],
        "KEY_ID": acme_keys["full"]["id"],
        "READ_KEY": acme_keys["read-only"]["secret"],
        "READ_KEY_ID": acme_keys["read-only"]["id"],
        "CLIENT_ID": acme["oauth_clients"][1]["client_id"],
        "CUSTOMER": acme["customers"][0],
        "INVOICE": acme["invoices"][0],
        "GLOBEX_KEY": globex["api_keys"][0]["secret"],
        "GLOBEX_CUSTOMER": globex["customers"][0],
        "GLOBEX_INVOICE": globex["invoices"][0],
    }


def main() -> None:
    """Print one `export` for each name."""
    command = [sys.executable, "manage.py", "seed_demo", "--json"]
    demo = json.loads(subprocess.check_output(command))  # noqa: S603  # our own command
    for name, value in variables(demo).items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()

"""`python -m tests.tls` starts the real gateway on loopback, scans it with sslyze, and compares what
it finds with deploy/nginx/tls-expectation.toml.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.gateway import HOST, NGINX, certify, gateway
from tests.practices import ROOT
from tests.tls.grade import compared

SCANNER = ROOT / "tests" / "tls" / ".venv" / "bin" / "sslyze"
EXPECTATION = NGINX / "tls-expectation.toml"
ASKED = (
    "sslv2 sslv3 tlsv1 tlsv1_1 tlsv1_2 tlsv1_3 compression early_data openssl_ccs fallback "
    "heartbleed robot reneg resum elliptic_curves ems"
)


def main() -> int | str:
    """Print a table and a grade; 0 when every fact is as expected."""
    if not SCANNER.exists():
        return "The scanner is not installed: make tls-scan installs it."
    expected = tomllib.loads(EXPECTATION.read_text())
    lines = []
    for kind in ("ecdsa", "rsa"):
        try:
            lines += list(compared(kind, scanned(kind), expected))
        except pytest.skip.Exception as reason:
            return str(reason)
    wrong = [line for line in lines if not line.agrees]
    for line in lines:
        print(f"{'ok ' if line.agrees else 'BAD'} {line.fact:<70} {shown(line.found)}")
        if not line.agrees:
            print(f"    {'expected':<70} {shown(line.expected)}")
    print(
        f"grade F: {len(wrong)} of {len(lines)} differ" if wrong else f"grade A: all {len(lines)}"
    )
    return 1 if wrong else 0


def scanned(kind: str) -> dict[str, Any]:
    """What sslyze finds at a gateway with a key of this kind."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        certificate = certify(folder, HOST, "localhost", kind=kind)
        with gateway("127.0.0.1:9", certificate=certificate) as edge:
            result = folder / "scan.json"
            options = [f"--{name}" for name in ASKED.split()]
            options += ["--sni=localhost", "--mozilla_config=disable", f"--json_out={result}"]
            command = [SCANNER, *options, f"127.0.0.1:{edge.https}"]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
            if not result.exists():
                raise RuntimeError(f"{ended.stdout}{ended.stderr}")
            (server,) = json.loads(result.read_text())["server_scan_results"]
            return {name: part["result"] for name, part in server["scan_result"].items()}


def shown(value: Any) -> str:
    """A list with blanks, for people."""
    return (" ".join(value) or "none") if isinstance(value, list) else str(value)


if __name__ == "__main__":
    sys.exit(main())

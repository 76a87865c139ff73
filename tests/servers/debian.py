"""A program of a Debian package without installing the package, so that no daemon starts."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin"


def debian(package: str, binary: str) -> Path:
    """The system's own `binary`, or the one that `package` holds, unpacked into a folder of ours.

    Skips the test, and says what is missing, where there is neither it nor apt-get.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM}"
    if found := shutil.which(binary, path=path):
        return Path(found)
    folder = Path(tempfile.gettempdir()) / f"strongroom-debian-{os.getuid()}" / package
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if folder.parent.stat().st_uid != os.getuid():
        pytest.skip(f"{folder.parent} belongs to somebody else: no {binary} for this test")
    with (folder / "lock").open("w") as lock:  # the workers of a run unpack it once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (program := inside(folder, binary)):
            unpack(package, folder)
            program = inside(folder, binary)
    if program is None:
        pytest.skip(f"No {binary} on this machine: apt-get install {package}")
    return program


def inside(folder: Path, binary: str) -> Path | None:
    """The program among the unpacked files."""
    return next((path for path in folder.glob(f"**/*bin/{binary}") if path.is_file()), None)


def unpack(package: str, folder: Path) -> None:
    """Leave nothing behind where it does not succeed."""
    try:
        download = ["apt-get", "download", package]
        subprocess.run(download, cwd=folder, check=True, capture_output=True, timeout=120)
        for archive in folder.glob("*.deb"):
            extract = ["dpkg", "-x", str(archive), str(folder)]
            subprocess.run(extract, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return

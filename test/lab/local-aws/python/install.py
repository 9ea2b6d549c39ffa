"""
install.py VENV REQUIREMENTS WHAT: creates a virtual environment with these packages, unless it exists.

Other processes that run this at the same time wait for the first one. A virtual environment cannot be moved, so it is
created in its final place, and only counts once its marker, the last file, is written. An incomplete one has no marker,
and is created again.

uv takes a third of the time that pip takes, but does not read pip's settings, such as a mirror. If uv fails, or is not
available, pip installs.
"""

import contextlib
import fcntl
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from parent import end_with_parent


UV = "uv==0.13.9"


def main():
    end_with_parent()
    folder, requirements, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder, f"waiting for another process that is installing {what}"):
        if marker(folder).exists():
            return
        packages = sum(1 for line in requirements.read_text().splitlines() if "==" in line)
        say(f"installing {what}: {packages} Python packages, about a minute")
        installer = make_installer(folder.parent)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=False, symlinks=True)
        if not install_by_uv(installer, folder, requirements):
            install_by_pip(installer, folder, requirements)
        marker(folder).touch()


def make_installer(parent):
    """A virtual environment with pip, and with uv if it exists for this machine. It is used for all others."""
    folder = parent / f"installer-{UV.replace('==', '-')}-python-{'.'.join(map(str, sys.version_info[:3]))}"
    with locked(folder, "waiting for another process that is installing uv"):
        if not marker(folder).exists():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True, symlinks=True)
            run([*pip(folder), "install", *PIP_OPTIONS, "--only-binary", ":all:", UV])
            marker(folder).touch()
    return folder


def install_by_uv(installer, folder, requirements):
    uv = installer / "bin" / "uv"
    if not uv.exists():
        return False
    # On the same file system, so that files are linked and not copied.
    with tempfile.TemporaryDirectory(prefix="uv-cache-", dir=folder.parent) as cache:
        options = ["--quiet", "--cache-dir", cache, "--python", str(folder / "bin" / "python")]
        return run([str(uv), "pip", "install", *options, "--requirement", str(requirements)]) == 0


def install_by_pip(installer, folder, requirements):
    python = ["--python", str(folder / "bin" / "python")]
    # Most modules are never loaded: those that are get compiled at their first use.
    options = [*PIP_OPTIONS, "--no-compile", "--requirement", str(requirements)]
    code = run([*pip(installer), *python, "install", *options])
    if code != 0:
        sys.exit(code)


PIP_OPTIONS = ["--quiet", "--disable-pip-version-check", "--no-input"]


def pip(environment):
    return [str(environment / "bin" / "python"), "-m", "pip"]


def run(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode


def marker(folder):
    return folder / "complete"


@contextlib.contextmanager
def locked(folder, waiting):
    with open(f"{folder}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(line):
    print(line, flush=True)


if __name__ == "__main__":
    main()

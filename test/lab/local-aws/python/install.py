"""
install.py VENV REQUIREMENTS WHAT: makes a virtual environment with these packages, unless it is there already.

Whoever runs this at the same time waits for the first to finish. A virtual environment can't be moved once it is
made, so it is made in its place, and counts only from when its marker is written, last: one that was left half made
has none, and is made anew.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from parent import end_with_parent


def main():
    end_with_parent()
    folder, requirements, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    marker = folder / "complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is installing {what}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if marker.exists():
            return
        packages = sum(1 for line in requirements.read_text().splitlines() if "==" in line)
        say(f"installing {what}: {packages} Python packages, about a minute")
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True, symlinks=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # Most modules are never loaded: what is loaded is compiled by its first use.
        options = ["--no-input", "--no-compile", "--requirement", str(requirements)]
        finished = subprocess.run([*pip, *options], stdin=subprocess.DEVNULL)
        if finished.returncode != 0:
            sys.exit(finished.returncode)
        marker.touch()


def say(line):
    print(line, flush=True)


if __name__ == "__main__":
    main()

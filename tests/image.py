"""The steps of deploy/Dockerfile, done in an empty folder with an environment of its own: `python -m tests.image [FOLDER]`.

By hand, where there is no Docker: it fetches the locked packages and takes minutes. Steps that need a root of their own (apt,
useradd) are named and left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.runs import ROOT

_OF_THE_SYSTEM = ("apt-get", "useradd")


def steps(dockerfile: str) -> list[tuple[str, str]]:
    """Instruction and the rest of each, in order."""
    lines = re.sub(r"\\\n\s*", " ", dockerfile).splitlines()
    return [(word, rest) for line in lines if line and line[0] != "#" for word, _, rest in [line.partition(" ")]]


def perform(folder: Path) -> None:
    """All that can be done without root. Raises where a step fails."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    home = folder / "home"
    home.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", folder / "python"], check=True)
    environment |= {"PATH": f"{folder / 'python' / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)}
    command = ""
    for word, rest in steps((ROOT / "deploy" / "Dockerfile").read_text()):
        print(f"{word} {rest}", flush=True)
        if word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                to = home / (Path(source).name if target == "./" else target)
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, to)
        elif word == "RUN" and not any(tool in rest for tool in _OF_THE_SYSTEM):
            subprocess.run(["sh", "-ec", rest], cwd=home, env=environment, check=True)
        elif word == "RUN":
            print("  (left out: it needs a root of its own)")
        elif word == "ENV":
            environment |= dict(part.split("=", 1) for part in rest.split())
        elif word == "CMD":
            command = " ".join(re.findall(r'"([^"]*)"', rest))
    for line in (command, "seimai run manifests/quickstart.toml --runner local --workers 1 --work ../w --release ../r"):
        subprocess.run(["sh", "-ec", line], cwd=home, env=environment, check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="seimai-image-") as scratch:
        perform(Path(sys.argv[1] if len(sys.argv) > 1 else scratch) / "root")
    print("the image's steps work")

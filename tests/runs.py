"""Running recipes in tests: the real command line, in a process of its own or in this one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
QUICKSTART = ROOT / "manifests" / "quickstart.toml"
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def seimai(*arguments: object) -> Ran:
    """One command in this process: quick, and pytest shows where it went wrong."""
    from pipeline.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(a) for a in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


def hear_ctrl_c() -> None:
    """A shell starts background jobs with SIGINT ignored, and children inherit it: undo that, also under such a CI."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """One command as a user starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )


def finish(process: subprocess.Popen[str], timeout: float = 240) -> Ran:
    out, err = process.communicate(timeout=timeout)
    return Ran(process.returncode, out, err)


def places(folder: Path) -> list[object]:
    return ["--work", folder / "work", "--release", folder / "release"]


def tree(folder: Path) -> dict[str, str]:
    """Relative path -> sha256 of every file below a folder."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def recipe(folder: Path, text: str) -> Path:
    """A recipe file in a folder of the test's own, with an output section added."""
    file = folder / "recipe.toml"
    file.write_text(f'name = "test"\n{text}\n[output]\nwork = "work"\nrelease = "release"\n', encoding="utf-8")
    return file


def source(name: str, kind: str, *files: Path | str, **more: str) -> str:
    listed = ", ".join(f'"{file}"' for file in files)
    extra = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    return f'[[source]]\nname = "{name}"\nkind = "{kind}"\nfiles = [{listed}]\n{extra}'


def committed(work: Path, stage: str) -> set[str]:
    """The markers of a stage, over all its fingerprints."""
    return {str(file) for file in work.glob(f"stages/{stage}/*/commit/*.json")}

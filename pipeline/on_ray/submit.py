"""Jobs on a remote cluster, by Ray's job API over HTTP: hand in, follow, stop. The cluster runs `seimai run`."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TextIO

import aiohttp
from ray.exceptions import AuthenticationError
from ray.job_submission import JobStatus, JobSubmissionClient

from pipeline.errors import DONE, SHORT, USAGE, ShortError, UsageError

PATIENCE = 600.0  # seconds without an answer from the cluster until a job is given up for lost
_PAUSE = 2.0  # seconds before the connection is tried again
_STOPS = 60.0  # seconds a job is given to stop; Ray kills it after three
_UNKNOWN = "does not exist"


class Jobs:
    """The jobs of the cluster that RAY_API_SERVER_ADDRESS or RAY_ADDRESS names. UsageError where none can be asked."""

    def __init__(self, say: Callable[[str], None]) -> None:
        for name in ("ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk", "ray._private"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what it has to say, one line of ours says
        self._say = say
        self._named = os.environ.get("RAY_API_SERVER_ADDRESS") or os.environ.get("RAY_ADDRESS") or ""
        try:
            self._client = JobSubmissionClient()
        except AuthenticationError as error:
            _refused(self._named, error)
        except (OSError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"no Ray cluster answers at {self._named} ({_line(error)}); give the address of its dashboard, as seen "
                "from here: --address http://HEAD:8265"
            ) from None

    def submit(self, package: Path, entrypoint: str, recipe: str) -> str:
        """Hand in a job; its id. The name is ours, so that no repeated request can make two jobs of one."""
        id = f"seimai-{secrets.token_hex(8)}"
        environment = {"working_dir": str(package), "env_vars": {"PYTHONUNBUFFERED": "1"}}
        try:
            # No CPUs for the entrypoint: it only schedules, and on a small cluster they would be missing to its tasks.
            self._client.submit_job(
                entrypoint=entrypoint, runtime_env=environment, submission_id=id, metadata={"recipe": recipe}
            )
        except AuthenticationError as error:
            _refused(self._named, error)
        except (OSError, RuntimeError) as error:
            raise ShortError(f"the cluster at {self._named} does not take the job: {_line(error)}") from None
        return id

    def follow(self, id: str, out: TextIO) -> int:
        """Copy the job's log to `out` until the job ends; its fate as an exit code. A lost connection is not its failure."""
        shown, heard, lost = _Shown(out), time.monotonic(), False
        while True:
            try:
                asyncio.run(self._copy(id, shown))
                details = self._asked(id)
                heard = time.monotonic()
            except (OSError, RuntimeError, aiohttp.ClientError) as error:
                if time.monotonic() - heard > PATIENCE:
                    raise ShortError(
                        f"job {id}: no answer from {self._named} for {PATIENCE / 60:.0f} minutes ({_line(error)}); it may "
                        f"still run: seimai submit --follow {id}; if its cluster is gone, submit the recipe again"
                    ) from None
                if not lost:
                    self._say(f"job {id}: lost the connection ({_line(error)}); the job goes on, trying again")
                lost = True
                time.sleep(_PAUSE)
                continue
            lost = False
            if details.status.is_terminal():
                return self._fate(id, details)
            time.sleep(_PAUSE)

    def stop(self, id: str) -> int:
        """End a job: it is asked first, so that what runs can leave tidily."""
        details = self._asked(id)
        if not details.status.is_terminal():
            self._client.stop_job(id)
            deadline = time.monotonic() + _STOPS
            while not (details := self._asked(id)).status.is_terminal():
                if time.monotonic() > deadline:
                    raise ShortError(f"job {id} was asked to stop and has not after {_STOPS:.0f} seconds; ask again")
                time.sleep(0.5)
        self._say(
            f"job {id} is {details.status.value.lower()}; submit the recipe again to go on from what is committed"
        )
        return DONE

    async def _copy(self, id: str, shown: _Shown) -> None:
        """The rest of the log. Ray sends it from its beginning each time."""
        shown.again()
        try:
            async for text in self._client.tail_job_logs(id):
                shown.add(text)
        except (OSError, RuntimeError, aiohttp.ClientError):
            self._asked(id)  # says it better where the job is unknown or the token refused; raises where nobody answers

    def _asked(self, id: str) -> Any:
        try:
            return self._client.get_job_info(id)
        except AuthenticationError as error:
            _refused(self._named, error)
        except RuntimeError as error:
            if _UNKNOWN in str(error):
                raise UsageError(
                    f"the cluster at {self._named} knows no job {id}; where its head was started anew, submit the recipe "
                    "again: what was committed counts"
                ) from None
            raise

    def _fate(self, id: str, details: Any) -> int:
        if details.status == JobStatus.SUCCEEDED:
            self._say(f"job {id} is done")
            return DONE
        again = "what was committed counts, the same command goes on from there"
        if details.status == JobStatus.STOPPED:
            self._say(f"job {id} was stopped; {again}")
            return SHORT
        code = details.driver_exit_code
        if code == USAGE:
            self._say(f"job {id} was refused as wrong use; the reason is above")
            return USAGE
        why = f"exit code {code}" if code is not None else _line(details.message or "its driver is gone")
        self._say(f"job {id} failed ({why}); {again}")
        return SHORT


class _Shown:
    """A log that may come several times from its beginning, and is shown once."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown = self._position = 0  # characters

    def again(self) -> None:
        self._position = 0

    def add(self, text: str) -> None:
        new = text[max(0, self._shown - self._position) :]
        self._position += len(text)
        self._shown = max(self._shown, self._position)
        self._out.write(new)
        self._out.flush()


def _refused(address: str, error: Exception) -> NoReturn:
    if str(error).startswith("Authentication required"):
        raise UsageError(
            f"the cluster at {address} asks for a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH, "
            "or ~/.ray/auth_token) as its nodes have it"
        ) from None
    raise UsageError(
        f"the cluster at {address} refuses the token that it was shown: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or "
        "~/.ray/auth_token is not that of its nodes"
    ) from None


def _line(error: object) -> str:
    return " ".join(str(error).split())[:300]

"""The keys of a profile in ~/.aws, where AWS's own tools keep them: the client for S3 reads the environment alone."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from pipeline.errors import UsageError

_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region")


def profile() -> dict[str, str]:
    """Keys and region of AWS_PROFILE ('default' where it is not set); empty where there is none and none was asked for.

    UsageError for a profile that is asked for and has no keys of its own (single sign-on, another role).
    """
    asked = os.environ.get("AWS_PROFILE", "")
    name = asked or "default"
    found: dict[str, str] = {}
    for variable, file, section in (
        ("AWS_CONFIG_FILE", "~/.aws/config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", name),
    ):
        place = Path(os.environ.get(variable) or file).expanduser()
        read = configparser.RawConfigParser()
        try:
            read.read(place, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            raise UsageError(f"{place}: cannot be read as a file of AWS profiles") from None
        if read.has_section(section):
            found.update({key: read.get(section, key) for key in _KEYS if read.has_option(section, key)})
    if asked and "aws_secret_access_key" not in found:
        raise UsageError(
            f"AWS_PROFILE={asked}: no keys stand in that profile; where it signs in or takes a role, set what "
            f"`aws configure export-credentials --profile {asked} --format env` prints"
        )
    return {key.removeprefix("aws_"): value for key, value in found.items()}

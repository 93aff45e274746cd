"""Page: what is known of a document besides its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Page:
    """Where a document came from and how well it could be read."""

    url: str = ""
    host: str = ""  # lower case, '' when the URL has none
    declared_language: str = ""  # <html lang> as written, '' when absent
    charset: str = ""  # the encoding the bytes were decoded with
    replaced: int = 0  # characters that could not be decoded (U+FFFD)
    characters: int = 0  # code points of the extracted text
    japanese: float = 0.0  # how surely the text is Japanese, 0 to 1
    language: str = ""  # the most likely language, ISO 639-1
    policy: str = ""  # signals to robots, as the page and its server give them: 'noai gptbot:noindex'

    @classmethod
    def example(cls, written: str) -> Page:
        """The view that an example line stands for: `field=value` separated by spaces (+ is a blank), the rest at its default.

        Raises ValueError when a field is unknown or its value has the wrong type.
        """
        convert = {"str": str, "int": int, "float": float}
        known = {f.name: convert[str(f.type)] for f in fields(cls)}
        pairs = [pair.partition("=") for pair in written.split()]
        wrong = [name for name, _, _ in pairs if name not in known]
        if wrong:
            raise ValueError(f"a page has no field {wrong[0]!r}; one of {', '.join(known)}")
        return cls(**{name: known[name](value.replace("+", " ")) for name, _, value in pairs})

    @staticmethod
    def resources() -> Mapping[str, str]:
        """What values depend on besides the source: name -> sha256."""
        return {}

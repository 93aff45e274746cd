"""What is too much for the parser. Apart from `stages.html`, so that naming the caps does not load the parser."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

Comments = Literal["drop", "keep"]  # what readers wrote below the text of a page


@dataclass(frozen=True)
class Caps:
    """What is too much for the parser, counted after `markup.strip`.

    Largest of 3,582 development pages: 1.8 million characters, 11 thousand elements, depth 69, levels 269 thousand,
    323 links in a block (3,763 on one listing), .6 million characters in a node. Time of trafilatura 2.3.1 at a cap, as
    measured on pages made for it: 30,000 siblings 1-7 s, a million levels 4 s, 2,000 links in a paragraph .1 s
    (20,000: 43 s).
    """

    characters: int = 4_000_000
    elements: int = 30_000
    depth: int = 200
    levels: int = 1_000_000  # the depths of all elements, added up: what a walk to the root from each of them costs
    links_in_block: int = 2_000
    text_node: int = 1_000_000
    lines: int = 300_000  # each is an object of .2 kB; 4 million line breaks in <pre> are a page below all other caps


class TooMuch(Exception):  # noqa: N818 - a verdict on a page, no error of the program
    """A page over a cap; `reason` is the row's reason, one of `documents.EXTRACT_REASONS`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


def within(text: str, characters: int, reason: str) -> tuple[str, str]:
    """The text and its reason, or no text where it is over a cap: every later stage holds a text as a whole."""
    return ("", "extract.too-large") if len(text) > characters else (text, reason)


def request(stripped: str, caps: Caps, comments: Comments = "drop") -> bytes:
    """Payload for `stages.html:serve`: how to extract as one JSON line, then the page as UTF-8."""
    return json.dumps({"caps": asdict(caps), "comments": comments}).encode() + b"\n" + stripped.encode()

"""The gate and the decoder: speed beside the memory's, foreign pages let through, and the error rate by encoding.

    python -m tests.bench.charset [WARC] [--rounds N]

WARC: a mixture as of a crawl; by default the development data. Speed is CPU time, the best of several rounds, beside a
scan in the same run that only asks whether any byte is high. Each encoding gets the same clean texts in an HTML page: with
true, false and no declaration, with one bad byte, and with carrier pictures; without the development data our own few.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from filters.kernels import kernel
from stages.charset.bytescan import Words, utf8_counts
from stages.charset.charset import decode, gate
from stages.warc.warc import Record, read
from tests.encodings import ENCODERS, PASSAGES, Encoder, edit_distance, expressible, page

DATA = Path(__file__).parents[3] / "shared" / "data"
LABELS = {"shift_jis": "Shift_JIS", "euc-jp": "EUC-JP", "iso-2022-jp": "ISO-2022-JP", "utf-8": "utf-8"}
AS_BROWSERS = str.maketrans("〜−‖¢£¬", "～－∥￠￡￢")
PICTURE = b"\xf9\x8b"  # the sun of one carrier, in Shift_JIS
FOREIGN = {
    "zh": ("utf-8", "gb18030", "gbk", "big5"),
    "ko": ("utf-8", "cp949"),
    "ru": ("utf-8", "cp1251", "koi8_r"),
    "th": ("utf-8", "tis_620"),
    "vi": ("utf-8", "cp1258"),
    "ar": ("utf-8", "cp1256"),
    "mn": ("utf-8", "cp1251"),
}


@kernel
def _any_high(words: Words) -> np.uint64:
    high = np.uint64(0)
    for i in range(words.size):
        high |= words[i]
    return high


def floor(body: bytes) -> object:
    return _any_high(np.frombuffer(body, np.uint64, count=len(body) // 8))


def gigabytes_per_second(work: Callable[[bytes], object], bodies: list[bytes], rounds: int) -> float:
    best = float("inf")
    work(bodies[0])  # compiles
    for _ in range(rounds):
        start = time.process_time()
        for body in bodies:
            work(body)
        best = min(best, time.process_time() - start)
    return sum(map(len, bodies)) / best / 1e9


def speed(bodies: list[bytes], rounds: int) -> None:
    rates = {
        "any high byte (the floor)": gigabytes_per_second(floor, bodies, rounds),
        "UTF-8 counts": gigabytes_per_second(utf8_counts, bodies, rounds),
        "gate": gigabytes_per_second(gate, bodies, rounds),
    }
    print(f"{len(bodies)} bodies, {sum(map(len, bodies)) / 1e6:.0f} MB")
    for name, rate in rates.items():
        print(f"{name:28} {rate:6.2f} GB/s  {rate / rates['any high byte (the floor)']:6.2f} of the floor")


def sentences() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {language: [] for language in FOREIGN}
    with (DATA / "text" / "lid.jsonl").open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            if row["kind"] == "sentence" and row["lang"] in found:
                found[row["lang"]].append(row["text"])
    return found


def false_positives(each: int = 200) -> None:
    rng = random.Random(0)
    texts = sentences()
    print(f"\nforeign pages let through, of {each} made of 3 to 60 sentences")
    for language, codecs in FOREIGN.items():
        for codec in codecs:
            bodies = (
                page("</p>\n<p>".join(rng.choices(texts[language], k=rng.choice((3, 10, 60))))).encode(codec, "ignore")
                for _ in range(each)
            )
            print(f"  {language} {codec:8} {sum(gate(body) is not None for body in bodies):4}")


def clean_texts(every: int = 20) -> list[str]:
    if not DATA.exists():
        return list(PASSAGES)
    with (DATA / "text" / "clean_ja.jsonl").open(encoding="utf-8") as file:
        return [*PASSAGES, *(json.loads(line)["text"][:300] for line in islice(file, 0, None, every))]


def error_rate(
    texts: list[str], encoding: str, encode: Encoder, label: str, spoil: Callable[[bytes], bytes]
) -> tuple[int, int, float]:
    """Pages missed by the gate, pages read in another encoding, and edits for each character of the pages."""
    missed = wrong = edits = characters = 0
    for text in texts:
        html = page(expressible(text, encode), label)
        verdict = gate(spoil(encode(html)), label)
        expected = html if encoding.startswith("utf") else html.translate(AS_BROWSERS)
        characters += len(expected)
        if verdict is None:
            missed += 1
            edits += len(expected)
            continue
        wrong += verdict.encoding != encoding
        decoded = decode(spoil(encode(html)), verdict).text
        edits += 0 if decoded == expected else edit_distance(expected, decoded)
    return missed, wrong, edits / characters


def one_bad_byte(body: bytes) -> bytes:
    at = random.Random(len(body)).randrange(len(body))
    return body[:at] + b"\xff" + body[at + 1 :]


def one_byte_lost(body: bytes) -> bytes:
    at = random.Random(len(body)).randrange(len(body))
    return body[:at] + body[at + 1 :]


def error_rates() -> None:
    texts = clean_texts()
    print(f"\n{len(texts)} clean texts: pages missed / in another encoding / character error rate")
    print(f"{'':20}" + "".join(f"{name:>19}" for name in ("true", "false", "none", "bad byte", "byte lost")))
    for name, (encoding, encode) in ENCODERS.items():
        true = LABELS.get(encoding, "utf-16")
        false = "Shift_JIS" if encoding != "shift_jis" else "EUC-JP"
        columns = [
            error_rate(texts, encoding, encode, label, spoil)
            for label, spoil in (
                (true, bytes),
                (false, bytes),
                ("", bytes),
                (true, one_bad_byte),
                (true, one_byte_lost),
            )
        ]
        print(f"{name:20}" + "".join(f"{missed:5} /{wrong:3} /{rate:8.5f}" for missed, wrong, rate in columns))
    counted = sum(
        decode(body, verdict).private
        for text in texts
        if (verdict := gate(body := expressible(text, ENCODERS["cp932"][1]).encode("cp932") + PICTURE))
    )
    print(f"one carrier picture in each Shift_JIS text: {counted} of {len(texts)} counted as lost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warc", nargs="?", default=str(DATA / "web-ja.warc.gz"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if Path(options.warc).exists():
        speed(
            [record.body for record in read(options.warc) if isinstance(record, Record) and record.body], options.rounds
        )
    else:
        print(f"no speed: {options.warc} is not here")
    if DATA.exists():
        false_positives()
    error_rates()


if __name__ == "__main__":
    main()

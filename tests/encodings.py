"""Japanese and foreign text in the encodings of the web, made with Python's codecs and arithmetic, never with ours.

Used by the tests of the gate and of the decoder, and by their benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

# Our own sentences. Kana, kanji of both levels, what only vendors have, one-byte kana, ASCII, and the disputed six.
PASSAGES = (
    "駅前の商店街では、毎週土曜日に朝市が開かれます。新鮮な野菜や魚を買いに、隣町からも大勢の人が訪れます。",
    "テストの結果は来週の月曜日に発表される予定です。経済学部と高校の合同ゼミは、第２会議室（３階）で行います。",
    "㈱山田製作所は①品質、②納期、③価格の順に重視する。担当：髙橋・山﨑。営業時間９：００～１７：００、TEL 03-1234-5678。",
    "祖父は躊躇なく鬱蒼とした森に入り、轟音を立てる瀑布の傍らで薔薇を摘んだ。気温はー５度、つまり－５℃だった。",
    "ｶﾀｶﾅのﾒﾆｭｰは左側に表示されます。「戻る」を押すと、前のページへ戻ります。Ⅲ章は№4、℡は裏表紙に。",
    "カレーライスの作り方。玉ねぎを薄く切り、弱火で二十分炒める。肉と人参を加え、水を注いで三十分ほど煮込みましょう。",
)

Encoder = Callable[[str], bytes]


def page(text: str, charset: str = "") -> str:
    meta = f'<meta charset="{charset}">' if charset else ""
    return (
        f"<!DOCTYPE html>\n<html><head>{meta}<title>{text[:12]}</title></head>\n<body><p>{text}</p>\n</body></html>\n"
    )


def jis_x_0208(character: str) -> tuple[int, int] | None:
    """Row and cell from 0 on, vendor rows included, by way of code page 932; None if it is not there."""
    raw = character.encode("cp932", "ignore")
    if len(raw) != 2 or raw[0] >= 0xF0:
        # IBM's kanji lie beyond row 94; NEC has all of them again in rows 89 to 92.
        raw = _NEC_PLACE.get(character, b"")
    if len(raw) != 2:
        return None
    row, cell = 2 * (raw[0] - (0x81 if raw[0] < 0xA0 else 0xC1)), raw[1]
    if cell >= 0x9F:
        return row + 1, cell - 0x9F
    return row, cell - 0x40 - (cell > 0x7F)


def _nec_places() -> dict[str, bytes]:
    """Characters of ED40..EEFC, which Python never encodes to."""
    places = {}
    for lead in (0xED, 0xEE):
        for trail in range(0x40, 0xFD):
            character = bytes((lead, trail)).decode("cp932", "ignore")
            if len(character) == 1 and trail != 0x7F and ord(character) > 0xFF and not "｡" <= character <= "ﾟ":
                places[character] = bytes((lead, trail))
    return places


_NEC_PLACE = _nec_places()


def _pieces(text: str) -> Iterator[tuple[str, bytes]]:
    """Each character as ('ascii' | 'kana' | 'two', 7-bit bytes)."""
    for character in text:
        if character.isascii():
            yield "ascii", character.encode()
        elif "｡" <= character <= "ﾟ":
            yield "kana", bytes((ord(character) - 0xFF61 + 0x21,))
        else:
            place = jis_x_0208(character)
            if place is None:
                raise UnicodeEncodeError("eucjp-ms", character, 0, 1, "not in JIS X 0208 with vendor rows")
            yield "two", bytes((place[0] + 0x21, place[1] + 0x21))


def euc_jp(text: str) -> bytes:
    """EUC-JP with the vendor rows of JIS X 0208, as Windows and browsers write it (CP51932)."""
    lead = {"ascii": b"", "kana": b"\x8e", "two": b""}
    return b"".join(
        lead[kind] + (raw if kind == "ascii" else bytes(b | 0x80 for b in raw)) for kind, raw in _pieces(text)
    )


def iso_2022_jp(text: str, kana: str = "escape") -> bytes:
    """ISO-2022-JP with vendor rows; one-byte kana by 'escape' (CP50221), 'shift' (CP50222) or '8-bit'."""
    escapes = {"ascii": b"\x1b(B", "two": b"\x1b$B", "kana": b"\x1b(I" if kana == "escape" else b"\x1b(B"}
    out, state = bytearray(), b"\x1b(B"
    for kind, raw in _pieces(text):
        if escapes[kind] != state:
            state = escapes[kind]
            out += state
        if kind == "kana" and kana == "shift":
            out += b"\x0e" + raw + b"\x0f"
        elif kind == "kana" and kana == "8-bit":
            out += bytes((raw[0] | 0x80,))
        else:
            out += raw
    return bytes(out) + (b"" if state == b"\x1b(B" else b"\x1b(B")


def by_codec(codec: str) -> Encoder:
    return lambda text: text.encode(codec)


# Name in the table -> (what the gate calls it, encoder). Python's ISO-2022-JP cannot say all: `expressible` picks.
ENCODERS: dict[str, tuple[str, Encoder]] = {
    "cp932": ("shift_jis", by_codec("cp932")),
    "eucJP-ms": ("euc-jp", euc_jp),
    "ISO-2022-JP-MS": ("iso-2022-jp", iso_2022_jp),
    "ISO-2022-JP SO/SI": ("iso-2022-jp", lambda text: iso_2022_jp(text, "shift")),
    "ISO-2022-JP 8-bit": ("iso-2022-jp", lambda text: iso_2022_jp(text, "8-bit")),
    "iso2022_jp": ("iso-2022-jp", by_codec("iso2022_jp")),
    "iso2022_jp_1": ("iso-2022-jp", by_codec("iso2022_jp_1")),
    "iso2022_jp_2": ("iso-2022-jp", by_codec("iso2022_jp_2")),
    "iso2022_jp_3": ("iso-2022-jp", by_codec("iso2022_jp_3")),
    "iso2022_jp_2004": ("iso-2022-jp", by_codec("iso2022_jp_2004")),
    "UTF-8": ("utf-8", by_codec("utf-8")),
    "UTF-8 with BOM": ("utf-8", by_codec("utf-8-sig")),
    "UTF-16 with BOM": ("utf-16-le", by_codec("utf-16")),
    "UTF-16LE": ("utf-16-le", by_codec("utf-16-le")),
    "UTF-16BE": ("utf-16-be", by_codec("utf-16-be")),
}


def expressible(text: str, encoder: Encoder) -> str:
    """The text without the characters that the encoding has no code for."""
    try:
        encoder(text)
    except UnicodeEncodeError:
        return "".join(character for character in text if _has(encoder, character))
    return text


def _has(encoder: Encoder, character: str) -> bool:
    try:
        encoder(character)
    except UnicodeEncodeError:
        return False
    return True


def edit_distance(a: str, b: str) -> int:
    """Levenshtein distance, a row at a time."""
    ours, theirs = (np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32) for text in (a, b))
    steps = np.arange(len(theirs) + 1)
    row = steps
    for i, character in enumerate(ours, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (theirs != character))
        # Insertions along the row are a running minimum once the cost of walking there is taken off.
        row = np.minimum.accumulate(np.concatenate(([i], best)) - steps) + steps
    return int(row[-1])

"""How templates are written out: one function a form, from a template's arguments to the text a reader sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from stages.wikipedia.names import COUNTRIES, ERAS, LANGUAGES

Args = Mapping[str, str]  # '1', '2', ... and named parameters, already expanded and trimmed
Rule = Callable[[Args], str]


def first(args: Args) -> str:
    return args.get("1", "")


def second(args: Args) -> str:
    return args.get("2", "")


def third(args: Args) -> str:
    return args.get("3", "")


def last(args: Args) -> str:
    """The last of two positional arguments, the first being a size, a colour or a width that may be left out."""
    return args.get("2") or args.get("1", "")


def label(args: Args) -> str:
    return args.get("label") or args.get("1", "")


def emphasis(args: Args) -> str:
    return args.get("文章") or args.get("1", "")


def block(args: Args) -> str:
    text = args.get("1") or args.get("text") or args.get("quote", "")
    return f"\n{text}\n"


def _positional(args: Args) -> list[str]:
    """Positional arguments in order, without the empty ones. Nothing a page shows has more than some hundred of them."""
    return [args[key] for key in map(str, range(1, min(len(args), 500) + 1)) if args.get(key)]


def joined(args: Args) -> str:
    return "".join(_positional(args))


def inline_list(args: Args) -> str:
    return "・".join(_positional(args))


def lines(args: Args) -> str:
    return "\n" + "\n".join(_positional(args)) + "\n"


def columns(args: Args) -> str:
    """{{columns|col1=...|col2=...}}, or the columns as positional arguments."""
    named = [args[key] for key in (f"col{number}" for number in range(1, 10)) if args.get(key)]
    return "\n" + "\n".join(named) + "\n" if named else lines(args)


def reading(args: Args) -> str:
    """{{読み仮名|東京|とうきょう|英: Tokyo}} -> 東京（とうきょう、英: Tokyo）"""
    return _with_notes(first(args), [args.get("2", ""), args.get("3", "")])


def nihongo(args: Args) -> str:
    return _with_notes(first(args), [args.get("2", ""), args.get("3", ""), args.get("4", "")])


def _with_notes(text: str, notes: Iterable[str]) -> str:
    inside = "、".join(note for note in notes if note)
    return f"{text}（{inside}）" if inside else text


def chinese(args: Args) -> str:
    """{{zh|s=北京市|p=Běijīng Shì}} -> 簡体字: 北京市、拼音: Běijīng Shì"""
    return first(args) or "、".join(
        f"{name}: {args[key]}" for name, keys in _CHINESE for key in keys.split() if args.get(key)
    )


_CHINESE = (
    ("中国語", "c"),
    ("繁体字", "t"),
    ("簡体字", "s"),
    ("拼音", "p hp"),
    ("ウェード式", "w"),
    ("粤拼", "j"),
    ("注音", "zhu"),
)


def phonetic(args: Args) -> str:
    """{{IPA}} puts its transcription in brackets; those of the author's own are enough."""
    text = first(args)
    return text if not text or text[0] in "[/" else f"[{text}]"


def phonemic(args: Args) -> str:
    text = first(args)
    return text if not text or text[0] in "[/" else f"/{text}/"


def phonetic_in(code: str) -> Rule:
    """{{IPA-fr|o}} -> フランス語発音: [o]; its second argument chooses another introduction, an empty one none."""
    name = LANGUAGES.get(code, [""])[0]
    introductions = {None: f"{name}発音: ", "lang": f"{name}: " if name else "", "pron": "発音: ", "ipa": "IPA: "}

    def expand(args: Args) -> str:
        text, style = phonetic(args), args.get("2")
        return introductions.get(style.lower() if style else style, "") + text if text else ""

    return expand


def date(args: Args, start: int = 1) -> str:
    """Three numbers from position `start` on -> 2001年1月2日; shorter when the month or the day is missing."""
    text = ""
    for offset, unit in enumerate("年月日"):
        number = args.get(str(start + offset), "")
        if not number.isdecimal():
            break
        text += f"{number.lstrip('0') or '0'}{unit}"
    return text or (args.get(str(start), "") if start == 1 else "")


def _numbers(args: Args, count: int) -> list[int]:
    """The first `count` positional arguments as whole numbers; [] unless all are."""
    texts = [args.get(str(place), "") for place in range(1, count + 1)]
    return [int(text) for text in texts] if all(text.isdecimal() and len(text) <= 4 for text in texts) else []


def years(args: Args) -> str:
    """Full years between two dates, '' when the second is missing (it would be today)."""
    numbers = _numbers(args, 6)
    return str(numbers[3] - numbers[0] - (numbers[4:] < numbers[1:3])) if numbers else ""


def death(args: Args) -> str:
    """{{死亡年月日と没年齢|1900|3|2|1980|3|1}} -> 1980年3月1日（79歳没）"""
    age = years(args)
    return _with_notes(date(args, start=4), [f"{age}歳没" if age else ""])


def era(args: Args) -> str:
    """{{和暦|1990}} -> 平成2年. A year in which the era changed counts as the new one unless month and day say otherwise."""
    year = _numbers(args, 1)
    day = (*year, *(_numbers(args, 3)[1:] or [12, 31]))
    for begin, name in ERAS if year else ():
        if day >= begin:
            number = year[0] - begin[0] + 1
            return f"{name}{'元' if number == 1 else number}年"
    return ""


def convert(args: Args) -> str:
    """{{convert|3|to|5|km|mi}} -> 3–5 km. What the page gave; the converted value would need every unit's factor."""
    text, at = args.get("1", ""), 2
    while (joint := _RANGES.get(args.get(str(at), ""))) is not None:
        text += joint + args.get(str(at + 1), "")
        at += 2
    return f"{text} {args.get(str(at), '')}".rstrip()


_RANGES = {
    **dict.fromkeys(("to", "-", "–"), "–"),
    **dict.fromkeys(("by", "x", "×"), "×"),
    **dict.fromkeys(("+/-", "±"), "±"),
    "and": "、",
    "or": "または",
}


def value(args: Args) -> str:
    """{{val|1.5|0.2|e=3|u=km}} -> 1.5±0.2×10^3 km"""
    text = first(args) + (f"±{args['2']}" if args.get("2") else "") + (f"×10^{args['e']}" if args.get("e") else "")
    return f"{text} {args.get('u') or args.get('ul', '')}".rstrip()


def fraction(args: Args) -> str:
    parts = [args[key] for key in ("1", "2", "3") if args.get(key)]
    return f"{parts[0]} {parts[1]}/{parts[2]}" if len(parts) == 3 else "/".join(parts)


def ordinal(args: Args) -> str:
    number = first(args)
    teen = number[-2:-1] == "1"
    return number + ("th" if teen else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1:], "th")) if number else ""


def authors(args: Args) -> str:
    """{{Harvtxt|佐藤|鈴木|2001|p=3}} -> 佐藤 & 鈴木 (2001)"""
    *authors, year = _positional(args) or [""]
    return f"{' & '.join(authors)} ({year})" if authors else year


def country(args: Args) -> str:
    return args.get("name") or COUNTRIES.get(first(args).lower(), first(args))


def named(name: str) -> Rule:
    """{{JPN}} -> 日本; {{JPN|日本国}} -> 日本国; and {{col|...}} is as often columns of lists as it is Colombia."""
    return lambda args: lines(args) if "\n" in args.get("1", "") else args.get("1") or name


def language(code: str) -> Rule:
    """{{lang-fr|République}} -> フランス語: République; {{lang-fr-short|...}} -> 仏: ..., as the page shows them."""
    forms = LANGUAGES.get(code.removesuffix("-short"), [""])
    name = forms[-1] if code.endswith("-short") else forms[0]
    return prefixed(f"{name}: " if name else "")


def prefixed(before: str, after: str = "") -> Rule:
    return lambda args: f"{before}{args['1']}{after}" if args.get("1") else ""


def constant(text: str) -> Rule:
    return lambda args: text

"""XPaths over tags and attributes as Python functions that find the same elements.

libxml2 calls back into Python for each `re:test` of each element, and evaluates the rest at half a microsecond a node; a
walk by lxml's `iter` with every distinct attribute value tested once takes a fifth of that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from lxml.etree import _Element

Selector: TypeAlias = Callable[[_Element], list[_Element]]
Condition: TypeAlias = Callable[[_Element], bool]
Test: TypeAlias = Callable[[str], bool]  # of the value of an attribute

_PREDICATE = re.compile(r"\[((?:[^]']|'[^']*')*)\]")
_PATH = re.compile(
    rf"\s*\(?\.//(?P<tag>\*|\w+)(?P<predicates>(?:{_PREDICATE.pattern})*)\)?(?P<first>\[1\])?\s*(?:\||$)"
)
_TAGS = re.compile(r"\s*self::\w+(?:\s+or\s+self::\w+)*\s*")
_TEST = re.compile(
    r"""\s*(?:
        (?P<function>contains|starts-with|re:test)
            \( (?:translate\()? (?P<names>@[\w-]+(?:\|@[\w-]+)*) (?:,\s*'(?P<before>\w+)',\s*'(?P<after>\w+)'\))?
            ,\s* '(?P<wanted>[^']+)' (?P<fold>,\s*'i')? \)
        | @(?P<name>[\w-]+) (?:='(?P<value>[^']+)')?
        | (?P<negated>not\()? (?:\.//(?P<inner>\w+) | (?P<tags>self::\w+(?:\s+or\s+self::\w+)*)) (?(negated)\))
    )\s*(?:or\b|$)""",
    re.VERBOSE,
)


def selector(xpath: str) -> Selector:
    """The function for `.//*[self::div or …][@id='x' or re:test(@class, '…') or …] | …`, the shape of trafilatura's XPaths.

    Elements come in document order. Where the XPath has `[1]`, only the first of all is found: whoever takes the first
    sees no difference. Raises ValueError for an XPath of another shape.
    """
    always: set[str] = set()  # tags
    sometimes: list[tuple[set[str], list[Condition]]] = []  # tags (none: all) with conditions
    first_only = False
    for path in _parsed(_PATH, xpath):
        tags = {path["tag"]} - {"*"}
        conditions: list[Condition] = []
        for predicate in _PREDICATE.findall(path["predicates"]):
            if predicate == "1":
                first_only = True
            elif not tags and not conditions and _TAGS.fullmatch(predicate):
                tags = set(re.findall(r"self::(\w+)", predicate))
            else:
                conditions.append(_either(predicate))
        first_only = first_only or path["first"] is not None
        if conditions:
            sometimes.append((tags, conditions))
        elif tags:
            always |= tags
        else:
            raise ValueError(f"no function can be made of {xpath!r}: it finds every element")
    return _select_first(*_walk(always, sometimes)) if first_only else _select(*_walk(always, sometimes))


def _parsed(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The matches of the pattern that make up the whole text."""
    position = 0
    while position < len(text):
        match = pattern.match(text, position)
        if match is None:
            raise ValueError(f"no function can be made of an XPath with {text[position : position + 60]!r}")
        yield match
        position = match.end()


def _walk(always: set[str], sometimes: list[tuple[set[str], list[Condition]]]) -> tuple[list[str], Condition]:
    """Tags of the elements to look at, and the condition."""
    if not always and len(sometimes) == 1 and len(sometimes[0][1]) == 1:
        tags, (condition,) = sometimes[0]
        return sorted(tags) or ["*"], condition

    def matches(element: _Element) -> bool:
        tag = element.tag
        if tag in always:
            return True
        for tags, conditions in sometimes:
            if not tags or tag in tags:
                for condition in conditions:
                    if not condition(element):
                        break
                else:
                    return True
        return False

    all_tags = set() if any(not tags for tags, _ in sometimes) else always.union(*(tags for tags, _ in sometimes))
    return sorted(all_tags) or ["*"], matches


def _select(tags: list[str], condition: Condition) -> Selector:
    def select(tree: _Element) -> list[_Element]:
        found = [element for element in tree.iter(*tags) if condition(element)]
        if found and found[0] is tree:  # .// is below
            del found[0]
        return found

    return select


def _select_first(tags: list[str], condition: Condition) -> Selector:
    def select_first(tree: _Element) -> list[_Element]:
        for element in tree.iter(*tags):
            if element is not tree and condition(element):
                return [element]
        return []

    return select_first


def _either(predicate: str) -> Condition:
    """`[a or b or …]`. The string value of `@id|@class` is that of the one which comes first in the tag; of none it is ''."""
    of_one: dict[str, list[Test]] = {}  # attribute -> tests of its value
    of_first: dict[tuple[str, ...], list[Test]] = {}
    others: list[Condition] = []
    for test in _parsed(_TEST, predicate):
        if test["name"] or test["names"]:
            names = tuple((test["name"] or test["names"]).replace("@", "").split("|"))
            if len(names) == 1:
                of_one.setdefault(names[0], []).append(_value_test(test))
            else:
                of_first.setdefault(names, []).append(_value_test(test))
        else:
            others.append(_element_test(test))
    of_attributes = _attribute_condition(
        {name: Remembered(tests) for name, tests in of_one.items()},
        [(names, Remembered(tests)) for names, tests in of_first.items()],
    )
    if not others:
        return of_attributes
    return lambda element: of_attributes(element) or any(other(element) for other in others)


def _value_test(test: re.Match[str]) -> Test:
    """None of them holds for '', so that an attribute which is not there needs no test."""
    wanted, table = test["wanted"], str.maketrans(test["before"] or "", test["after"] or "")
    if test["function"] == "contains":
        return lambda value: wanted in value.translate(table)
    if test["function"] == "starts-with":
        return lambda value: value.translate(table).startswith(wanted)
    if test["function"] == "re:test":
        search = re.compile(wanted, re.IGNORECASE if test["fold"] else 0).search
        if test["before"] or search(""):
            raise ValueError(f"no function can be made of {test[0]!r}")
        return lambda value: search(value) is not None
    equal = test["value"]
    return lambda value: equal is None or value == equal


def _element_test(test: re.Match[str]) -> Condition:
    negated, inner = bool(test["negated"]), test["inner"]
    if inner:
        return lambda element: (element.find(f".//{inner}") is not None) != negated
    tags = re.findall(r"self::(\w+)", test["tags"])
    return lambda element: (element.tag in tags) != negated


class Remembered(dict[str, bool]):
    """Whether one of some tests holds for a string: pages repeat the values of `class` and `id` again and again."""

    def __init__(self, tests: list[Test]) -> None:
        super().__init__()
        self.tests = tests

    def __missing__(self, value: str) -> bool:
        answer = any(test(value) for test in self.tests)
        if len(value) <= 200:
            if len(self) >= 20_000:
                self.clear()
            self[value] = answer
        return answer


def _attribute_condition(
    of_one: dict[str, Remembered], of_first: list[tuple[tuple[str, ...], Remembered]]
) -> Condition:
    def holds(element: _Element) -> bool:
        attributes = element.items()
        if not attributes:
            return False
        for name, value in attributes:
            if name in of_one and of_one[name][value]:
                return True
        for names, test in of_first:
            for name, value in attributes:
                if name in names:
                    if test[value]:
                        return True
                    break
        return False

    return holds

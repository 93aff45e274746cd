"""Hosts of URLs, and the domain that somebody registered.

A host has one form everywhere: lower case, ASCII (日本語.jp is xn--wgv71a119e.jp, the form in which crawlers write URLs),
without port, credentials and trailing dot; an IPv6 address compressed and without brackets.
"""

from __future__ import annotations

import ipaddress
import re
from functools import cache
from importlib.resources import files
from urllib.parse import unquote, urlsplit

_MAX_NAME = 253  # octets of a name in the DNS, RFC 1035
# Underscores, and hyphens at the ends of labels, are in no standard for hosts, but resolve and are in use.
# A name that ends in a number is an IPv4 address or nothing (WHATWG URL, 3.5).
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*(?![0-9]+\Z)[a-z0-9_-]{1,63}")


def host_of(url: str) -> str:
    """The host of a URL; '' when it has none, or one that cannot be."""
    try:
        host = urlsplit(url).hostname
    except ValueError:  # brackets that are not closed, or that hold no address
        return ""
    return canonical(unquote(host)) if host else ""


def canonical(host: str) -> str:
    """A host in the form above; '' for what is no host."""
    name = _ascii(host).lower().removesuffix(".")
    if _NAME.fullmatch(name) and len(name) <= _MAX_NAME:
        return name
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return ""


def _ascii(host: str) -> str:
    """Labels in punycode; IDNA 2003, which the standard library has, folds full-width letters and dots as browsers do."""
    if host.isascii():
        return host
    if len(host) > _MAX_NAME:
        return ""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:  # a label that is empty or too long, or a character that no host has
        return ""


def registered_domain(host: str) -> str:
    """What one owner holds of a host (as `canonical` writes it): its public suffix and one label more.

    www.example.co.jp -> example.co.jp, www.city.yokohama.jp -> city.yokohama.jp; '' for an address, a public suffix
    and ''. Suffixes under which companies let others put sites count: taro.hatenablog.com is a domain of its own, for
    a blog has an owner of its own.
    Source: https://publicsuffix.org/list/, as the package `tld` carries it; the longest rule that fits decides.
    """
    labels = host.split(".")
    if not host or ":" in host or labels[-1].isdigit():
        return ""
    rules = _rules()
    for start in range(len(labels) - 1):
        name, parent = ".".join(labels[start:]), ".".join(labels[start + 1 :])
        if "!" + name in rules:
            return name
        if name in rules or "*." + parent in rules:
            return ".".join(labels[start - 1 :]) if start else ""
    return ".".join(labels[-2:]) if len(labels) > 1 else ""


def is_registry(host: str) -> bool:
    """Whether a host (as `canonical` writes it) is a suffix of the domain name system itself: jp, co.jp, any one label.

    hatenablog.com is none: it belongs to a company, though the public may have names under it.
    """
    if "." not in host:
        return bool(host) and ":" not in host
    return host in registries() or ("*." + host.partition(".")[2] in registries() and "!" + host not in _rules())


@cache
def registries() -> frozenset[str]:
    """The rules (co.jp, *.yokohama.jp) of the domain name system itself, without exceptions."""
    return frozenset(rule for rule, of_company in _rules().items() if not of_company and rule[0] != "!")


@cache
def _rules() -> dict[str, bool]:
    """Rule (co.jp, *.yokohama.jp, !city.yokohama.jp) -> whether it is a company's."""
    rules: dict[str, bool] = {}
    of_company = False
    for line in files("tld").joinpath("res/effective_tld_names.dat.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("//"):
            of_company = of_company or "BEGIN PRIVATE DOMAINS" in line
        elif line:
            mark = "!" if line[0] == "!" else "*." if line[0] == "*" else ""
            rules[mark + _ascii(line.removeprefix(mark))] = of_company
    return rules

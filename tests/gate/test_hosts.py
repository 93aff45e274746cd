from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.hosts import canonical, host_of, is_registry, registered_domain


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.JP:8080/a?b#c", "example.jp"),
        ("http://user:pass@www.example.jp/", "www.example.jp"),
        ("http://www.example.jp./", "www.example.jp"),
        ("https://日本語.jp/", "xn--wgv71a119e.jp"),
        ("https://xn--wgv71a119e.jp/", "xn--wgv71a119e.jp"),
        ("https://%E6%97%A5%E6%9C%AC%E8%AA%9E.jp/", "xn--wgv71a119e.jp"),
        ("https://ｗｗｗ．例え。jp/", "www.xn--r8jz45g.jp"),
        ("http://my_shop.example.com/", "my_shop.example.com"),
        ("http://192.0.2.7:80/", "192.0.2.7"),
        ("http://[2001:DB8:0:0::1]:80/", "2001:db8::1"),
        ("//example.jp/a", "example.jp"),
    ],
)
def test_a_host_has_one_form(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    "url",
    [
        *("", "/a/b", "mailto:a@b", "urn:uuid:1", "http:///a", "http://[broken", "http://[::g]/", "http://a b.jp/"),
        *("http://a..jp/", "http://例え..jp/", f"http://{'a' * 64}.jp/", f"http://{'a.' * 127}jp/"),
        *(f"http://{'日' * 100_000}.jp/", "http://192.0.2.999/", "http://1.2.3/", "http://\ud800.jp/"),
    ],
)
def test_what_is_no_host_is_empty(url: str) -> None:
    assert host_of(url) == ""


@given(st.text(st.characters(), max_size=40))
def test_any_text_gives_a_host_that_stays_itself(text: str) -> None:
    for host in (host_of(text), host_of(f"http://{text}/"), canonical(text)):
        assert host.isascii()
        assert canonical(host) == host


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.co.jp", "example.co.jp"),
        ("example.co.jp", "example.co.jp"),
        ("www.example.jp", "example.jp"),
        ("www.example.tokyo.jp", "example.tokyo.jp"),
        ("shop.example.shinjuku.tokyo.jp", "example.shinjuku.tokyo.jp"),
        ("www.city.yokohama.jp", "city.yokohama.jp"),  # an exception to *.yokohama.jp
        ("www.example.naka.yokohama.jp", "example.naka.yokohama.jp"),
        ("naka.yokohama.jp", ""),
        ("taro.hatenablog.com", "taro.hatenablog.com"),
        ("a.taro.hatenablog.com", "taro.hatenablog.com"),
        ("www.xn--wgv71a119e.jp", "xn--wgv71a119e.jp"),
        ("www.example.unknown", "example.unknown"),
        ("co.jp", ""),
        ("jp", ""),
        ("localhost", ""),
        ("192.0.2.7", ""),
        ("2001:db8::1", ""),
        ("", ""),
    ],
)
def test_the_registered_domain_is_what_one_owner_holds(host: str, domain: str) -> None:
    assert registered_domain(host) == domain


def test_rules_in_japanese_are_found_in_punycode() -> None:
    assert registered_domain(canonical("www.例え.コム")) == canonical("例え.コム")
    assert is_registry(canonical("コム"))


@given(st.lists(st.sampled_from(["a", "co", "jp", "yokohama", "city", "hatenablog", "com", "ck", "www"]), max_size=5))
def test_the_registered_domain_of_a_registered_domain_is_itself(labels: list[str]) -> None:
    host = ".".join(labels)
    domain = registered_domain(host)
    assert host == domain or host.endswith("." + domain) or domain == ""
    assert registered_domain(domain) == domain


@pytest.mark.parametrize("host", ["jp", "co.jp", "tokyo.jp", "naka.yokohama.jp", "com", "localhost"])
def test_a_registry_is_nobodys(host: str) -> None:
    assert is_registry(host)


@pytest.mark.parametrize("host", ["", "example.jp", "city.yokohama.jp", "hatenablog.com", "192.0.2.7", "::1"])
def test_a_name_that_somebody_holds_is_no_registry(host: str) -> None:
    assert not is_registry(host)

"""Which base URLs are accepted and how they are written, and which are refused with the right one offered."""

import contextlib
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claude_local_plugin.errors import UsageError
from claude_local_plugin.servers.urls import (
    UrlError,
    address,
    is_anthropic,
    is_loopback,
    is_plain_http_remote,
    normalise,
)
from tests.looped import looped


@looped(
    ("given_url", "written", "host", "port"),
    [
        ("http://localhost:8000", "http://localhost:8000", "localhost", 8000),
        ("http://localhost:8000/", "http://localhost:8000", "localhost", 8000),
        ("http://localhost:8000//", "http://localhost:8000", "localhost", 8000),
        ("HTTP://Dell-Pro-Max:8000", "http://dell-pro-max:8000", "dell-pro-max", 8000),
        ("http://192.168.1.5", "http://192.168.1.5", "192.168.1.5", 80),
        ("https://gpu.example.com", "https://gpu.example.com", "gpu.example.com", 443),
        ("https://gw.example.com/anthropic/", "https://gw.example.com/anthropic", "gw.example.com", 443),
        ("https://gw.example.com/v10", "https://gw.example.com/v10", "gw.example.com", 443),
        ("http://[::1]:8000", "http://[::1]:8000", "::1", 8000),
        ("http://[FE80::1]", "http://[fe80::1]", "fe80::1", 80),
        ("http://my_box.local:1234", "http://my_box.local:1234", "my_box.local", 1234),
        ("http://bücher.example:8000", "http://bücher.example:8000", "bücher.example", 8000),
    ],
)
def test_a_good_url_is_written_in_one_form(given_url: str, written: str, host: str, port: int) -> None:
    url = normalise(given_url)

    assert (url.url, url.host, url.port) == (written, host, port)
    assert str(url) == written
    assert normalise(url.url) == url


@looped(
    ("url", "problem", "offer"),
    [
        ("localhost:8000", "does not begin with http:// or https://", "http://localhost:8000"),
        ("localhost", "does not begin with http:// or https://", "http://localhost"),
        ("192.168.1.5:8000/v1", "does not begin with http:// or https://", "http://192.168.1.5:8000"),
        ("http:/localhost:8000", "does not begin with http:// or https://", "http://localhost:8000"),
        ("http:localhost:8000", "does not begin with http:// or https://", "http://localhost:8000"),
        ("http://localhost:8000/v1", "goes too far", "http://localhost:8000"),
        ("http://localhost:8000/v1/", "goes too far", "http://localhost:8000"),
        ("http://localhost:8000/v1/messages", "goes too far", "http://localhost:8000"),
        ("http://localhost:8000/v1/chat/completions", "goes too far", "http://localhost:8000"),
        ("https://gw.example.com/team/v1", "goes too far", "https://gw.example.com/team"),
        ("http://localhost:8000?key=1", "has a query or a fragment", "http://localhost:8000"),
        ("http://localhost:8000/#x", "has a query or a fragment", "http://localhost:8000"),
        ("http://local host:8000", "has blanks in it", "http://localhost:8000"),
        (" http://localhost:8000", "has blanks in it", "http://localhost:8000"),
        ("http://localhost:8000\n", "has blanks in it", "http://localhost:8000"),
        ("http://localhost\x1b[31m:8000", "has blanks in it", None),
        ("", "is empty", None),
        ("http://", "names no host", None),
        ("http://:8000", "names no host", None),
        ("http:///v1", "names no host", None),
        ("http://localhost:", "has no usable port", None),
        ("http://localhost:0", "has no usable port", None),
        ("http://localhost:99999", "malformed", None),
        ("http://localhost:eighty", "malformed", None),
        ("http://[::1", "malformed", None),
        ("http://::1:8000", "malformed", None),
        ("http://fe80::1", "malformed", None),
        ("http://[fe80::1%25eth0]:8000", "neither a name nor an address", None),
        ("http://${HOST}:8000", "neither a name nor an address", None),
        ("http://*:8000", "neither a name nor an address", None),
        ("ftp://localhost", "cannot use a ftp:// address", None),
        ("unix:///run/model.sock", "cannot use a unix:// address", None),
    ],
)
def test_a_bad_url_is_refused_and_the_right_one_offered(url: str, problem: str, offer: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        normalise(url)

    assert problem in caught.value.message
    assert caught.value.hint is not None
    if offer is None:
        assert "http://localhost:8000" in caught.value.hint
    else:
        assert caught.value.hint == f"use {offer}"


@looped(
    "url",
    [
        "http://user:hunter2@localhost:8000",
        "http://hunter2@localhost:8000/v1",
        "user:hunter2@localhost:8000",
        "http://user:hunter2/x@localhost:8000",
        "http://user:12/hunter2@localhost:8000",
        "http://user:hunter2@local host:8000",
        "http://user:hunter2@localhost:99999",
        "http://user:hunter2@*:8000",
        "ftp://user:hunter2@localhost",
        "http:user:hunter2@localhost",
        "http://localhost:8000/?token=hunter2",
    ],
)
def test_a_credential_in_a_url_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        normalise(url)

    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_credentials_in_a_good_url_lead_to_the_option_that_carries_them() -> None:
    with pytest.raises(UrlError) as caught:
        normalise("http://user:hunter2@localhost:8000")

    assert caught.value.hint == "use http://localhost:8000 and --token-env VARIABLE"
    assert (caught.value.offer, caught.value.wants_key) == ("http://localhost:8000", True)
    assert caught.value.exit_code == 2


@given(st.text())
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(UsageError):  # refused in words, as it should be
        url = normalise(text)
        assert normalise(url.url) == url


@example("v1")  # a host of that name
@given(st.text(alphabet="htps:/@[]%.?#v1ab0 -_", max_size=40))
def test_no_url_like_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(UsageError):  # refused in words, as it should be
        url = normalise(f"http://{text}")
        assert normalise(url.url) == url
        assert not urlsplit(url.url).path.endswith(("/", "/v1"))


@looped(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "api.localhost",
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
    ],
)
def test_these_hosts_are_this_machine(host: str) -> None:
    assert is_loopback(host)


@looped("host", ["localhost.example.com", "192.168.1.5", "128.0.0.1", "dell-pro-max", "", "::2", "notlocalhost"])
def test_these_hosts_are_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://dell-pro-max:8000", True),
        ("http://192.168.1.5", True),
        ("https://dell-pro-max:8000", False),
        ("http://localhost:8000", False),
        ("http://[::1]:8000", False),
    ],
)
def test_plain_http_matters_only_across_a_network(url: str, expected: bool) -> None:
    assert is_plain_http_remote(url) is expected


@looped(
    ("host", "expected"),
    [
        ("api.anthropic.com", True),
        ("API.Anthropic.com.", True),
        ("anthropic.com", True),
        ("anthropic.com.example.org", False),
        ("notanthropic.com", False),
        ("localhost", False),
    ],
)
def test_anthropics_own_hosts_are_known(host: str, expected: bool) -> None:
    assert is_anthropic(host) is expected


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000\\@evil.example", "http:\\\\evil.example", "http://evil.example\\"]
)
def test_a_backslash_is_refused_and_no_address_is_guessed(url: str) -> None:
    with pytest.raises(UrlError, match="has a backslash in it") as caught:
        normalise(url)
    assert caught.value.offer is None


@looped(
    ("word", "url"),
    [
        ("dell-pro-max:8000", "http://dell-pro-max:8000"),
        ("10.0.0.5", "http://10.0.0.5"),
        ("10.0.0.5:8000", "http://10.0.0.5:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("https://box", "https://box"),
        ("spark", None),
        ("box.lan", None),
        ("spark:fast", None),
        (":8000", None),
    ],
)
def test_a_word_with_a_port_is_an_address_and_any_other_a_name(word: str, url: str | None) -> None:
    assert address(word) == url

import pytest

from audit.browsers import family

ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) "
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
         "Chrome 142 · Windows"),
        (ANDROID + "Chrome/141.0.0.0 Mobile Safari/537.36", "Chrome 141 · Android"),
        (ANDROID + "SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36", "Samsung Internet 26 · Android"),
        (MAC + "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15", "Safari 18 · macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox 145 · Linux"),
        ("", ""),
        ("   ", ""),
        ("curl/8.5.0", "other"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "other"),
        ("Mozilla/5.0 (Siti Aminah 3171...)", "other"),
        ("Mozilla/5.0 (" * 500, "other"),
        ("<script>alert(1)</script>", "other"),
    ],
)  # fmt: skip
def test_family(agent, shown):
    assert family(agent) == shown


def test_a_version_of_nonsense_is_left_out():
    agent = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99999999.0 Safari/537.36"
    assert family(agent) == "Chrome · Windows"

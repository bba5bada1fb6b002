"""The family of a browser, from its User-Agent: enough to recognise a person's device, too little to follow it."""

from __future__ import annotations

from functools import lru_cache

OTHER = "other"
LONGEST = 300  # of a User-Agent that is looked at; real ones are shorter

# What the parser calls them -> what we write. Anything else is "other": a header may claim any name.
BROWSERS = {
    "Chrome": "Chrome", "Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome", "HeadlessChrome": "Chrome",
    "Chrome Mobile WebView": "Chrome", "Chromium": "Chrome", "Edge": "Edge", "Edge Mobile": "Edge",
    "Firefox": "Firefox", "Firefox Mobile": "Firefox", "Firefox iOS": "Firefox", "Safari": "Safari",
    "Mobile Safari": "Safari", "Mobile Safari UI/WKWebView": "Safari", "Samsung Internet": "Samsung Internet",
    "Opera": "Opera", "Opera Mobile": "Opera", "Opera Mini": "Opera", "UC Browser": "UC Browser", "MiuiBrowser": "Mi Browser",
}  # fmt: skip
SYSTEMS = {
    "Windows": "Windows", "Mac OS X": "macOS", "iOS": "iOS", "Android": "Android", "Linux": "Linux", "Ubuntu": "Linux",
    "Debian": "Linux", "Fedora": "Linux", "Chrome OS": "ChromeOS",
}  # fmt: skip


@lru_cache(maxsize=2048)
def family(user_agent: str) -> str:
    """Return "Chrome 142 · Windows"; "other" for bots, programs and nonsense; "" without a User-Agent."""
    text = user_agent[:LONGEST]
    if not text.strip():
        return ""
    if not text.startswith(("Mozilla/5.0 (", "Opera/")):
        return OTHER
    from ua_parser import parse_os, parse_user_agent

    browser = parse_user_agent(text)
    name = BROWSERS.get(browser.family) if browser else None
    if browser is None or name is None:
        return OTHER
    version = browser.major or ""
    shown = f"{name} {version}" if version.isdecimal() and version.isascii() and len(version) <= 4 else name
    system = parse_os(text)
    where = SYSTEMS.get(system.family) if system else None
    return f"{shown} · {where}" if where else shown

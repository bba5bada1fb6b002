"""Front-end files: vendored hashes, strict policy, theme tokens and their contrast."""

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.template.loader import get_template

ROOT = Path(settings.BASE_DIR)
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = ROOT / "templates"
ROW = re.compile(r"^\| .+ \| `(?P<file>[^`]+)` \| `(?P<sha>[0-9a-f]{64})` \|$", re.MULTILINE)

OWN_CSS = sorted((STATIC / "css").glob("*.css"))
OWN_JS = sorted((STATIC / "js").glob("*.js"))
# Mails are no pages: mail programs know inline styles only.
PAGES = sorted(p for p in TEMPLATES.rglob("*.html") if p.relative_to(TEMPLATES).parts[0] != "email")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- Vendored files ---------------------------------------------------------------------------------------------------
def vendored() -> dict[str, str]:
    return {m["file"]: m["sha"] for m in ROW.finditer((VENDOR / "VENDOR.md").read_text())}


def test_every_vendored_file_is_listed_with_its_hash():
    found = {
        p.relative_to(VENDOR).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in VENDOR.rglob("*")
        if p.is_file() and p.name != "VENDOR.md"
    }
    assert found == vendored()


def test_every_vendored_package_has_its_licence():
    for version in VENDOR.glob("*/*"):
        assert [p for p in version.iterdir() if p.name.startswith("LICENSE")], relative(version)


@pytest.mark.parametrize(
    "path", [p for p in VENDOR.rglob("*") if p.is_file() and p.suffix in (".css", ".js")], ids=relative
)
def test_vendored_files_need_no_source_map(path):
    assert "sourceMappingURL" not in path.read_text(encoding="utf-8")


# --- Strict content security policy -----------------------------------------------------------------------------------
INLINE = re.compile(
    r"""\sstyle\s*=\s*["']|\son[a-z]+\s*=\s*["']|\shx-on|\shx-vals\s*=\s*["']js:|javascript:|<style\b"""
    r"""|<script(?![^>]*\b(?:src|type="application/json")\b)""",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_templates_hold_no_inline_style_or_script(path):
    match = INLINE.search(path.read_text(encoding="utf-8"))
    assert match is None, match


@pytest.mark.parametrize("path", OWN_JS, ids=relative)
def test_scripts_never_evaluate_text_or_write_style_attributes(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\beval\(|new Function\(|setAttribute\(\s*[\"']style|\.innerHTML\s*=|document\.write", text)


@pytest.mark.parametrize("path", [*OWN_CSS, *OWN_JS, *PAGES], ids=relative)
def test_nothing_is_loaded_from_elsewhere(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(?:src|href)=[\"']https?://|url\(\s*[\"']?https?://|from [\"']https?://|@import", text)


# --- References -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", OWN_CSS, ids=relative)
def test_style_sheets_point_at_files_that_exist(path):
    for target in re.findall(r"url\([\"']?(?!data:)([^\"')]+)", path.read_text()):
        assert (path.parent / target).is_file(), target


@pytest.mark.parametrize("path", OWN_JS, ids=relative)
def test_modules_import_files_that_exist(path):
    for target in re.findall(r"from [\"'](\./[^\"']+)", path.read_text()):
        assert (path.parent / target).is_file(), target


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_templates_compile_and_name_static_files_and_icons_that_exist(path):
    get_template(path.relative_to(TEMPLATES).as_posix())
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"""\{% static ["']([^"']+)["']""", text):
        assert finders.find(target), target
    sprite = (STATIC / "img" / "icons.svg").read_text()
    for name in re.findall(r"""\{% icon ["']([^"']+)["']""", text):
        assert f'id="{name}"' in sprite, name


def test_every_component_names_its_inputs():
    for path in (TEMPLATES / "components").glob("*.html"):
        if not path.name.startswith("_sample_body"):
            assert path.read_text().startswith(("{#", "{% comment %}")), relative(path)


def test_the_manifest_can_be_built(tmp_path, settings):
    storage = ManifestStaticFilesStorage(location=tmp_path, base_url="/static/")
    paths = {}
    for path in STATIC.rglob("*"):
        if path.is_file():
            name = path.relative_to(STATIC).as_posix()
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(path.read_bytes())
            paths[name] = (storage, name)
    results = list(storage.post_process(paths))
    assert len(results) >= len(paths)
    assert [r for r in results if isinstance(r[2], Exception)] == []


# --- Tokens -----------------------------------------------------------------------------------------------------------
TOKENS = (STATIC / "css" / "tokens.css").read_text()


def block(start: str) -> list[str]:
    body = TOKENS[TOKENS.index(start) :]
    body = body[body.index("{") + 1 :]
    return [line.strip() for line in body[: body.index("}")].splitlines() if line.strip()]


def colours(start: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", " ".join(block(start))))


def test_dark_by_device_equals_dark_by_choice():
    assert block('[data-theme="auto"]') == block('[data-bs-theme="dark"]')


def test_dark_redefines_every_light_colour():
    assert colours("/* light */").keys() == colours("/* dark */").keys()


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.1, relative luminance and contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


SURFACES = ("bg", "surface", "surface-2")
TEXT_PAIRS = [
    *(
        (text, on)
        for text in ("text", "text-2", "primary-text", "danger-text", "success-text")
        for on in (*SURFACES, "surface-3")
    ),
    *(
        (f"{t}-soft-text", f"{t}-soft")
        for t in ("primary", "accent", "danger", "success", "warning", "info", "neutral")
    ),
    *((f"on-{t}", t) for t in ("primary", "accent", "danger", "success", "warning", "info", "alarm")),
    ("on-primary", "primary-hover"),
    ("on-danger", "danger-hover"),
    *(("side-text", on) for on in ("side-bg", "side-hover", "side-active")),
    ("side-text-2", "side-bg"),
]
PART_PAIRS = [
    *((part, on) for part in ("line-strong", "focus", "primary", "accent", "danger") for on in SURFACES),
    ("side-focus", "side-bg"),
    ("side-mark", "side-active"),
]


def test_contrast_is_measured_right():
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0
    assert round(contrast("#0d6efd", "#ffffff"), 2) == 4.50


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_contrast(theme):
    table = colours(f"/* {theme} */")
    weak = {pair: round(contrast(table[pair[0]], table[pair[1]]), 2) for pair in TEXT_PAIRS}
    assert {pair: value for pair, value in weak.items() if value < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_of_borders_and_focus(theme):
    table = colours(f"/* {theme} */")
    weak = {pair: round(contrast(table[pair[0]], table[pair[1]]), 2) for pair in PART_PAIRS}
    assert {pair: value for pair, value in weak.items() if value < 3} == {}


def test_htmx_may_not_evaluate_store_or_call_out():
    base = (TEMPLATES / "base.html").read_text()
    assert (
        '\'{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,'
        '"selfRequestsOnly":true,"historyCacheSize":0}\''
    ) in base

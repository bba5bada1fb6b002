"""Forms about consents: they parse; rules over rows are in `services.consents`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import formset_factory
from django.utils.translation import gettext_lazy as _

from core.fields import CleanText, validate_year
from core.ids import uuid_or_none
from patients import codes
from patients.consents import ALSO, ANSWERS, PURPOSES, QUESTIONS
from patients.forms.patients import IdentityField, Line
from patients.models import Consent, ConsentKind
from patients.services.consents import MAX_BODY, MAX_RELATIVES, MAX_TITLE, Page, Signer
from patients.signatures import SignatureRefused, Strokes, read_signature

Method = Consent.Method
MOST_POSTED_RELATIVES = 20
EMPTY_RELATIVES = 2
YES_NO = (("yes", _("Yes")), ("no", _("No")))
PERMIT_DENY = (("yes", _("I agree")), ("no", _("I refuse")))


class YesNo(forms.TypedChoiceField):
    """One question without a chosen answer: True, False, or an error."""

    def __init__(self, label: Any, choices: Any = YES_NO, **options: Any) -> None:
        super().__init__(
            label=label, choices=choices, widget=forms.RadioSelect, coerce=lambda value: value == "yes",
            error_messages={"required": _("Answer with yes or no.")}, **options,
        )  # fmt: skip


class SignatureField(forms.CharField):
    """What the pad drew: strokes, or None when nothing was drawn."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=forms.HiddenInput, strip=False, **options)

    def clean(self, value: Any) -> Strokes | None:  # type: ignore[override]
        text = "" if value in self.empty_values else str(value)
        if not text.strip() or text.strip() == "[]":
            return None
        try:
            return read_signature(text)
        except SignatureRefused as error:
            raise ValidationError(str(error)) from error


class PageForm(forms.Form):
    """What the page was made with; a page that was tampered with counts as an old one."""

    key = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": _("Open the page again.")})
    seen = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    versions = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)

    def page(self, language: str) -> Page:
        return Page(
            versions=read_versions(self.cleaned_data["versions"]), seen=uuid_or_none(self.cleaned_data["seen"]),
            key=self.cleaned_data["key"], language=language,
        )  # fmt: skip


class SignerForm(PageForm):
    """Who answers, and how it is proven."""

    signer_relation = forms.ChoiceField(
        label=_("Who signs?"), choices=[], widget=forms.RadioSelect, error_messages={"required": _("Choose who signs.")}
    )
    signer_name = Line(
        label=_("Name of the person who signs"), required=False, max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}), help_text=_("Empty when the patient signs."),
    )  # fmt: skip
    signer_nik = IdentityField(
        "nik", label=_("NIK of the person who signs"), required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 24}),
    )  # fmt: skip
    is_patient_unable = forms.BooleanField(
        label=_("The patient cannot decide now, for example unconscious or confused."), required=False
    )
    method = forms.ChoiceField(
        label=_("How is it signed?"), choices=[], widget=forms.RadioSelect,
        error_messages={"required": _("Choose how it is signed: on this screen or on paper.")},
    )  # fmt: skip
    signature = SignatureField(label=_("Signature"))
    scan = forms.FileField(
        label=_("Photo or scan of the signed paper"), required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/gif,application/pdf"}),
        help_text=_("JPG, PNG, GIF or PDF, up to 5 MB."),
    )  # fmt: skip
    signed_on = forms.DateField(
        label=_("Date on the paper"), required=False, validators=[validate_year],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), help_text=_("Empty is today."),
    )  # fmt: skip

    methods: tuple[str, ...] = (Method.TABLET, Method.PAPER)

    def __init__(self, *args: Any, is_child: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        relations = codes.choices("relation")
        self.fields["signer_relation"].choices = relations[1:] if is_child else relations  # type: ignore[attr-defined]
        self.fields["method"].choices = [(name, Method(name).label) for name in self.methods]  # type: ignore[attr-defined]
        if is_child:
            del self.fields["is_patient_unable"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("method") == Method.PAPER and not data.get("scan") and "scan" not in self.errors:
            self.add_error("scan", _("Add the photo or scan of the signed paper. It is chosen again after each error."))
        if self._needs_drawing(data) and not data.get("signature") and "signature" not in self.errors:
            self.add_error("signature", _("The signature is missing. Sign in the box, or choose paper."))
        is_other = data.get("signer_relation") not in (None, "", "1")
        if is_other and not data.get("signer_name") and "signer_name" not in self.errors:
            self.add_error("signer_name", _("Enter the name of the person who signs."))
        return data

    def _needs_drawing(self, data: dict[str, Any]) -> bool:
        return data.get("method") == Method.TABLET

    def signer(self) -> Signer:
        data = self.cleaned_data
        return Signer(
            name=data["signer_name"], relation_code=data["signer_relation"], nik=data["signer_nik"] or "",
            is_patient_unable=data.get("is_patient_unable", False),
        )  # fmt: skip


class GeneralForm(SignerForm):
    """The questions of a general consent. None has an answer before somebody gives it."""

    interpreter_language = Line(label=_("Which language?"), required=False, max_length=60)
    visitors_refused = Line(
        label=_("Who may not visit, or be told that you are here?"), required=False, max_length=300,
        help_text=_("Names or groups. Empty: nobody is refused."),
    )  # fmt: skip
    officer_signature = SignatureField(label=_("Signature of the officer"))

    def __init__(self, *args: Any, officer_is_fresh: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.officer_is_fresh = officer_is_fresh
        for name in ANSWERS:
            self.fields[name] = YesNo(QUESTIONS[name])
        for kind, label in ALSO.items():
            self.fields[kind.value] = YesNo(label)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        needs_officer = data.get("method") == Method.TABLET and not self.officer_is_fresh
        if needs_officer and not data.get("officer_signature") and "officer_signature" not in self.errors:
            self.add_error("officer_signature", _("The officer who explained signs as well, in the second box."))
        if data.get("needs_interpreter") and not data.get("interpreter_language"):
            self.add_error("interpreter_language", _("Enter which language is needed, or sign language."))
        return data


class ChoiceForm(SignerForm):
    """Yes or no to one purpose."""

    decision = YesNo(_("What does the patient say?"), PERMIT_DENY)
    methods = (Method.TABLET, Method.PAPER, Method.DESK)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("decision") and data.get("method") == Method.DESK:
            self.add_error("method", _("To agree, somebody signs on this screen or on paper."))
        return data


class WithdrawForm(forms.Form):
    """Taking a yes back."""

    key = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": _("Open the page again.")})
    signer_relation = forms.ChoiceField(
        label=_("Who says so?"),
        choices=[],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose who says so.")},
    )
    signer_name = Line(
        label=_("Name"), required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Empty when it is the patient."),
    )  # fmt: skip
    reason = Line(label=_("Reason, when the patient gives one"), required=False, max_length=300)

    def __init__(self, *args: Any, is_child: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        relations = codes.choices("relation")
        self.fields["signer_relation"].choices = relations[1:] if is_child else relations  # type: ignore[attr-defined]

    def signer(self) -> Signer:
        return Signer(name=self.cleaned_data["signer_name"], relation_code=self.cleaned_data["signer_relation"])


class RelativeForm(forms.Form):
    """One person who may be told."""

    name = Line(label=_("Name"), required=False, max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    relation_code = forms.ChoiceField(label=_("Relation"), required=False, choices=[])
    contact = Line(
        label=_("Phone"), required=False, max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        relations = [row for row in codes.choices("relation", empty=_("Choose")) if row[0] != "1"]
        self.fields["relation_code"].choices = relations  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if any(data.get(name) for name in ("name", "relation_code", "contact")):
            if not data.get("name") and "name" not in self.errors:
                self.add_error("name", _("Enter the name."))
            if not data.get("relation_code") and "relation_code" not in self.errors:
                self.add_error("relation_code", _("Choose the relation."))
        return data


RelativeFormSet = formset_factory(
    RelativeForm, extra=EMPTY_RELATIVES, max_num=MAX_RELATIVES, validate_max=True, absolute_max=MOST_POSTED_RELATIVES
)


def named_relatives(rows: Any) -> list[dict[str, str]]:
    """Return the filled rows of a valid formset."""
    return [dict(form.cleaned_data) for form in rows if form.cleaned_data.get("name")]


class TextForm(forms.Form):
    """A new version of a consent text."""

    base_version = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=100_000)
    title_id = Line(label=_("Title (Indonesian)"), max_length=MAX_TITLE)
    body_id = CleanText(
        lines=True, label=_("Text (Indonesian)"), max_length=MAX_BODY, widget=forms.Textarea(attrs={"rows": 16})
    )
    title_en = Line(label=_("Title (English)"), max_length=MAX_TITLE)
    body_en = CleanText(
        lines=True, label=_("Text (English)"), max_length=MAX_BODY, widget=forms.Textarea(attrs={"rows": 16})
    )

    def words(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("title_id", "body_id", "title_en", "body_en")}


def write_versions(texts: dict[str, Any]) -> str:
    """Return the versions of texts as a form carries them: "general:1,messages:2"."""
    return ",".join(f"{kind}:{text.version}" for kind, text in sorted(texts.items()))


def read_versions(text: str) -> dict[str, int]:
    """Return what `write_versions` wrote; parts that are something else are left out."""
    found = {}
    for part in text.split(","):
        kind, _colon, version = part.partition(":")
        if kind in (ConsentKind.GENERAL, *PURPOSES) and version.isascii() and version.isdigit() and len(version) < 8:
            found[kind] = int(version)
    return found


def seen_value(latest: Any) -> str:
    """Return how a form names the answer in force; empty for none."""
    return str(latest.pk) if latest is not None else ""

"""Forms about requests about personal data: they parse; rules over rows are in `services.rights`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core import clock
from core.fields import CleanText, validate_year
from core.upload_fields import UploadField
from patients.forms.patients import Line
from patients.models import DataRequest, ProcessingLimit
from patients.rights import ANSWERS, grounds_for
from patients.services.documents import ReadyFile, ready_upload
from patients.services.rights import MAX_TEXT, Asker

Kind, Status, Channel = DataRequest.Kind, DataRequest.Status, DataRequest.Channel
AT_CLINIC = [(channel.value, channel.label) for channel in (Channel.DESK, Channel.LETTER)]


def scopes_field(**options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("What may no longer be done with the data?"),
        choices=ProcessingLimit.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("Care at this clinic, and what the law demands, go on."),
        **options,
    )


def details_field(label: Any, **options: Any) -> CleanText:
    widget = forms.Textarea(attrs={"rows": 4})
    return CleanText(lines=True, label=label, max_length=MAX_TEXT, widget=widget, **{"required": False, **options})


class RequestForm(forms.Form):
    """A request that somebody makes at the desk or by letter."""

    kind = forms.ChoiceField(
        label=_("What is asked?"), choices=Kind.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose what is asked.")},
    )  # fmt: skip
    scopes = scopes_field()
    details = details_field(
        _("What exactly?"), help_text=_("For a correction: what is wrong, and what is right. For an erasure: what.")
    )
    channel = forms.ChoiceField(
        label=_("How did it come in?"), choices=AT_CLINIC, widget=forms.RadioSelect, initial=Channel.DESK.value,
        error_messages={"required": _("Choose how the request came in.")},
    )  # fmt: skip
    received_at = forms.DateTimeField(
        label=_("When did it come in?"), required=False, validators=[validate_year],
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        help_text=_("The 72 hours run from this moment. Empty is now."),
    )  # fmt: skip
    requester_name = Line(
        label=_("Who asks?"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Write who asks.")},
    )  # fmt: skip
    requester_relation = Line(
        label=_("In which role?"), required=False, max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Empty when the patient asks. Otherwise for example: mother, lawyer with a letter of authority."),
    )  # fmt: skip
    proof = Line(
        label=_("How was the identity checked?"), max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("For example: identity card seen, family card and birth certificate, called back."),
        error_messages={"required": _("Write how the identity of who asks was checked.")},
    )  # fmt: skip
    letter = UploadField(
        documents=True, label=_("Photo or scan of the letter"), required=False,
        help_text=_("JPG, PNG, GIF or PDF, 5 MB at the most."),
    )  # fmt: skip

    def clean_received_at(self) -> datetime | None:
        moment: datetime | None = self.cleaned_data["received_at"]
        if moment is not None and moment > clock.now():
            raise forms.ValidationError(_("The time of receipt is in the future. Correct it."), code="future")
        return moment

    def values(self) -> dict[str, Any]:
        """Return what `services.rights.receive_request` takes; the letter goes into the storage."""
        data = self.cleaned_data
        asker = Asker(data["requester_name"], data["requester_relation"], data["proof"])
        names = ("kind", "channel", "details", "scopes", "received_at")
        return {"asker": asker, "letter": _ready(data["letter"]), **{name: data[name] for name in names}}


class DecideForm(forms.Form):
    """The answer to a request; what is asked depends on its kind."""

    status = forms.ChoiceField(
        label=_("Answer"), choices=[(status.value, status.label) for status in ANSWERS], widget=forms.RadioSelect,
        error_messages={"required": _("Choose what the answer is.")},
    )  # fmt: skip
    scopes = scopes_field()
    ground = forms.ChoiceField(
        label=_("Ground of refusal"), choices=[], required=False, help_text=_("When something is refused.")
    )
    decision = details_field(
        _("Answer in words"), required=True,
        help_text=_("The patient reads this in the portal and in the letter. Write plainly."),
        error_messages={"required": _("Write the answer as the patient will read it.")},
    )  # fmt: skip
    evidence = UploadField(
        documents=True, label=_("Photo or scan as evidence"), required=False,
        help_text=_("JPG, PNG, GIF or PDF, 5 MB at the most."),
    )  # fmt: skip

    def __init__(self, *args: Any, request: DataRequest, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"scopes": request.facts.get("scopes", [])})
        super().__init__(*args, **kwargs)
        grounds = [("", _("Choose")), *grounds_for(request.kind).items()]
        self.fields["ground"].choices = grounds  # type: ignore[attr-defined]
        if request.kind != Kind.RESTRICTION:
            del self.fields["scopes"]
        if request.evidence_id is not None:
            del self.fields["evidence"]

    def values(self) -> dict[str, Any]:
        """Return what `services.rights.decide_request` takes; the evidence goes into the storage."""
        data = {name: value for name, value in self.cleaned_data.items() if name != "evidence"}
        return {**data, "evidence": _ready(self.cleaned_data.get("evidence"))}


class WithdrawForm(forms.Form):
    """Who took a request back, and how."""

    reason = Line(
        label=_("Who withdrew it, and how?"), max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Write who withdrew the request, and how.")},
    )  # fmt: skip


class LiftForm(forms.Form):
    """Why a restriction ends."""

    reason = Line(
        label=_("Why does the restriction end?"), max_length=300,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("For example: the patient asked for it at the desk, identity card seen."),
        error_messages={"required": _("Write why the restriction ends: who asked for it, or what changed.")},
    )  # fmt: skip


class PortalRequestForm(forms.Form):
    """A request that a patient or guardian makes in the portal."""

    scopes = scopes_field()
    details = details_field("")

    LABELS = {
        Kind.COPY: _("Anything you want to add"),
        Kind.CORRECTION: _("What is wrong, and what is right?"),
        Kind.RESTRICTION: _("Anything you want to add"),
        Kind.ERASURE: _("What should be erased?"),
    }

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = Kind(kind)
        self.fields["details"].label = self.LABELS[self.kind]
        self.fields["details"].required = self.kind in (Kind.CORRECTION, Kind.ERASURE)
        self.fields["details"].error_messages["required"] = _("Write what is to be corrected or erased.")
        self.fields["scopes"].required = True
        self.fields["scopes"].error_messages["required"] = _("Choose what may no longer be done with the data.")
        if self.kind != Kind.RESTRICTION:
            del self.fields["scopes"]


def _ready(upload: Any) -> ReadyFile | None:
    return ready_upload(upload) if upload is not None else None

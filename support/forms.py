from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from support.services import BODY_LENGTH, SUBJECT_LENGTH


class MessageForm(forms.Form):
    subject = forms.CharField(label=_("Subject"), max_length=SUBJECT_LENGTH)
    body = forms.CharField(
        label=_("Message"),
        max_length=BODY_LENGTH,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Not for emergencies: call 119. We answer during opening hours."),
    )


class AnswerForm(forms.Form):
    answer = forms.CharField(label=_("Answer"), max_length=BODY_LENGTH, widget=forms.Textarea(attrs={"rows": 6}))

"""The form of a person at the desk: one family for registering and for changing, in the order of the identity card."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from core import clock, indonesia
from core.fields import validate_year
from patients import codes, countries, identity
from patients.details import (
    MOST_TWINS,
    Address,
    Contact,
    Number,
    RegistrationDetails,
    SocialData,
    address_columns,
    born_before,
    contact_columns,
    middle_of_band,
    number_columns,
    social_columns,
)
from patients.errors import InvalidPatientData
from patients.forms.patients import (
    BirthDateField,
    IdentityField,
    JoinedInput,
    Line,
    email_field,
    nik_field,
    phone_field,
)
from patients.models import Allergy, Patient, PatientContact, PatientDemographics, PatientIdentifier, Sex
from patients.names import split_titles
from patients.regions import chain_of
from patients.services import AllergyAnswer

NOT_STATED = _("Not stated")
Kind = Patient.Kind
Accuracy = Patient.BirthAccuracy
NEWBORN_DAYS = 366
OLDEST_AGE = 120
ADDRESS_PARTS = ("line", "rt", "rw", "region", "village", "district", "regency", "province", "postal_code", "country")
CONTACT_PARTS = ("name", "relation", "phone", "address", "nik")
SOCIAL_NAMES = (
    "nik_missing", "religion", "education", "occupation", "occupation_text", "marital", "ethnicity", "spoken_languages",
    "nationality", "home_phone", "mother_nik", "birth_order", "age_band", "found_at", "found_place", "letter_number",
)  # fmt: skip
# Fields that only one kind of registration has; what stands in those of another kind is not taken.
OF_KIND = {
    Kind.NEWBORN: ("mother", "mother_nik", "birth_time", "birth_order"),
    Kind.FOREIGNER: ("passport", "kitas", "document_country"),
    Kind.UNKNOWN: (
        "age_band", "found_at", "found_place", "letter_number", "escort_name", "escort_relation", "escort_phone",
    ),
}  # fmt: skip
# The fields behind each heading that opens; it is open when something in it is wrong or written.
SECTIONS = {
    "social": ("ethnicity", "spoken_languages", "nationality", "occupation_text", "family_card", "home_phone", "email", "language"),
    "domicile": tuple(f"domicile_{part}" for part in ADDRESS_PARTS),
    "emergency": tuple(f"emergency_{part}" for part in ("name", "relation", "phone", "address")),
    "responsible": tuple(f"guarantor_{part}" for part in CONTACT_PARTS),
    "titles": ("title_prefix", "title_suffix"),
    "address_words": ("address_village", "address_district", "address_regency", "address_province", "address_country"),
    "domicile_words": ("domicile_village", "domicile_district", "domicile_regency", "domicile_province", "domicile_country"),
}  # fmt: skip


def _digits(label: Any, *, length: int, **options: Any) -> Line:
    attrs = {"inputmode": "numeric", "autocomplete": "off", "maxlength": length}
    return Line(label=label, required=False, widget=forms.TextInput(attrs=attrs), **options)


def _words(label: Any, *, limit: int = 100, **options: Any) -> Line:
    return Line(
        label=label, required=False, max_length=limit, widget=forms.TextInput(attrs={"autocomplete": "off"}), **options
    )


def _coded(label: Any, list_name: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=codes.choices(list_name, empty=NOT_STATED))


def _number(label: Any, *, highest: int) -> forms.IntegerField:
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 3})
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=highest, widget=widget)


def address_fields(prefix: str, *, url: Any) -> dict[str, forms.Field]:
    """Return the fields of one address, named `prefix_line` and so on; `url` answers the look-up of regions."""
    region = forms.Select(
        attrs={
            "data-combobox": "", "data-url": url, "data-method": "post", "data-region": prefix,
            "data-placeholder": _("Type the village: Baloi Permai"),
        }
    )  # fmt: skip
    fields = {
        "line": _words(_("Address (street, number, housing estate)"), limit=300),
        "rt": _digits("RT", length=3),
        "rw": _digits("RW", length=3),
        "region": forms.CharField(label=_("Village (kelurahan/desa)"), required=False, max_length=13, widget=region),
        "postal_code": _digits(_("Postal code"), length=10),
        "village": _words(_("Village in words")),
        "district": _words(_("District (kecamatan)")),
        "regency": _words(_("Regency or city")),
        "province": _words(_("Province")),
        "country": forms.ChoiceField(
            label=_("Country"), required=False, choices=countries.choices(), initial=countries.HOME
        ),
    }
    fields["line"].widget.attrs["data-wide"] = ""
    return {f"{prefix}_{name}": field for name, field in fields.items()}


def address_of_form(data: Mapping[str, Any], prefix: str) -> Address:
    """Return the cleaned address of a form."""
    return Address(**{name: data.get(f"{prefix}_{name}") or "" for name in ADDRESS_PARTS})


def show_chosen_region(form: forms.Form, prefix: str) -> None:
    """Put the chosen region into its select, so that it shows its names. One statement when one is chosen."""
    name = f"{prefix}_region"
    code = str(form[name].value() or "")
    chain = chain_of(code) if code else None
    options = [(code, chain.label if chain else code)] if code else []
    form.fields[name].widget.choices = [("", ""), *options]  # type: ignore[attr-defined]


def _contact_fields(prefix: str, *, with_nik: bool = False, with_address: bool = True) -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {
        "name": _words(_("Name"), limit=identity.MAX_NAME),
        "relation": _coded(_("Relation to the patient"), "relation"),
        "phone": phone_field(),
    }
    if with_address:
        fields["address"] = _words(_("Address"), limit=300)
    if with_nik:
        fields["nik"] = _digits("NIK", length=24)
    fields["phone"].label = _("Phone")
    return {f"{prefix}_{name}": field for name, field in fields.items()}


class NameField(IdentityField):
    """A full name that may be missing; what is written must be one."""

    def clean(self, value: Any) -> Any:
        return super().clean(value) if str(value or "").strip() else ""


class PersonForm(forms.Form):
    """Everything a registration holds about a person, except what is asked only once (allergies)."""

    kind = forms.ChoiceField(
        label=_("Who is registered"), required=False, choices=Kind, initial=Kind.REGULAR, widget=forms.RadioSelect
    )
    nik = nik_field(help_text=_("16 digits, first line of the card."))
    nik_missing = forms.ChoiceField(
        label=_("Why there is no NIK"),
        required=False,
        choices=[("", _("Choose a reason")), *PatientDemographics.NikMissing.choices],
    )
    passport = _words(_("Passport number"), limit=60)
    kitas = _words(_("Stay permit number (KITAS/KITAP)"), limit=60)
    document_country = forms.ChoiceField(
        label=_("Country of the passport"),
        required=False,
        choices=countries.choices(empty=NOT_STATED, without_home=True),
    )
    full_name = NameField(
        "full_name",
        label=_("Full name (as on the identity card)"),
        required=False,  # newborns and unknown people get one; see clean
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "words", "spellcheck": "false", "data-full-name": ""}
        ),
    )
    title_prefix = _words(_("Title before the name"), limit=60)
    title_suffix = _words(_("Title after the name"), limit=60)
    birth_place = IdentityField("birth_place", label=_("Place of birth"), required=False)
    birth_date = BirthDateField(label=_("Date of birth"), required=False)
    age_years = _number(_("Age in years"), highest=OLDEST_AGE)
    age_months = _number(_("and months"), highest=11)
    age_band = _coded(_("Estimated age"), "age_band")
    birth_time = forms.TimeField(
        label=_("Time of birth"), required=False, widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"})
    )
    birth_order = forms.TypedChoiceField(
        label=_("Order among twins"),
        required=False,
        choices=[("", _("Single birth")), *((str(n), str(n)) for n in range(1, MOST_TWINS + 1))],
        coerce=int,
        empty_value=None,
    )
    sex = forms.ChoiceField(
        label=_("Sex"),
        choices=Sex.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the sex as on the identity card.")},
    )
    blood_type = forms.ChoiceField(
        label=_("Blood type"), required=False, choices=[("", _("Not known")), *Patient.BloodType.choices[:4]]
    )
    rhesus = forms.ChoiceField(
        label=_("Rhesus"), required=False, choices=[("", _("Not known")), ("+", _("Positive")), ("-", _("Negative"))]
    )
    religion = _coded(_("Religion"), "religion")
    marital = _coded(_("Marital status"), "marital")
    occupation = _coded(_("Occupation"), "occupation")
    occupation_text = _words(_("Occupation in words"))
    nationality = forms.ChoiceField(
        label=_("Nationality"), required=False, choices=countries.choices(), initial=countries.HOME
    )
    education = _coded(_("Education"), "education")
    ethnicity = _words(_("Ethnic group"), limit=60)
    spoken_languages = _words(_("Languages spoken"))
    family_card = _digits(_("Family card number (KK)"), length=24)
    mother = forms.UUIDField(label=_("Mother's record"), required=False, widget=forms.HiddenInput)
    mother_nik = _digits(_("Mother's NIK"), length=24)
    mother_name = IdentityField("mother_name", label=_("Mother's name"), required=False)
    is_mother_unknown = forms.BooleanField(label=_("Mother's name is not known"), required=False)
    phone = phone_field()
    home_phone = IdentityField("phone", label=_("Home phone"), required=False)
    email = email_field()
    language = forms.ChoiceField(
        label=_("Language of letters and mails"), choices=[("id", "Bahasa Indonesia"), ("en", "English")], initial="id"
    )
    domicile_same = forms.BooleanField(label=_("Lives at the address above"), required=False, initial=True)
    guarantor = forms.ChoiceField(label=_("Who pays"), choices=Patient.Guarantor, initial=Patient.Guarantor.SELF)
    bpjs_number = IdentityField(
        "bpjs_number",
        label=_("BPJS card number"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    found_at = forms.DateTimeField(
        label=_("Found at (date and time)"),
        required=False,
        validators=[validate_year],
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    found_place = _words(_("Found where"), limit=200)
    letter_number = _words(_("Letter of the social or civil registry office"), limit=80)

    is_new = True  # registering; `EditForm` changes
    usual_kind: str = Kind.REGULAR  # when the form does not say

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        url = reverse_lazy("patients:region-list")
        self.fields.update(address_fields("address", url=url))
        self.fields.update(address_fields("domicile", url=url))
        self.fields["domicile_line"].label = _("Address where the patient lives")
        self.fields.update(_contact_fields("emergency"))
        self.fields.update(_contact_fields("guarantor", with_nik=True))
        self.fields.update(_contact_fields("escort", with_address=False))
        self.fields["escort_name"].label = _("Brought in by (name)")
        for name in ("birth_date", "phone", "email", "home_phone", "birth_place", "mother_name"):
            # The browser would offer the data of the clerk.
            self.fields[name].widget.attrs["autocomplete"] = "off"
        for prefix in ("address", "domicile"):
            show_chosen_region(self, prefix)

    @property
    def open_sections(self) -> list[str]:
        """The headings that are open: something behind them is wrong, or written where it is not usual."""
        found = []
        for section, names in SECTIONS.items():
            plain = {"language", "nationality", "address_country", "domicile_country"}
            is_written = any(self[name].value() for name in names if name not in plain)
            if any(name in self.errors for name in names) or is_written:
                found.append(section)
        return found

    @property
    def address_words_open(self) -> bool:
        """True when the words beside the list of regions are to be seen at once."""
        return "address_words" in self.open_sections or self["address_country"].value() not in (
            "",
            None,
            countries.HOME,
        )

    @property
    def domicile_words_open(self) -> bool:
        """As `address_words_open`, for where the patient lives."""
        return "domicile_words" in self.open_sections or self["domicile_country"].value() not in (
            "",
            None,
            countries.HOME,
        )

    @property
    def age_shown(self) -> bool:
        """True when the fields for an estimated age are to be seen at once."""
        return bool(self["age_years"].value() or self["age_months"].value()) or "age_years" in self.errors

    # --- Checking ---------------------------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data["kind"] = data.get("kind") or self.usual_kind
        if self.is_new:
            self._forget_other_kinds(data, kind)
        self._clean_name(data, kind)
        self._clean_birth(data, kind)
        self._clean_kind(data, kind)
        self._clean_parts(data)
        return data

    def _forget_other_kinds(self, data: dict[str, Any], kind: str) -> None:
        for other, names in OF_KIND.items():
            for name in names if other != kind else ():
                data[name] = None if name in ("mother", "birth_time", "birth_order", "found_at") else ""
                self.errors.pop(name, None)

    def _clean_name(self, data: dict[str, Any], kind: str) -> None:
        typed = data.get("full_name") or ""
        if not typed and "full_name" not in self.errors:
            if kind not in (Kind.NEWBORN, Kind.UNKNOWN) or not self.is_new:
                self.add_error("full_name", _("Enter the full name as on the identity card."))
            return
        parts = split_titles(typed)
        data["full_name"] = parts.name
        data["title_prefix"] = data.get("title_prefix") or parts.prefix
        data["title_suffix"] = data.get("title_suffix") or parts.suffix

    def _clean_birth(self, data: dict[str, Any], kind: str) -> None:
        """Set birth date and accuracy: an entered date is exact, an age and an age band give a date before today."""
        data["birth_accuracy"] = Accuracy.EXACT
        if data.get("birth_date") or {"birth_date", "age_years", "age_months"} & set(self.errors):
            return
        years, months, band = data.get("age_years"), data.get("age_months"), data.get("age_band")
        if years is not None or months is not None:
            data["birth_accuracy"] = Accuracy.YEAR if months is None else Accuracy.MONTH
            data["birth_date"] = self.born(years or 0, months)
        elif band and kind == Kind.UNKNOWN:
            data["birth_accuracy"] = Accuracy.ESTIMATED
            data["birth_date"] = self.born_in_band(band)
        elif kind == Kind.UNKNOWN:
            self.add_error("age_band", _("Choose the estimated age."))
        else:
            self.add_error("birth_date", _("Enter the date of birth, or the age when the date is not known."))

    def born(self, years: int, months: int | None) -> date:
        """Return the birth date of an age that was told."""
        return born_before(clock.today(), years=years, months=months or 0)

    def born_in_band(self, band: str) -> date:
        """Return the birth date an age band is recorded as."""
        return born_before(clock.today(), years=middle_of_band(band))

    def _clean_kind(self, data: dict[str, Any], kind: str) -> None:
        if data.get("nik"):
            data["nik_missing"] = ""
        if not self.is_new:
            return
        if kind == Kind.REGULAR and not data.get("nik") and not data.get("nik_missing") and "nik" not in self.errors:
            self.add_error("nik", _("Enter the NIK, or choose why there is none."))
        if kind != Kind.UNKNOWN and data.get("sex") == Sex.UNKNOWN:
            self.add_error("sex", _("Choose the sex as on the identity card."))
        if kind == Kind.FOREIGNER:
            self._clean_foreigner(data)
        if kind == Kind.NEWBORN:
            self._clean_newborn(data)

    def _clean_foreigner(self, data: dict[str, Any]) -> None:
        if not data.get("passport") and not data.get("kitas") and not data.get("nik"):
            self.add_error("passport", _("Enter the number of the passport or of the stay permit."))
        if data.get("passport") and not data.get("document_country"):
            self.add_error("document_country", _("Choose the country that issued the passport."))
        if data.get("nationality") in (None, "", countries.HOME) and data.get("document_country"):
            data["nationality"] = data["document_country"]

    def _clean_newborn(self, data: dict[str, Any]) -> None:
        born = data.get("birth_date")
        if born and (clock.today() - born).days > NEWBORN_DAYS:
            self.add_error(
                "birth_date",
                _("A newborn is less than one year old. Check the date, or register a patient with an identity card."),
            )
        if not data.get("mother") and not data.get("mother_name") and not data.get("full_name"):
            self.add_error("mother_name", _("Find the mother's record, or enter the mother's name."))

    def _clean_parts(self, data: dict[str, Any]) -> None:
        """Check addresses, contacts, numbers and codes as the service will, each at its own field."""
        details = self.details()
        checks: list[Any] = [lambda: social_columns(details.social or SocialData())]
        checks += [lambda entry=entry: contact_columns(entry) for entry in details.contacts]
        checks += [lambda entry=entry: number_columns(entry) for entry in details.numbers]
        for prefix, address in (("address", details.identity_address), ("domicile", details.domicile)):
            if address is not None:
                checks.append(lambda prefix=prefix, address=address: address_columns(address, field_prefix=prefix))
        for check in checks:
            try:
                check()
            except InvalidPatientData as error:
                if error.field not in self.errors:
                    self.add_error(error.field if error.field in self.fields else None, str(error))

    # --- What goes to the service -----------------------------------------------------------------------------------

    def identity(self) -> dict[str, Any]:
        """Return the identity columns, for `register_patient` and `update_patient`; the address is in the details."""
        names = (
            "nik", "full_name", "birth_place", "birth_date", "sex", "blood_type", "mother_name", "phone", "email",
            "guarantor", "bpjs_number", "language",
        )  # fmt: skip
        return {name: self.cleaned_data[name] for name in names}

    def details(self) -> RegistrationDetails:
        """Return everything beside the identity columns."""
        data = self.cleaned_data
        lives_there = data.get("domicile_same")
        return RegistrationDetails(
            kind=data["kind"],
            title_prefix=data.get("title_prefix") or "",
            title_suffix=data.get("title_suffix") or "",
            birth_accuracy=data.get("birth_accuracy"),
            birth_time=data.get("birth_time"),
            rhesus=data.get("rhesus") or "",
            mother_id=data.get("mother"),
            social=self._social(data),
            identity_address=address_of_form(data, "address"),
            domicile=Address() if lives_there else address_of_form(data, "domicile"),
            contacts=tuple(self._contact(data, role) for role in PatientContact.Role.values),
            numbers=tuple(self._numbers(data)),
        )

    def _social(self, data: dict[str, Any]) -> SocialData:
        values = {name: data[name] for name in SOCIAL_NAMES if data.get(name) not in (None, "")}
        return SocialData(
            **{**values, "is_mother_unknown": bool(data.get("is_mother_unknown") and not data.get("mother_name"))}
        )

    def _contact(self, data: dict[str, Any], role: str) -> Contact:
        values = {part: data.get(f"{role}_{part}") or "" for part in CONTACT_PARTS}
        if values["relation"] == "1" and not values["name"]:  # the patient
            values["name"] = data.get("full_name") or ""
        return Contact(role=role, **values)

    def _numbers(self, data: dict[str, Any]) -> list[Number]:
        kinds = PatientIdentifier.Kind
        return [
            Number(kinds.PASSPORT, data.get("passport") or "", data.get("document_country") or ""),
            Number(kinds.KITAS, data.get("kitas") or ""),
            Number(kinds.FAMILY_CARD, data.get("family_card") or ""),
        ]


class RegisterForm(PersonForm):
    """Somebody new at the desk: the person, and the question about allergies. Consent is asked after it."""

    ASKED = [("", _("Not asked yet")), ("none", _("Asked: none known")), ("known", _("Asked: has an allergy"))]

    registration_key = forms.UUIDField(required=False, widget=forms.HiddenInput)
    allergy = forms.ChoiceField(
        label=_("Allergies"), required=False, choices=ASKED, widget=forms.RadioSelect, initial=""
    )
    allergy_substance = Line(label=_("Allergic to"), required=False, max_length=120)
    allergy_category = forms.ChoiceField(
        label=_("Kind"), required=False, choices=Allergy.Category, initial=Allergy.Category.MEDICATION
    )
    allergy_group = forms.ChoiceField(
        label=_("Medicine group"),
        required=False,
        choices=Allergy.Group,
        help_text=_("Prescriptions of this group will be stopped."),
    )
    allergy_reaction = Line(label=_("Reaction"), required=False, max_length=200)
    duplicate_reason = Line(label=_("Why this is another person"), required=False, max_length=300, widget=JoinedInput())

    def __init__(self, *args: Any, may_ask_allergies: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_ask_allergies:
            for name in [name for name in self.fields if name.startswith("allergy")]:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if (
            data.get("allergy") == "known"
            and not data.get("allergy_substance")
            and "allergy_substance" not in self.errors
        ):
            self.add_error("allergy_substance", _("Enter what the patient is allergic to."))
        return data

    def allergy_answer(self) -> AllergyAnswer | None:
        """Return what the patient said, or None when they were not asked."""
        data = self.cleaned_data
        if data.get("allergy") == "none":
            return AllergyAnswer(denied=True)
        if data.get("allergy") == "known":
            return AllergyAnswer(
                substance=data["allergy_substance"],
                category=data["allergy_category"] or Allergy.Category.MEDICATION,
                group=data["allergy_group"],
                reaction=data["allergy_reaction"],
            )
        return None


class EditForm(PersonForm):
    """A change of somebody known. An estimated birth date stays as it is while the age on the form is not touched."""

    is_new = False

    def __init__(self, *args: Any, patient: Patient, **kwargs: Any) -> None:
        self.patient = patient
        self.usual_kind = patient.kind
        super().__init__(*args, **kwargs)
        del self.fields["mother"]

    def born(self, years: int, months: int | None) -> date:
        shown = clock.age_parts(self.patient.birth_date, clock.today())[: 1 if months is None else 2]
        if self._is_estimated and shown == ((years,) if months is None else (years, months)):
            return self.patient.birth_date
        return super().born(years, months)

    def born_in_band(self, band: str) -> date:
        years = clock.age_parts(self.patient.birth_date, clock.today())[0]
        low, high = codes.AGE_BAND_YEARS[band]
        return self.patient.birth_date if self._is_estimated and low <= years <= high else super().born_in_band(band)

    @property
    def _is_estimated(self) -> bool:
        return self.patient.birth_accuracy != Accuracy.EXACT

    def differences(self, stored: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return (label, stored value) of the fields whose typed value is not the one of `stored` (`initial_of`)."""
        found = []
        for name, field in self.fields.items():
            if not field.has_changed(stored.get(name), self[name].data):
                continue
            value = stored.get(name)
            labels = dict(getattr(field, "choices", ()))
            if isinstance(value, bool):
                shown: Any = _("yes") if value else _("no")
            else:
                shown = labels.get(value, value) or _("empty")
            found.append((str(field.label), str(shown)))
        return found


def initial_of(patient: Patient, details: RegistrationDetails) -> dict[str, Any]:
    """Return what the form of a known patient shows; `details` as `patients.records.details_of` reads them."""
    columns = (
        "kind", "nik", "full_name", "title_prefix", "title_suffix", "birth_place", "birth_time", "sex", "blood_type",
        "rhesus", "mother_name", "email", "guarantor", "bpjs_number", "language",
    )  # fmt: skip
    values: dict[str, Any] = {name: getattr(patient, name) for name in columns}
    values["phone"] = indonesia.format_phone(patient.phone) if patient.phone else ""
    social = details.social or SocialData()
    values |= _initial_birth(patient, social)
    values |= {name: getattr(social, name) for name in SOCIAL_NAMES}
    values["found_at"] = clock.local(social.found_at) if social.found_at else None
    values["home_phone"] = indonesia.format_phone(social.home_phone) if social.home_phone else ""
    values["is_mother_unknown"] = social.is_mother_unknown
    values["domicile_same"] = details.domicile is None or details.domicile.is_empty
    for prefix, address in (("address", details.identity_address), ("domicile", details.domicile)):
        values |= {f"{prefix}_{part}": getattr(address or Address(), part) for part in ADDRESS_PARTS}
    for contact in details.contacts:
        values |= {f"{contact.role}_{part}": getattr(contact, part) for part in CONTACT_PARTS}
        values[f"{contact.role}_phone"] = indonesia.format_phone(contact.phone) if contact.phone else ""
    for number in details.numbers:
        values[number.kind] = number.value
        if number.kind == PatientIdentifier.Kind.PASSPORT:
            values["document_country"] = number.country
    return values


def _initial_birth(patient: Patient, social: SocialData) -> dict[str, Any]:
    if patient.birth_accuracy == Accuracy.EXACT:
        return {"birth_date": patient.birth_date}
    if patient.birth_accuracy == Accuracy.ESTIMATED and social.age_band:
        return {}
    years, months, _days = clock.age_parts(patient.birth_date, clock.today())
    return {"age_years": years, "age_months": months if patient.birth_accuracy == Accuracy.MONTH else None}

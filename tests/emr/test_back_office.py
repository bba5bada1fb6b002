"""The whole back office as it is registered: who gets in, what is never shown, what is never changed there."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django_otp import DEVICE_ID_SESSION_KEY

from accounts.back_office import ImportExportReferenceAdmin, ReadOnlyAdmin, ReferenceAdmin
from accounts.models import TotpDevice, User
from audit.models import AuditEvent
from core.encryption import EncryptedCharField, EncryptedTextField, StrictEncryption
from pharmacy.models import Medicine
from tests.conftest import sign_in
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory
from tests.test_registry import make_row

SECRET_WORD = re.compile(
    r"passw|secret|(^|_)key($|_)|token|digest|session|hash|mac$|otp|code_|backup|credential|bidx|nonce|proof"
)
HARMLESS = {
    "address_hash",  # the audit log's keyed digest of a client address: shown so that events can be connected
    "must_change_password",
}
REGISTERED = sorted(admin.site._registry.items(), key=lambda entry: entry[0]._meta.label)
IDS = [model._meta.label for model, _page in REGISTERED]
REFERENCE = {
    "consultations.DiagnosisCode", "patients.Insurer", "patients.Region", "pharmacy.Medicine",
    "scheduling.ClinicHours", "scheduling.Holiday", "scheduling.Service",
}  # fmt: skip
FORBIDDEN = re.compile(
    r"""\sstyle\s*=|\son[a-z]+\s*=\s*["']|<style|<script(?![^>]*\ssrc=)[^>]*>|javascript:""", re.IGNORECASE
)


def address(model: type[models.Model], action: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}", args=args)


def addresses(model: type[models.Model], pk: object) -> list[str]:
    """Every address of one model's pages."""
    found = [address(model, "changelist"), address(model, "add")]
    found += [address(model, action, pk) for action in ("change", "history", "delete")]
    for action in ("import", "export", "process_import"):
        try:
            found.append(address(model, action))
        except NoReverseMatch:
            continue
    return found


def row_of(model: type[models.Model]) -> models.Model:
    """A row of the model; of the audit log one that is there, for it takes none with a number of its own."""
    return (model._base_manager.first() if model is AuditEvent else None) or make_row(model)


def everything() -> list[str]:
    return [reverse("admin:index"), *(page for model, _admin in REGISTERED for page in addresses(model, "1"))]


@pytest.mark.django_db
class TestSecondFactor:
    """The site looks for itself: these run without the middleware that ends unverified sessions."""

    @pytest.fixture(autouse=True)
    def _site_alone(self, settings):
        settings.MIDDLEWARE = [
            name for name in settings.MIDDLEWARE if name != "accounts.middleware.ClosedByDefaultMiddleware"
        ]

    def refused(self, client: Client, page: str) -> None:
        answer = client.get(page)
        assert answer.status_code == 302, page
        assert answer["Location"].startswith(reverse("accounts:login")), page
        assert "_auth_user_id" not in client.session, "the session goes on"

    def test_an_unverified_admin_goes_to_the_sign_in(self, cast):
        for page in everything():
            self.refused(sign_in(Client(), cast.admin, with_factor=False), page)
        self.refused(sign_in(Client(), cast.admin, with_factor=False), reverse("admin:login"))

    def test_nothing_is_changed_by_one(self, cast):
        medicine = make_row(Medicine)
        client = sign_in(Client(), cast.admin, with_factor=False)
        answer = client.post(address(Medicine, "change", medicine.pk), {"code": "X"})
        assert answer.status_code == 302
        assert Medicine.objects.get(pk=medicine.pk).code == medicine.code

    @pytest.mark.parametrize("fault", ["gone", "unconfirmed", "somebody else's", "nonsense"])
    def test_the_device_must_still_be_there(self, cast, fault):
        client = sign_in(Client(), cast.admin)
        assert client.get(reverse("admin:index")).status_code == 200
        devices = TotpDevice.objects.filter(user=cast.admin)
        if fault == "gone":
            devices.delete()
        elif fault == "unconfirmed":
            devices.update(confirmed=False)
        else:
            other = TotpDevice.objects.create(user=UserFactory(), name="Lain")
            session = client.session
            session[DEVICE_ID_SESSION_KEY] = other.persistent_id if fault == "somebody else's" else "nonsense"
            session.save()
        self.refused(client, reverse("admin:index"))

    def test_a_patient_sees_nothing_of_it(self, cast):
        for client in (sign_in(Client(), cast.patient_user), sign_in(Client(), cast.patient_user, with_factor=False)):
            assert {client.get(page).status_code for page in everything()} == {404}

    def test_strangers_go_to_the_sign_in(self, client, db):
        for page in everything():
            answer = client.get(page)
            assert (answer.status_code, answer["Location"].split("?")[0]) == (302, reverse("accounts:login"))


class TestNothingSecretIsShown:
    @pytest.mark.parametrize(("model", "page"), REGISTERED, ids=IDS)
    def test_columns(self, model, page, rf):
        request = rf.get("/")
        request.user = User()
        encrypted = {field.name for field in model._meta.get_fields() if isinstance(field, StrictEncryption)}
        declared = page.fields or [name for _title, options in page.fieldsets or [] for name in options["fields"]]
        if isinstance(page, ReadOnlyAdmin):
            # What such a page may show is always listed by hand: a column that is added later is not shown by itself.
            assert declared or not encrypted, f"{model._meta.label} lists no fields"
        shown = {
            *page.get_list_display(request), *page.search_fields, *page.readonly_fields, *declared, *page.list_filter,
            *(page.list_display_links or ()),
            *(name.lstrip("-") for name in page.ordering or ()),
        }  # fmt: skip
        if not declared:
            shown |= {field.name for field in model._meta.concrete_fields if field.editable}
        for resource in getattr(page, "resource_classes", ()):
            shown |= set(resource().get_export_order()) | set(resource().fields)
        names = {part for name in shown if isinstance(name, str) for part in name.split("__")}
        assert not names & encrypted
        assert not {name for name in names if SECRET_WORD.search(name)} - HARMLESS
        related = {name for name in names if _leads_to_encrypted(model, name)}
        assert not related, f"{related} show encrypted columns of other tables"

    @pytest.mark.parametrize(("model", "page"), REGISTERED, ids=IDS)
    def test_a_column_added_by_name_would_be_seen(self, model, page):
        assert SECRET_WORD.search("password")
        assert SECRET_WORD.search("key_hex")
        assert SECRET_WORD.search("nik_bidx")
        assert not SECRET_WORD.search("generic_name")

    @pytest.mark.django_db
    def test_pages_hold_no_name(self, cast, client_for):
        """Rows with a known name in every encrypted column, looked at on every page of every model."""
        word = "Xantippe"
        client = client_for(cast.admin)
        PatientFactory(full_name=f"{word} Sitorus", address=word, mother_name=word, email="")
        for model, _page in REGISTERED:
            row = row_of(model)
            marked = {
                field.name: word for field in model._meta.concrete_fields
                if isinstance(field, EncryptedCharField | EncryptedTextField)
                and (field.max_length or 99) >= len(word)
            }  # fmt: skip
            if marked:
                model._base_manager.filter(pk=row.pk).update(**marked)
            for page in addresses(model, row.pk):
                answer = client.get(page)
                assert answer.status_code in (200, 403, 405), page
                assert word not in answer.content.decode(), page


def _leads_to_encrypted(model: type[models.Model], name: str) -> bool:
    """True for a foreign key whose text (`__str__`) is made of an encrypted column."""
    try:
        field = model._meta.get_field(name)
    except Exception:
        return False
    if not isinstance(field, models.ForeignKey):
        return False
    target = field.related_model
    return any(
        isinstance(one, StrictEncryption) for one in target._meta.concrete_fields
    ) and target._meta.label not in (
        "patients.Patient",  # its text is the record number
        "accounts.User",  # its text is the user name
    )


@pytest.mark.django_db
class TestReadOnly:
    @pytest.mark.parametrize(
        ("model", "page"), [one for one in REGISTERED if one[0]._meta.label not in REFERENCE],
        ids=[name for name in IDS if name not in REFERENCE],
    )  # fmt: skip
    def test_rows_of_people_and_care_are_not_written_here(self, cast, client_for, model, page):
        assert isinstance(page, ReadOnlyAdmin)
        client, row = client_for(cast.admin), row_of(model)
        before = list(model._base_manager.filter(pk=row.pk).values())
        count = model._base_manager.count()
        if model is AuditEvent:
            count = None  # refusals are events themselves
        for action, args in (("add", ()), ("change", (row.pk,)), ("delete", (row.pk,))):
            for data in ({}, {"post": "yes", "status": "archived", "_save": "1"}):
                answer = client.post(address(model, action, *args), data)
                assert answer.status_code == 403, (model._meta.label, action)
        listed = address(model, "changelist")
        client.post(listed, {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"})
        client.post(
            listed, {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(row.pk), "_save": "1"}
        )
        assert list(model._base_manager.filter(pk=row.pk).values()) == before
        assert count is None or model._base_manager.count() == count

    def test_only_reference_data_can_be_changed(self):
        writable = {model._meta.label for model, page in REGISTERED if isinstance(page, ReferenceAdmin)}
        assert writable == REFERENCE
        assert {
            model._meta.label for model, page in REGISTERED if isinstance(page, ImportExportReferenceAdmin)
        } <= writable


@pytest.mark.ignore_template_errors  # templates of Django and import-export ask for names that are not always there
@pytest.mark.django_db
class TestPages:
    @pytest.mark.parametrize(("model", "page"), REGISTERED, ids=IDS)
    def test_nothing_inline(self, cast, client_for, model, page):
        client, row = client_for(cast.admin), row_of(model)
        seen = 0
        for place in [*addresses(model, row.pk), address(model, "changelist") + "?q=x", address(model, "change", "x")]:
            answer = client.get(place, follow=True)
            if "html" in answer["Content-Type"]:
                assert not FORBIDDEN.search(answer.content.decode()), place
                assert "unsafe" not in answer["Content-Security-Policy"]
                seen += answer.status_code == 200
        assert seen >= 3

    def test_index_app_list_and_missing_page(self, cast, client_for):
        client = client_for(cast.admin)
        for place in ("/back-office/", "/back-office/pharmacy/", "/back-office/nothing/", "/back-office/jsi18n/"):
            answer = client.get(place)
            assert answer.status_code in (200, 404)
            assert not ("html" in answer["Content-Type"] and FORBIDDEN.search(answer.content.decode())), place
            kept = answer.headers.get("Cache-Control", "")
            assert "no-store" in kept or answer.status_code == 404 or place.endswith("jsi18n/"), place

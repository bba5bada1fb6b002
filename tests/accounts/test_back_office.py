"""The back office: one door, rights by capability, every change audited, pages that strict CSP allows, safe files."""

from __future__ import annotations

import io
import re
import sys
import types

import openpyxl
import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import include, path, reverse

from accounts.admin import AuditEventAdmin, UserAdmin
from accounts.back_office import (
    ImportExportReferenceAdmin,
    ReferenceResource,
    escape_formula,
    unescape_formula,
)
from accounts.models import User
from audit import record
from audit.models import AuditEvent
from emr.admin_site import BackOffice
from scheduling.models import Service
from tests.factories.accounts import UserFactory
from tests.factories.scheduling import ServiceFactory

FORBIDDEN = re.compile(
    r"""\sstyle\s*=|\son[a-z]+\s*=\s*["']|<style|<script(?![^>]*\ssrc=)[^>]*>|javascript:""", re.IGNORECASE
)


class ServiceResource(ReferenceResource):
    class Meta(ReferenceResource.Meta):
        model = Service
        fields = ("code", "name_id", "name_en", "specialty", "price_idr")
        import_id_fields = ("code",)


class ServiceAdmin(ImportExportReferenceAdmin):
    resource_classes = [ServiceResource]
    list_display = ("code", "name_id", "price_idr", "is_active")


def events():
    """What was recorded besides the sign-ins that tests make, and besides refusals."""
    return AuditEvent.objects.exclude(action__startswith="accounts.session.").exclude(result="refused")


@pytest.fixture
def site(settings) -> BackOffice:
    """A back office with one reference table, mounted where the real one is."""
    made = BackOffice(name="admin")
    made.register(Service, ServiceAdmin)
    made.register(User, UserAdmin)
    made.register(AuditEvent, AuditEventAdmin)
    module = types.ModuleType("tests.accounts.back_office_urls")
    module.urlpatterns = [
        path("", include("accounts.urls")),
        path("", include("notifications.urls")),
        path("", include("reports.urls")),
        path("back-office/", made.urls),
    ]
    sys.modules[module.__name__] = module
    settings.ROOT_URLCONF = module.__name__
    return made


def form_of(service: Service, **changes) -> dict:
    fields = (
        "code",
        "name_id",
        "name_en",
        "specialty",
        "duration_minutes",
        "price_idr",
        "booking_mode",
        "queue_prefix",
    )
    return {**{name: getattr(service, name) for name in fields}, "is_active": "on", **changes}


@pytest.mark.django_db
class TestWrongPerson:
    def test_rows_are_not_reached(self, site, cast, client_for):
        service = ServiceFactory()
        pages = [
            reverse("admin:scheduling_service_changelist"),
            reverse("admin:scheduling_service_add"),
            reverse("admin:scheduling_service_change", args=[service.pk]),
            reverse("admin:scheduling_service_import"),
            reverse("admin:scheduling_service_export"),
        ]
        for page in pages:
            for person, status in ((cast.patient_user, 404), (cast.nurse, 403), (cast.owner, 403)):
                client = client_for(person)
                assert (client.get(page).status_code, client.post(page, {}).status_code) == (status, status)
        assert events().count() == 0

    def test_a_superuser_without_role_is_nobody(self, site, client_for):
        user = UserFactory(is_superuser=True, is_staff=True)
        assert client_for(user).get(reverse("admin:index")).status_code == 404

    def test_nothing_is_deleted(self, site, cast, client_for):
        service, client = ServiceFactory(), client_for(cast.admin)
        assert (
            client.post(reverse("admin:scheduling_service_delete", args=[service.pk]), {"post": "yes"}).status_code
            == 403
        )
        page = reverse("admin:scheduling_service_changelist")
        client.post(page, {"action": "delete_selected", "_selected_action": [str(service.pk)], "post": "yes"})
        assert Service.objects.filter(pk=service.pk).exists()


@pytest.mark.django_db
class TestReferenceData:
    def test_a_change_is_audited_with_what_was_and_what_is(self, site, cast, client_for):
        service = ServiceFactory(price_idr=100_000)
        page = reverse("admin:scheduling_service_change", args=[service.pk])
        assert client_for(cast.admin).post(page, form_of(service, price_idr=120_000)).status_code == 302
        assert Service.objects.get(pk=service.pk).price_idr == 120_000
        event = events().get()
        assert (event.action, event.actor_id, event.target_id, event.detail) == (
            "scheduling.service.changed", cast.admin.pk, str(service.pk),
            {"fields": ["price_idr"], "before": {"price_idr": 100_000}, "after": {"price_idr": 120_000}},
        )  # fmt: skip

    def test_an_addition_is_audited(self, site, cast, client_for):
        data = form_of(ServiceFactory.build(code="BARU"))
        client_for(cast.admin).post(reverse("admin:scheduling_service_add"), data)
        assert events().get().action == "scheduling.service.added"

    def test_other_packages_bring_no_pages(self):
        names = {model._meta.label for model in admin.site._registry}
        assert "accounts.User" in names
        assert not {name for name in names if name.split(".")[0] in ("account", "axes", "django_celery_beat", "auth")}


@pytest.mark.ignore_template_errors  # a template of import-export asks for a field that is not always there
@pytest.mark.django_db
class TestFiles:
    def export(self, client, kind: int) -> bytes:
        data = {
            "format": str(kind),
            "resource": "",
            **{f"serviceresource_{name}": "on" for name in ServiceResource._meta.fields},
        }
        answer = client.post(reverse("admin:scheduling_service_export"), data)
        assert answer.status_code == 200, answer.context["form"].errors
        return answer.content

    def test_two_formats_only(self, site, cast, client_for):
        page = client_for(cast.admin).get(reverse("admin:scheduling_service_export")).content.decode()
        assert sorted(re.findall(r"<option[^>]*>(\w+)</option>", page)) == ["csv", "xlsx"]

    def test_formulas_leave_as_text_and_come_back_as_they_were(self, site, cast, client_for):
        client = client_for(cast.admin)
        nasty = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx"]
        for index, text in enumerate(nasty):
            ServiceFactory(code=f"N{index}", name_id=text, price_idr=5000)
        book = openpyxl.load_workbook(io.BytesIO(self.export(client, 0)))
        cells = [cell for row in book.active.iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]
        text = self.export(client, 1)
        assert not re.search(rb"(^|,)\"?[=+@\t-]", text, re.MULTILINE)
        Service.objects.filter(code="N0").update(name_id="anders")
        self.load(client, "s.csv", text, kind=1)
        assert [Service.objects.get(code=f"N{index}").name_id for index in range(4)] == nasty[:4]
        assert AuditEvent.objects.filter(action="scheduling.service.exported").count() == 2
        detail = AuditEvent.objects.get(action="scheduling.service.imported").detail
        assert detail == {"new": 0, "update": 1, "first_ids": [str(Service.objects.get(code="N0").pk)]}

    def load(self, client, name: str, content: bytes, kind: int):
        page = reverse("admin:scheduling_service_import")
        answer = client.post(
            page, {"format": str(kind), "resource": "", "import_file": SimpleUploadedFile(name, content)}
        )
        assert not FORBIDDEN.search(answer.content.decode())
        if not answer.context.get("confirm_form"):
            return answer
        data = {key: value for key, value in answer.context["confirm_form"].initial.items() if value is not None}
        return client.post(reverse("admin:scheduling_service_process_import"), data)

    def test_a_bad_row_changes_nothing(self, site, cast, client_for):
        text = b"code,name_id,name_en,specialty,price_idr\nX1,A,B,umum,1000\nX2,A,B,tidak-ada,-5\n"
        answer = self.load(client_for(cast.admin), "s.csv", text, kind=1)
        assert answer.status_code == 200
        assert Service.objects.count() == 0
        assert events().count() == 0

    @pytest.mark.parametrize(
        "content", [b"", b"\x00\x01\x02", b"PK\x03\x04broken", b"a,b\n" * 3, "kode;nama\n".encode("utf-16")]
    )
    @pytest.mark.parametrize("kind", [0, 1])
    def test_any_bytes(self, site, cast, client_for, content, kind):
        answer = self.load(client_for(cast.admin), "s.bin", content, kind=kind)
        assert answer.status_code in (200, 302)
        assert Service.objects.count() == 0

    @pytest.mark.parametrize(
        ("cell", "safe"),
        [("=1", "'=1"), ("-5", "-5"), ("+62812", "+62812"), ("-5+1", "'-5+1"), ("a=1", "a=1"), (7, 7), (None, None)],
    )
    def test_escape(self, cell, safe):
        assert escape_formula(cell) == safe
        assert unescape_formula(safe) == cell


@pytest.mark.django_db
class TestPages:
    def test_no_page_needs_what_strict_csp_forbids(self, site, cast, client_for):
        service, client = ServiceFactory(), client_for(cast.admin)
        with transaction.atomic():
            event = record("patients.chart.read", actor=cast.admin)
        names = ("add", "changelist", "import", "export")
        pages = [reverse(f"admin:scheduling_service_{name}") for name in names]
        pages += [reverse("admin:index"), reverse("admin:app_list", args=["scheduling"]), "/back-office/accounts/user/"]
        pages += [reverse(f"admin:scheduling_service_{name}", args=[service.pk]) for name in ("change", "history")]
        pages += [
            reverse("admin:accounts_user_change", args=[cast.admin.pk]),
            reverse("admin:audit_auditevent_changelist"),
        ]
        pages += [reverse("admin:audit_auditevent_change", args=[event.pk])]
        for page in pages:
            answer = client.get(page)
            assert answer.status_code == 200, page
            found = FORBIDDEN.search(answer.content.decode())
            assert found is None, f"{page}: {found.group()}"
            assert "css/admin.css" in answer.content.decode()

    def test_accounts_are_read_only_and_show_no_password(self, cast, client_for):
        client = client_for(cast.admin)
        page = reverse("admin:accounts_user_change", args=[cast.nurse.pk])
        text = client.get(page).content.decode()
        assert "argon2" not in text
        assert "md5" not in text
        assert client.post(page, {"username": "x"}).status_code == 403
        assert client.get(reverse("admin:accounts_user_add")).status_code == 403

    def test_the_audit_log_is_searched_by_index_and_never_changed(self, cast, client_for):
        with transaction.atomic():
            record("patients.chart.read", actor=cast.nurse, patient=cast.patient_user.patient.pk)
            record("billing.payment.taken", actor=cast.cashier)
        client, page = client_for(cast.admin), reverse("admin:audit_auditevent_changelist")

        def found(query: str) -> int:
            return client.get(f"{page}?{query}").context["cl"].result_count

        assert found("") == 4  # with the admin's own sign-in, and this reading
        for text in ("patients.", "Dewi Anggraini", str(cast.patient_user.patient.pk), cast.nurse.pk.hex):
            assert found(f"q={text}") == 1, text
        assert found("area=billing") == 1
        event = AuditEvent.objects.first()
        assert client.post(reverse("admin:audit_auditevent_change", args=[event.pk]), {}).status_code == 403
        assert client.get(reverse("admin:audit_auditevent_delete", args=[event.pk])).status_code == 403

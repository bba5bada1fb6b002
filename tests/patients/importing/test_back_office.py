"""Insurers and regions as files in the back office; patients go by their own pages."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import AuditEvent
from patients.models import Insurer, Region

pytestmark = pytest.mark.django_db


def imported(client, model: str, text: str):
    """Upload a CSV and confirm its preview; the preview when it cannot be confirmed."""
    upload = SimpleUploadedFile("daftar.csv", text.encode())
    preview = client.post(reverse(f"admin:patients_{model}_import"), {"import_file": upload, "format": "1"})
    if "confirm_form" not in preview.context:
        return preview
    return client.post(reverse(f"admin:patients_{model}_process_import"), preview.context["confirm_form"].initial)


def test_the_list_of_patients_leads_to_the_pages_of_imports(cast, client_for):
    page = client_for(cast.admin).get(reverse("admin:patients_patient_changelist")).content.decode()
    assert reverse("patients:import-list") in page
    assert reverse("patients:export") in page
    assert "/back-office/patients/patient/import" not in page


def test_insurers_come_and_go_as_a_file(cast, client_for):
    client = client_for(cast.admin)
    text = "name,kind,phone,note,is_active\nPrudential,insurance,021-123,,1\nPT Kapal,employer,,'=1+1,1\n"
    assert imported(client, "insurer", text).status_code == 302
    assert set(Insurer.objects.values_list("name", "kind")) >= {("Prudential", "insurance"), ("PT Kapal", "employer")}
    assert AuditEvent.objects.get(action="patients.insurer.imported").detail["new"] == 2
    answer = client.post(
        reverse("admin:patients_insurer_export"),
        {"format": "1", "insurerresource_name": "on", "insurerresource_note": "on"},
    )
    assert "PT Kapal,'=1+1" in answer.content.decode()


def test_regions_find_their_place_by_their_code(cast, client_for):
    client = client_for(cast.admin)
    assert (
        imported(client, "region", "code,name,postal_code,bps_code,is_active\n21.71.99,Kec. Baru,,,1\n").status_code
        == 302
    )
    row = Region.objects.get(code="217199")
    assert (row.level, row.parent_id, row.search_name) == (Region.Level.DISTRICT, "2171", "baru")
    answer = imported(client, "region", "code,name,postal_code,bps_code,is_active\n998877,Tanpa Induk,,,1\n")
    assert answer.status_code == 200
    assert not Region.objects.filter(code="998877").exists()

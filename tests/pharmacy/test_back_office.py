from io import BytesIO

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import AuditEvent
from pharmacy.admin import IMPORTED
from pharmacy.models import Batch, Medicine
from tests.factories.pharmacy import MedicineFactory

pytestmark = pytest.mark.django_db


def form_of(medicine, **changes):
    lists = {"ingredients": "\n".join(medicine.ingredients), "allergen_groups": medicine.allergen_groups}
    data = {name: getattr(medicine, name) for name in IMPORTED} | lists
    return {name: value for name, value in (data | changes).items() if value is not False and value is not None}


def test_the_pharmacist_and_the_doctor_have_no_back_office(cast, client_for):
    medicine = MedicineFactory()
    for person in (cast.pharmacist, cast.doctor):
        for name in ("medicine", "batch", "stockmovement"):
            assert client_for(person).get(reverse(f"admin:pharmacy_{name}_changelist")).status_code == 403
    change = reverse("admin:pharmacy_medicine_change", args=[medicine.pk])
    assert client_for(cast.pharmacist).post(change, form_of(medicine, price_idr=1)).status_code == 403
    medicine.refresh_from_db()
    assert medicine.price_idr == 500


def test_the_list_is_kept_and_quantities_are_not_typed(cast, client_for):
    medicine = MedicineFactory(stock=30)
    change = reverse("admin:pharmacy_medicine_change", args=[medicine.pk])
    client = client_for(cast.admin)
    page = client.get(change).content.decode()
    assert 'name="on_hand"' not in page
    data = form_of(
        medicine, price_idr=650, generic_name="Amoxicillin", ingredients="amoksisilin 500 mg\r\n\r\n",
        allergen_groups=["penisilin"], on_hand="999", reserved="5",
    )  # fmt: skip
    assert client.post(change, data).status_code == 302
    medicine.refresh_from_db()
    assert (medicine.price_idr, medicine.on_hand, medicine.reserved) == (650, 30, 0)
    assert (medicine.ingredients, medicine.allergen_groups) == (["amoksisilin 500 mg"], ["penisilin"])
    assert Medicine.objects.search("amoksi").get() == medicine
    assert AuditEvent.objects.get(action="pharmacy.medicine.changed").target_id == str(medicine.pk)
    assert client.post(change, form_of(medicine, allergen_groups=["palsu"])).status_code == 200
    medicine.refresh_from_db()
    assert medicine.allergen_groups == ["penisilin"]


def test_stock_is_only_looked_at(cast, client_for):
    medicine = MedicineFactory()
    batch, client = medicine.batches.get(), client_for(cast.admin)
    for name, row in (("batch", batch), ("stockmovement", batch.movements.get())):
        assert client.get(reverse(f"admin:pharmacy_{name}_changelist")).status_code == 200
        change = reverse(f"admin:pharmacy_{name}_change", args=[row.pk])
        assert client.get(change).status_code == 200
        assert client.post(change, {"quantity": "1"}).status_code == 403
        assert client.post(reverse(f"admin:pharmacy_{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        assert client.get(reverse(f"admin:pharmacy_{name}_add")).status_code == 403
    assert Batch.objects.get().quantity == 100


def test_export_and_import_again(cast, client_for):
    medicine = MedicineFactory(generic_name="Amoksisilin", ingredients=["amoksisilin 500 mg", "asam klavulanat 125 mg"],
                               allergen_groups=["penisilin"])  # fmt: skip
    client = client_for(cast.admin)
    page = client.post(
        reverse("admin:pharmacy_medicine_export"),
        {"format": "0", **{f"medicineresource_{name}": "on" for name in IMPORTED}},
    )
    sheet = openpyxl.load_workbook(BytesIO(page.content)).active
    head, row = list(sheet.iter_rows(values_only=True))
    values = dict(zip(head, row, strict=True))
    assert values["ingredients"] == "amoksisilin 500 mg|asam klavulanat 125 mg"
    assert "on_hand" not in values
    values |= {"price_idr": 900, "allergen_groups": "penisilin|sulfonamida", "on_hand": 999}
    book = openpyxl.Workbook()
    book.active.append(list(values))
    book.active.append(list(values.values()))
    out = BytesIO()
    book.save(out)
    upload = SimpleUploadedFile("obat.xlsx", out.getvalue())
    preview = client.post(reverse("admin:pharmacy_medicine_import"), {"import_file": upload, "format": "0"})
    confirm = preview.context["confirm_form"].initial
    assert client.post(reverse("admin:pharmacy_medicine_process_import"), confirm).status_code == 302
    medicine.refresh_from_db()
    assert (medicine.price_idr, medicine.allergen_groups, medicine.on_hand) == (900, ["penisilin", "sulfonamida"], 100)

"""Put the shipped consent texts and BPJS Kesehatan in place. Safe to run again; nothing that is there is changed."""

from django.db import migrations
from django.utils import timezone

from patients.shipped_consents import SHIPPED


def fill(apps, schema_editor):
    text, insurer = apps.get_model("patients", "ConsentText"), apps.get_model("patients", "Insurer")
    for one in SHIPPED:
        if not text.objects.filter(kind=one.kind).exists():
            text.objects.create(
                kind=one.kind, version=1, title_id=one.title_id, body_id=one.body_id, title_en=one.title_en,
                body_en=one.body_en, published_at=timezone.now(),
            )  # fmt: skip
    if not insurer.objects.filter(kind="bpjs").exists():
        insurer.objects.get_or_create(name="BPJS Kesehatan", defaults={"kind": "bpjs", "phone": "165"})


class Migration(migrations.Migration):
    dependencies = [("patients", "0009_consent_evidence")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]

import core.encryption
import core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GuardianLink",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "relationship",
                    models.CharField(
                        choices=[
                            ("PRN", "Parent"),
                            ("GUARD", "Legal guardian"),
                            ("SPS", "Husband or wife"),
                            ("CHILD", "Son or daughter"),
                            ("O", "Other family or carer"),
                        ],
                        max_length=10,
                        verbose_name="relationship",
                    ),
                ),
                ("asked_name", core.encryption.EncryptedCharField(blank=True, default="")),
                ("asked_birth_date", core.encryption.EncryptedDateField(blank=True, null=True)),
                (
                    "proof",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("family_card", "Family card (KK)"),
                            ("birth_certificate", "Birth certificate"),
                            ("court_order", "Court order"),
                            ("power_of_attorney", "Identity card and power of attorney"),
                        ],
                        default="",
                        max_length=20,
                        verbose_name="kind of proof",
                    ),
                ),
                ("proof_note", core.encryption.EncryptedTextField(blank=True, default="")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Waiting for proof"),
                            ("active", "Active"),
                            ("rejected", "Rejected"),
                            ("ended", "Ended"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                (
                    "is_active",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(status="active", then=models.Value(1)),
                            default=models.Value(None),
                            output_field=models.SmallIntegerField(),
                        ),
                        null=True,
                        output_field=models.SmallIntegerField(null=True),
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("proven_at", models.DateTimeField(blank=True, null=True)),
                ("ends_on", core.encryption.EncryptedDateField(blank=True, null=True)),
                ("is_for_child", models.BooleanField(default=False)),
                ("announced_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("reason", core.encryption.EncryptedCharField(blank=True, default="")),
            ],
        ),
        migrations.AddField(
            model_name="guardianlink",
            name="dependant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="guardian_links",
                to="patients.patient",
            ),
        ),
        migrations.AddField(
            model_name="guardianlink",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="guardianlink",
            name="guardian",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="guardian_links", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="guardianlink",
            name="proven_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="guardianlink",
            name="requested_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="guardianlink",
            index=models.Index(fields=["guardian", "status"], name="guardian_link_guardian_idx"),
        ),
        migrations.AddIndex(
            model_name="guardianlink",
            index=models.Index(fields=["dependant", "status"], name="guardian_link_dependant_idx"),
        ),
        migrations.AddIndex(
            model_name="guardianlink",
            index=models.Index(fields=["status", "id"], name="guardian_link_status_idx"),
        ),
        migrations.AddConstraint(
            model_name="guardianlink",
            constraint=models.UniqueConstraint(
                fields=("guardian", "dependant", "is_active"), name="guardian_link_active_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="guardianlink",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "active"), _negated=True),
                    models.Q(("dependant__isnull", False), ("proven_at__isnull", False), ("proven_by__isnull", False)),
                    _connector="OR",
                ),
                name="guardian_link_active_is_proven",
            ),
        ),
    ]

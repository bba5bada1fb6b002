"""Emergency accesses and their review."""

import core.encryption
import core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("patients", "0004_care_sources"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EmergencyAccess',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason_code', models.CharField(choices=[('life_threat', 'Life or limb is in danger'), ('unconscious', 'The patient cannot tell their history'), ('cover', 'Standing in for the doctor or nurse in charge'), ('consulted', 'A colleague asks for advice now'), ('other', 'Another urgent reason')], max_length=12, verbose_name='reason')),
                ('reason_text', core.encryption.EncryptedTextField(verbose_name='what happened')),
                ('started_at', models.DateTimeField(verbose_name='started')),
                ('ends_at', models.DateTimeField(verbose_name='ends')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('running', models.GeneratedField(db_persist=True, expression=models.Case(models.When(ended_at__isnull=True, then=models.Value(1)), default=models.Value(None), output_field=models.SmallIntegerField()), null=True, output_field=models.SmallIntegerField(null=True))),
                ('address_hash', models.CharField(blank=True, default='', max_length=64)),
                ('reviewed_at', models.DateTimeField(blank=True, null=True, verbose_name='reviewed')),
                ('outcome', models.CharField(blank=True, choices=[('justified', 'Justified'), ('not_justified', 'Not justified')], default='', max_length=14, verbose_name='outcome')),
                ('review_note', core.encryption.EncryptedTextField(blank=True, default='', verbose_name='remark')),
            ],
        ),
        migrations.AddField(
            model_name='emergencyaccess',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='emergency_accesses', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='emergencyaccess',
            name='reviewed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='emergencyaccess',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='emergency_accesses', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='emergencyaccess',
            index=models.Index(fields=['user', 'ends_at'], name='emergency_user_idx'),
        ),
        migrations.AddIndex(
            model_name='emergencyaccess',
            index=models.Index(fields=['reviewed_at', 'started_at'], name='emergency_review_idx'),
        ),
        migrations.AddConstraint(
            model_name='emergencyaccess',
            constraint=models.UniqueConstraint(fields=('user', 'patient', 'running'), name='emergency_running_once'),
        ),
        migrations.AddConstraint(
            model_name='emergencyaccess',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('started_at'))), name='emergency_ends_later'),
        ),
    ]

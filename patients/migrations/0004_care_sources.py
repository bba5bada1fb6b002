"""Care relationships with a reason each, and an end."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("patients", "0003_second_blind_columns")]

    operations = [
        migrations.RemoveConstraint(
            model_name='careteammember',
            name='care_team_member_once',
        ),
        migrations.RemoveIndex(
            model_name='careteammember',
            name='care_team_member_idx',
        ),
        migrations.AddField(
            model_name='careteammember',
            name='ends_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='careteammember',
            name='source',
            field=models.CharField(choices=[('assigned', 'Assigned'), ('appointment', 'Approved appointment'), ('visit', 'Visit'), ('prescription', 'Prescription'), ('order', 'Order'), ('emergency', 'Emergency access')], default='assigned', max_length=12),
        ),
        migrations.AddField(
            model_name='careteammember',
            name='source_id',
            field=models.UUIDField(default=uuid.UUID('00000000-0000-0000-0000-000000000000')),
        ),
        migrations.AddIndex(
            model_name='careteammember',
            index=models.Index(fields=['member', 'patient', 'ends_at'], name='care_team_member_idx'),
        ),
        migrations.AddIndex(
            model_name='careteammember',
            index=models.Index(fields=['source_id'], name='care_team_source_idx'),
        ),
        migrations.AddConstraint(
            model_name='careteammember',
            constraint=models.UniqueConstraint(fields=('patient', 'member', 'source', 'source_id'), name='care_team_reason_once'),
        ),
    ]

"""Every booking has a code now, and priority has a kind."""

from django.db import migrations, models

import scheduling.models.appointments


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0003_carry_the_day_over")]

    operations = [
        migrations.AlterField(
            model_name="appointment",
            name="code",
            field=models.CharField(
                default=scheduling.models.appointments.booking_code, max_length=10, unique=True
            ),
        ),
        migrations.RemoveField(model_name="visit", name="is_priority"),
    ]

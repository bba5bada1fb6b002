from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0016_data_request_facts"),
    ]

    operations = [
        migrations.AddField(
            model_name="patientdocument",
            name="version",
            field=models.PositiveIntegerField(default=1),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0003_attachments'),
    ]

    operations = [
        migrations.AlterField(
            model_name='email',
            name='status',
            field=models.CharField(choices=[('queued', 'Queued'), ('claimed', 'Being prepared'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Failed'), ('uncertain', 'Unknown, please check'), ('withdrawn', 'No longer needed')], default='queued', max_length=10),
        ),
    ]

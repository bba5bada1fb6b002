"""Series, absences, lines, waiting list, stations, calls, screens and reminders; what exists is carried over by the next."""

import core.encryption
import core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0016_data_request_facts'),
        ('scheduling', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AppointmentLine',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('price_idr', models.PositiveBigIntegerField()),
                ('duration_minutes', models.PositiveSmallIntegerField()),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='AppointmentMove',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', core.encryption.EncryptedTextField(blank=True, default='')),
                ('moved_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='CalendarFeed',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('token_digest', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('last_read_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ClinicHours',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('weekdays', models.JSONField(blank=True, default=list, verbose_name='days of the week')),
                ('first_on', models.DateField(blank=True, null=True, verbose_name='from')),
                ('last_on', models.DateField(blank=True, null=True, verbose_name='until')),
                ('opens_at', models.TimeField(blank=True, null=True, verbose_name='opens')),
                ('closes_at', models.TimeField(blank=True, null=True, verbose_name='closes')),
                ('break_starts_at', models.TimeField(blank=True, null=True, verbose_name='break from')),
                ('break_ends_at', models.TimeField(blank=True, null=True, verbose_name='break until')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'hours of the clinic',
                'verbose_name_plural': 'hours of the clinic',
                'ordering': ['first_on', 'name'],
            },
        ),
        migrations.CreateModel(
            name='DeviceLink',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('board', 'Waiting-room board'), ('kiosk', 'Kiosk')], max_length=8, verbose_name='kind')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('token_digest', models.CharField(max_length=64, unique=True)),
                ('speaks', models.BooleanField(default=True, verbose_name='calls with a voice')),
                ('created_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('last_seen_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'screen',
                'verbose_name_plural': 'screens',
            },
        ),
        migrations.CreateModel(
            name='Holiday',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('date', models.DateField(unique=True, verbose_name='date')),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('kind', models.CharField(choices=[('national', 'National holiday'), ('joint_leave', 'Joint leave'), ('local', 'Holiday of the clinic')], max_length=12, verbose_name='kind')),
                ('closes_clinic', models.BooleanField(default=True, verbose_name='the clinic is closed')),
            ],
            options={
                'verbose_name': 'holiday',
                'verbose_name_plural': 'holidays',
                'ordering': ['date'],
            },
        ),
        migrations.CreateModel(
            name='QueueEvent',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('call', 'Called'), ('recall', 'Called again'), ('start', 'Began'), ('skip', 'Did not answer'), ('requeue', 'Back in the queue'), ('send_back', 'Sent back'), ('transfer', 'Transferred'), ('finish', 'Finished')], max_length=10)),
                ('at', models.DateTimeField()),
                ('before', models.JSONField(default=dict)),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='QueueStep',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('queue_on', models.DateField()),
                ('stage', models.CharField(choices=[('registration', 'Registration'), ('nurse', 'Nurse'), ('doctor', 'Doctor'), ('laboratory', 'Laboratory'), ('radiology', 'Radiology'), ('pharmacy', 'Pharmacy'), ('cashier', 'Cashier')], max_length=14)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('called', 'Called'), ('serving', 'Being served'), ('skipped', 'Did not answer'), ('done', 'Done'), ('cancelled', 'Cancelled')], default='waiting', max_length=10)),
                ('open', models.GeneratedField(db_persist=True, expression=models.Case(models.When(state__in=['done', 'cancelled'], then=models.Value(None)), default=models.Value(1), output_field=models.SmallIntegerField()), null=True, output_field=models.SmallIntegerField(null=True))),
                ('priority', models.CharField(blank=True, choices=[('', 'None'), ('emergency', 'Emergency'), ('elderly', 'Elderly'), ('pregnant', 'Pregnant'), ('disabled', 'Disability'), ('other', 'Other reason')], default='', max_length=10)),
                ('due_at', models.DateTimeField()),
                ('entered_at', models.DateTimeField()),
                ('called_at', models.DateTimeField(blank=True, null=True)),
                ('call_count', models.PositiveSmallIntegerField(default=0)),
                ('skip_count', models.PositiveSmallIntegerField(default=0)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('estimated_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Reminder',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('starts_at', models.DateTimeField()),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('whatsapp', "WhatsApp, sent by the clinic's staff"), ('none', 'No reminders')], max_length=10)),
                ('created_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ReminderPreference',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('whatsapp', "WhatsApp, sent by the clinic's staff"), ('none', 'No reminders')], max_length=10, verbose_name='remind by')),
                ('changed_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SessionSeries',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('weekdays', models.JSONField(verbose_name='days of the week')),
                ('every_weeks', models.PositiveSmallIntegerField(default=1, verbose_name='every how many weeks')),
                ('first_on', models.DateField(verbose_name='from')),
                ('until', models.DateField(verbose_name='until')),
                ('except_on', models.JSONField(default=list, verbose_name='except on')),
                ('start_time', models.TimeField(verbose_name='start')),
                ('slot_minutes', models.PositiveSmallIntegerField(verbose_name='slot length in minutes')),
                ('gap_minutes', models.PositiveSmallIntegerField(default=0, verbose_name='gap in minutes')),
                ('slot_count', models.PositiveSmallIntegerField(verbose_name='number of slots')),
                ('breaks', models.JSONField(default=list, verbose_name='fixed breaks')),
                ('status', models.CharField(choices=[('pending', 'Waiting for approval'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('ended', 'Ended')], default='pending', max_length=10)),
                ('reason', models.CharField(blank=True, default='', max_length=300)),
                ('proposed_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'weekly sessions',
                'verbose_name_plural': 'weekly sessions',
            },
        ),
        migrations.CreateModel(
            name='Station',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=40, unique=True, verbose_name='name')),
                ('stage', models.CharField(choices=[('registration', 'Registration'), ('nurse', 'Nurse'), ('doctor', 'Doctor'), ('laboratory', 'Laboratory'), ('radiology', 'Radiology'), ('pharmacy', 'Pharmacy'), ('cashier', 'Cashier')], max_length=14, verbose_name='stage')),
                ('spoken', models.CharField(choices=[('pendaftaran', 'Registration'), ('perawat', "Nurse's room"), ('ruang', 'Room'), ('loket', 'Counter'), ('poli-umum', 'General clinic'), ('poli-tht', 'Ear, nose and throat clinic'), ('poli-gigi', 'Dental clinic'), ('poli-anak', "Children's clinic"), ('poli-kandungan', 'Obstetrics and gynaecology clinic'), ('poli-penyakit-dalam', 'Internal medicine clinic'), ('laboratorium', 'Laboratory'), ('radiologi', 'Radiology'), ('farmasi', 'Pharmacy'), ('kasir', 'Cashier')], max_length=24, verbose_name='as the voice says it')),
                ('spoken_number', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='number after it')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('order', models.PositiveSmallIntegerField(default=0, verbose_name='order')),
            ],
            options={
                'verbose_name': 'station',
                'verbose_name_plural': 'stations',
                'ordering': ['order', 'name'],
            },
        ),
        migrations.CreateModel(
            name='TimeOff',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('leave', 'Leave'), ('blocked', 'Blocked hours')], max_length=10, verbose_name='kind')),
                ('starts_at', models.DateTimeField(verbose_name='start')),
                ('ends_at', models.DateTimeField(verbose_name='end')),
                ('note', models.CharField(blank=True, default='', max_length=200, verbose_name='note')),
                ('created_at', models.DateTimeField()),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='VisitLine',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('price_idr', models.PositiveBigIntegerField()),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='WaitlistEntry',
            fields=[
                ('id', models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('first_on', models.DateField(verbose_name='from')),
                ('last_on', models.DateField(verbose_name='until')),
                ('part', models.CharField(choices=[('any', 'Any time of day'), ('morning', 'Morning'), ('midday', 'Midday'), ('afternoon', 'Afternoon')], default='any', max_length=10, verbose_name='time of day')),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('offered', 'A time is offered'), ('booked', 'Booked'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired')], default='waiting', max_length=10)),
                ('created_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name='appointment',
            name='code',
            field=models.CharField(max_length=10, null=True),
        ),
        migrations.AddField(
            model_name='appointment',
            name='held_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='appointment',
            name='sequence',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='practicesession',
            name='delay_minutes',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='practicesession',
            name='version',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='service',
            name='doctors',
            field=models.ManyToManyField(blank=True, help_text='Nobody chosen: every doctor of the specialty.', related_name='offered_services', to=settings.AUTH_USER_MODEL, verbose_name='doctors'),
        ),
        migrations.AddField(
            model_name='slot',
            name='is_closed',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='visit',
            name='arrived_by',
            field=models.CharField(choices=[('desk', 'Reception'), ('kiosk', 'Kiosk'), ('phone', "The patient's phone, on site")], default='desk', max_length=10),
        ),
        migrations.AddField(
            model_name='visit',
            name='priority',
            field=models.CharField(blank=True, choices=[('', 'None'), ('emergency', 'Emergency'), ('elderly', 'Elderly'), ('pregnant', 'Pregnant'), ('disabled', 'Disability'), ('other', 'Other reason')], default='', max_length=10, verbose_name='priority'),
        ),
        # A generated column is not altered but made anew.
        migrations.RemoveConstraint(model_name='appointment', name='appointment_slot_once'),
        migrations.RemoveField(model_name='appointment', name='active'),
        migrations.AddField(
            model_name='appointment',
            name='active',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(status__in=['rejected', 'cancelled', 'no_show', 'expired'], then=models.Value(None)), default=models.Value(1), output_field=models.SmallIntegerField()), null=True, output_field=models.SmallIntegerField(null=True)),
        ),
        migrations.AddConstraint(
            model_name='appointment',
            constraint=models.UniqueConstraint(fields=('slot', 'active'), name='appointment_slot_once'),
        ),
        migrations.AlterField(
            model_name='appointment',
            name='source',
            field=models.CharField(choices=[('portal', 'Patient portal'), ('reception', 'Reception'), ('phone', 'Telephone'), ('follow_up', 'Follow-up by the doctor'), ('waitlist', 'Waiting list')], max_length=10),
        ),
        migrations.AlterField(
            model_name='appointment',
            name='status',
            field=models.CharField(choices=[('pending', 'Waiting for approval'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('cancelled', 'Cancelled'), ('arrived', 'Arrived'), ('finished', 'Finished'), ('no_show', 'Did not come'), ('offered', 'Offered from the waiting list'), ('expired', 'Not decided in time')], default='pending', max_length=10),
        ),
        migrations.AlterField(
            model_name='practicesession',
            name='status',
            field=models.CharField(choices=[('pending', 'Waiting for approval'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('completion_requested', 'Completion requested'), ('completed', 'Completed'), ('cancelled', 'Cancelled')], default='pending', max_length=24),
        ),
        migrations.AlterField(
            model_name='queueticket',
            name='visit',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='ticket', to='scheduling.visit'),
        ),
        migrations.AlterField(
            model_name='visit',
            name='checked_in_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='visit',
            name='status',
            field=models.CharField(choices=[('arrived', 'Arrived'), ('triage', 'With the nurse'), ('waiting', 'Waiting for the doctor'), ('in_consultation', 'With the doctor'), ('laboratory', 'At the laboratory'), ('radiology', 'At radiology'), ('pharmacy', 'At the pharmacy'), ('cashier', 'At the cashier'), ('finished', 'Finished'), ('cancelled', 'Cancelled')], default='arrived', max_length=16),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(fields=['status', 'held_until'], name='appointment_held_idx'),
        ),
        migrations.AddField(
            model_name='appointmentline',
            name='appointment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='appointmentline',
            name='service',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='scheduling.service'),
        ),
        migrations.AddField(
            model_name='appointmentmove',
            name='appointment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='appointmentmove',
            name='from_slot',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='scheduling.slot'),
        ),
        migrations.AddField(
            model_name='appointmentmove',
            name='moved_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='appointmentmove',
            name='to_slot',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='scheduling.slot'),
        ),
        migrations.AddField(
            model_name='calendarfeed',
            name='doctor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='calendar_feeds', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='devicelink',
            name='created_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='devicelink',
            name='revoked_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='queueevent',
            name='actor',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='queuestep',
            name='doctor',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='queuestep',
            name='ticket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='scheduling.queueticket'),
        ),
        migrations.AddField(
            model_name='queuestep',
            name='visit',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='scheduling.visit'),
        ),
        migrations.AddField(
            model_name='queueevent',
            name='step',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='scheduling.queuestep'),
        ),
        migrations.AddField(
            model_name='reminder',
            name='appointment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='reminder',
            name='done_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='reminderpreference',
            name='patient',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='reminder_preference', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='sessionseries',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='sessionseries',
            name='doctor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='session_series', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='sessionseries',
            name='service',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='session_series', to='scheduling.service'),
        ),
        migrations.AddField(
            model_name='practicesession',
            name='series',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sessions', to='scheduling.sessionseries'),
        ),
        migrations.AddField(
            model_name='sessionseries',
            name='station',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='session_series', to='scheduling.station'),
        ),
        migrations.AddField(
            model_name='queuestep',
            name='station',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='scheduling.station'),
        ),
        migrations.AddField(
            model_name='queueevent',
            name='station',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='scheduling.station'),
        ),
        migrations.AddField(
            model_name='devicelink',
            name='stations',
            field=models.ManyToManyField(blank=True, related_name='+', to='scheduling.station'),
        ),
        migrations.AddField(
            model_name='practicesession',
            name='station',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='practice_sessions', to='scheduling.station'),
        ),
        migrations.AddField(
            model_name='timeoff',
            name='cancelled_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='timeoff',
            name='created_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='timeoff',
            name='doctor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='times_off', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='visitline',
            name='service',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='scheduling.service'),
        ),
        migrations.AddField(
            model_name='visitline',
            name='visit',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='scheduling.visit'),
        ),
        migrations.AddField(
            model_name='waitlistentry',
            name='created_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='waitlistentry',
            name='doctor',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='waitlistentry',
            name='offer',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='waitlist_entry', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='waitlistentry',
            name='patient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waitlist_entries', to='patients.patient'),
        ),
        migrations.AddField(
            model_name='waitlistentry',
            name='service',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='waitlist_entries', to='scheduling.service'),
        ),
        migrations.AddConstraint(
            model_name='appointmentline',
            constraint=models.UniqueConstraint(fields=('appointment', 'service'), name='appointment_service_once'),
        ),
        migrations.AddIndex(
            model_name='calendarfeed',
            index=models.Index(fields=['doctor', 'revoked_at'], name='calendar_feed_doctor_idx'),
        ),
        migrations.AddIndex(
            model_name='reminder',
            index=models.Index(fields=['starts_at', 'done_at'], name='reminder_open_idx'),
        ),
        migrations.AddConstraint(
            model_name='reminder',
            constraint=models.UniqueConstraint(fields=('appointment', 'starts_at'), name='reminder_once'),
        ),
        migrations.AddIndex(
            model_name='sessionseries',
            index=models.Index(fields=['doctor', 'until'], name='series_doctor_idx'),
        ),
        migrations.AddIndex(
            model_name='queuestep',
            index=models.Index(fields=['queue_on', 'stage', 'state'], name='queue_step_stage_idx'),
        ),
        migrations.AddIndex(
            model_name='queuestep',
            index=models.Index(fields=['doctor', 'queue_on', 'state'], name='queue_step_doctor_idx'),
        ),
        migrations.AddConstraint(
            model_name='queuestep',
            constraint=models.UniqueConstraint(fields=('ticket', 'open'), name='queue_step_open_once'),
        ),
        migrations.AddIndex(
            model_name='queueevent',
            index=models.Index(fields=['at'], name='queue_event_at_idx'),
        ),
        migrations.AddIndex(
            model_name='timeoff',
            index=models.Index(fields=['doctor', 'starts_at'], name='time_off_doctor_idx'),
        ),
        migrations.AddConstraint(
            model_name='visitline',
            constraint=models.UniqueConstraint(fields=('visit', 'service'), name='visit_service_once'),
        ),
        migrations.AddIndex(
            model_name='waitlistentry',
            index=models.Index(fields=['status', 'service', 'id'], name='waitlist_order_idx'),
        ),
    ]

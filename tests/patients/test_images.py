"""Photo and identity card: cut and scaled by the server, the old one really gone, shown to the right people."""

import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from io import BytesIO

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from audit.models import AuditEvent
from core import files, uploads
from core.errors import NotPermitted
from core.models import StoredFile
from patients.errors import PatientMerged, PatientNotFound
from patients.models import GuardianLink, Patient, PatientImage
from patients.persons import SESSION_KEY
from patients.services import images
from tests.core import hostile_files as hostile
from tests.core.test_files import as_local, names
from tests.factories import documents as made
from tests.factories.patients import GuardianLinkFactory, PatientFactory


@pytest.fixture
def patient(cast):
    return PatientFactory(care_team=[cast.doctor])


def stored(patient):
    return Patient.objects.get(pk=patient.pk)


def picture_of(stored_file):
    return Image.open(BytesIO(files.read(stored_file)))


def put(client, patient, kind="photo", data=None):
    return client.post(reverse("patients:image-edit", args=[patient.pk, kind]), {"picture": data or made.picture()})


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_a_photo_is_a_square_of_512_with_a_small_one_of_96(cast, patient):
    image = made.image(patient, cast.receptionist, data=hostile.jpeg(1400, 900))
    assert (picture_of(image.file).size, picture_of(image.thumbnail).size) == ((512, 512), (96, 96))
    assert stored(patient).photo_key == image.pk


def test_without_script_the_middle_is_kept(cast, patient):
    wide = Image.new("RGB", (900, 300), (255, 0, 0))
    wide.paste((0, 0, 255), (300, 0, 600, 300))
    image = made.image(patient, cast.receptionist, data=hostile.saved(wide, "PNG"))
    red, _green, blue = picture_of(image.file).convert("RGB").getpixel((8, 150))
    assert blue > 200 > 60 > red


def test_a_card_keeps_its_shape(cast, patient):
    image = made.image(patient, cast.receptionist, kind="ktp", data=hostile.jpeg(3200, 2000))
    assert (picture_of(image.file).size, image.thumbnail) == ((1600, 1000), None)
    assert stored(patient).photo_key is None


def test_the_place_of_a_phone_photo_is_gone(cast, patient):
    image = made.image(patient, cast.receptionist, data=hostile.photo_with_place())
    for one in (image.file, image.thumbnail):
        assert b"CANARY" not in files.read(one)
        assert not picture_of(one).getexif()


# --- Replacing and removing ---------------------------------------------------------------------------------------------


def test_replacing_takes_the_old_picture_out_of_the_storage(
    cast, patient, settings, tmp_path, django_capture_on_commit_callbacks
):
    as_local(settings, tmp_path)
    storage = storages["files"]
    old = made.image(patient, cast.receptionist)
    before = names(storage)
    assert len(before) == 2
    ready = images.ready_image(kind="photo", upload=uploads.check_image(hostile.png()))
    with django_capture_on_commit_callbacks(execute=True):
        new = images.set_image(patient_id=patient.pk, ready=ready, actor=cast.doctor)
        assert set(before) <= set(names(storage)), "not before the commit"
    assert set(names(storage)) == {new.file.name, new.thumbnail.name}
    assert PatientImage.objects.get().pk == new.pk != old.pk
    assert StoredFile.objects.count() == 2
    actions = AuditEvent.objects.filter(action__startswith="patients.image.").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["patients.image.added", "patients.image.replaced"]


def test_removing_takes_everything(cast, client_for, patient, django_capture_on_commit_callbacks):
    image = made.image(patient, cast.receptionist)
    url = reverse("patients:image-remove", args=[patient.pk, "photo"])
    with django_capture_on_commit_callbacks(execute=True):
        assert client_for(cast.receptionist).post(url).status_code == 302
    assert (stored(patient).photo_key, PatientImage.objects.count(), StoredFile.objects.count()) == (None, 0, 0)
    assert not storages["files"].exists(image.file.name)
    client_for(cast.receptionist).post(url)
    assert AuditEvent.objects.filter(action="patients.image.removed").count() == 1, "nothing there, nothing written"


@pytest.mark.django_db(transaction=True)
def test_a_rollback_keeps_the_old_picture(cast):
    patient = PatientFactory()
    old = made.image(patient, cast.receptionist)
    ready = images.ready_image(kind="photo", upload=uploads.check_image(hostile.png()))
    with transaction.atomic():
        images.set_image(patient_id=patient.pk, ready=ready, actor=cast.doctor)
        transaction.set_rollback(True)
    image = PatientImage.objects.get()
    assert (image.pk, stored(patient).photo_key) == (old.pk, old.pk)
    assert files.read(image.file)
    assert files.read(image.thumbnail)


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import django
django.setup()
from core import files
files._delete_blob = lambda name: os.kill(os.getpid(), signal.SIGKILL)
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[2]
from accounts.models import User
from patients.services import images
images.remove_image(patient_id=sys.argv[3], kind="photo", actor=User.objects.get(pk=sys.argv[4]))
"""


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_process_leaves_in_the_storage_is_swept(cast, settings, tmp_path):
    """Killed between the commit and the deletion: the row and with it the key are gone, the blob opens for nobody."""
    as_local(settings, tmp_path)
    patient = PatientFactory()
    image = made.image(patient, cast.receptionist)
    name = image.file.name
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "emr.settings.test"}
    arguments = [
        str(settings.BASE_DIR),
        str(connection.settings_dict["NAME"]),
        str(patient.pk),
        str(cast.receptionist.pk),
    ]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], env=environment, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-2000:]
    assert (PatientImage.objects.count(), StoredFile.objects.count()) == (0, 0)
    storage = storages["files"]
    assert name in names(storage)
    assert files.sweep_orphans(older_than=timedelta(days=-4000)).removed == 2  # storages know the real time only
    assert names(storage) == []


def test_two_at_once_leave_one_photo(cast, patient, race):
    ready = [
        images.ready_image(kind="photo", upload=uploads.check_image(data)) for data in (hostile.png(), hostile.jpeg())
    ]
    results = race(
        lambda one: images.set_image(patient_id=patient.pk, ready=one, actor=cast.receptionist),
        [(one,) for one in ready],
    )
    assert [type(one) for one in results] == [PatientImage, PatientImage]
    image = PatientImage.objects.get()
    assert stored(patient).photo_key == image.pk
    assert StoredFile.objects.count() == 2
    assert files.read(image.file)
    assert files.read(image.thumbnail)


def test_no_picture_for_records_that_are_not_there(cast, patient):
    ready = images.ready_image(kind="photo", upload=uploads.check_image(hostile.png()))
    Patient.objects.filter(pk=patient.pk).update(status=Patient.Status.MERGED)
    with pytest.raises(PatientMerged):
        images.set_image(patient_id=patient.pk, ready=ready, actor=cast.receptionist)
    with pytest.raises(PatientNotFound):
        images.remove_image(patient_id=cast.receptionist.pk, kind="photo", actor=cast.receptionist)


# --- Who sees what --------------------------------------------------------------------------------------------------------


def test_the_photo_is_for_those_who_see_the_patient(cast, client_for, patient):
    image = made.image(patient, cast.receptionist)
    url = reverse("patients:photo", args=[patient.pk, image.pk])
    for user, status in (
        (cast.doctor, 200), (cast.receptionist, 200), (cast.cashier, 200), (cast.other_doctor, 404), (cast.owner, 403),
        (cast.patient_user, 404),
    ):  # fmt: skip
        assert client_for(user).get(url).status_code == status, user
    answer = client_for(cast.doctor).get(url)
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("image/jpeg", "no-store, private")


def test_an_address_shows_one_photo_of_one_patient(cast, client_for, patient):
    image = made.image(patient, cast.receptionist)
    other = PatientFactory()
    client = client_for(cast.receptionist)
    assert client.get(reverse("patients:photo", args=[other.pk, image.pk])).status_code == 404
    card = made.image(patient, cast.receptionist, kind="ktp")
    for name in ("photo", "photo-large"):
        assert client.get(reverse(f"patients:{name}", args=[patient.pk, card.pk])).status_code == 404, (
            "a card is no photo"
        )
    made.image(patient, cast.receptionist)
    assert client.get(reverse("patients:photo", args=[patient.pk, image.pk])).status_code == 404, "replaced"


def test_each_look_at_a_card_is_written_down(cast, client_for, patient):
    card = made.image(patient, cast.receptionist, kind="ktp")
    url = reverse("patients:identity-card", args=[patient.pk, card.pk])
    for user in (cast.doctor, cast.cashier):
        assert client_for(user).get(url).status_code == 403
    client = client_for(cast.receptionist)
    for _look in range(2):
        assert client.get(url).status_code == 200
    seen = AuditEvent.objects.filter(action="patients.image.viewed")
    assert [(event.actor_id, str(event.patient_id)) for event in seen] == [(cast.receptionist.pk, str(patient.pk))] * 2


def test_a_nurse_may_take_a_card_and_not_look_at_it(cast, client_for, patient):
    client = client_for(cast.doctor)
    assert put(client, patient, "ktp").status_code == 302
    page = client.get(reverse("patients:documents", args=[patient.pk])).content.decode()
    card = PatientImage.objects.get(kind="ktp")
    assert reverse("patients:identity-card", args=[patient.pk, card.pk]) not in page


def test_the_photo_stands_in_header_and_search(cast, client_for, patient):
    image = made.image(patient, cast.receptionist)
    address = reverse("patients:photo", args=[patient.pk, image.pk])
    client = client_for(cast.receptionist)
    page = client.get(reverse("patients:detail", args=[patient.pk])).content.decode()
    assert f'src="{address}" alt="" loading="lazy"' in page
    assert reverse("patients:image-edit", args=[patient.pk, "photo"]) in page
    found = client.post(reverse("patients:search"), {"q": patient.record_number}, follow=True).content.decode()
    assert address in found
    cashier = client_for(cast.cashier).get(reverse("patients:detail", args=[patient.pk])).content.decode()
    assert address in cashier
    assert reverse("patients:image-edit", args=[patient.pk, "photo"]) not in cashier


def test_photos_cost_lists_nothing(cast, client_for):
    client, counts = client_for(cast.receptionist), []
    for number in range(6):
        patient = PatientFactory(full_name=f"Rahayu {'abcdef'[number]}")
        if number % 2:
            made.image(patient, cast.receptionist)
        if number in (1, 5):
            with CaptureQueriesContext(connection) as queries:
                answer = client.post(reverse("patients:search"), {"q": "Rahayu"}, follow=True)
            assert answer.content.decode().count("/photo/") == (number + 1) // 2
            counts.append(len(queries))
    assert counts[0] == counts[1], counts


@pytest.mark.parametrize("kind", ["passport", "PHOTO", "photo-ktp"])
def test_other_kinds_do_not_exist(cast, client_for, patient, kind):
    client, portal = client_for(cast.receptionist), client_for(cast.patient_user)
    assert client.get(reverse("patients:image-edit", args=[patient.pk, kind])).status_code == 404
    assert client.post(reverse("patients:image-remove", args=[patient.pk, kind])).status_code == 404
    assert portal.post(reverse("patients:portal-image-set", args=[kind])).status_code == 404


# --- Portal ---------------------------------------------------------------------------------------------------------------


def test_patients_give_and_take_back_their_own(cast, client_for):
    client, patient = client_for(cast.patient_user), cast.patient_user.patient
    for kind in ("photo", "ktp"):
        answer = client.post(
            reverse("patients:portal-image-set", args=[kind]), {f"{kind}-picture": made.picture(), "person": patient.pk}
        )
        assert answer.status_code == 302
        image = PatientImage.objects.get(kind=kind)
        assert (image.patient, image.uploaded_by) == (patient, cast.patient_user)
        url = reverse("patients:portal-image", args=[kind, image.pk])
        assert client.get(url).status_code == 200
        assert client_for(cast.other_patient_user).get(url).status_code == 404
    assert AuditEvent.objects.filter(action="patients.image.viewed").count() == 1
    for kind in ("photo", "ktp"):
        assert (
            client.post(reverse("patients:portal-image-remove", args=[kind]), {"person": patient.pk}).status_code == 302
        )
    assert not PatientImage.objects.exists()


def test_a_bad_picture_says_why_and_keeps_the_old_one(cast, client_for):
    patient = cast.patient_user.patient
    old = made.image(patient, cast.receptionist)
    answer = client_for(cast.patient_user).post(
        reverse("patients:portal-image-set", args=["photo"]), {"photo-picture": made.Sent("a.jpg", b"<html>")}
    )
    assert answer.status_code == 422
    assert answer.context["parts"][0]["form"].errors
    assert not answer.context["parts"][1]["form"].errors
    assert PatientImage.objects.get().pk == old.pk


def test_a_guardian_gives_the_childs_photo_and_nobody_elses(cast, client_for):
    child = PatientFactory(birth_date=date(2018, 6, 2))
    GuardianLinkFactory(guardian=cast.patient_user, dependant=child)
    client = client_for(cast.patient_user)
    session = client.session
    session[SESSION_KEY] = str(child.pk)
    session.save()
    url = reverse("patients:portal-image-set", args=["photo"])
    own = cast.patient_user.patient
    assert client.post(url, {"photo-picture": made.picture(), "person": str(own.pk)}).status_code == 409, "another form"
    assert not PatientImage.objects.exists()
    assert client.post(url, {"photo-picture": made.picture(), "person": str(child.pk)}).status_code == 302
    assert PatientImage.objects.get().patient == child


def test_a_link_that_ends_while_a_picture_is_checked_changes_nothing(cast, client_for, monkeypatch):
    child = PatientFactory(birth_date=date(2018, 6, 2))
    link = GuardianLinkFactory(guardian=cast.patient_user, dependant=child)
    old = made.image(child, cast.receptionist)
    client = client_for(cast.patient_user)
    session = client.session
    session[SESSION_KEY] = str(child.pk)
    session.save()
    ready_image = images.ready_image

    def ready_and_ended(**given):
        GuardianLink.objects.filter(pk=link.pk).update(status=GuardianLink.Status.ENDED)
        return ready_image(**given)

    monkeypatch.setattr(images, "ready_image", ready_and_ended)
    url = reverse("patients:portal-image-set", args=["photo"])
    assert client.post(url, {"photo-picture": made.picture(), "person": str(child.pk)}).status_code == 403
    with pytest.raises(NotPermitted):
        images.remove_image(patient_id=child.pk, kind="photo", actor=cast.patient_user)
    assert PatientImage.objects.get().pk == old.pk


def test_nothing_of_the_settings_is_lost():
    assert settings.MAX_BODY_BYTES == settings.FILE_UPLOAD_MAX_MEMORY_SIZE >= 3 * uploads.MAX_BYTES

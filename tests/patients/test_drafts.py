"""Half-filled registrations: kept for their own person, for a day, sealed."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse

from core import clock
from core.ids import uuid7
from patients.errors import PatientNotFound
from patients.models import Patient, RegistrationDraft
from patients.services import drafts
from patients.tasks import remove_old_drafts

REGISTER = reverse("patients:register")
SAVE = reverse("patients:registration-draft")
JSON = {"Accept": "application/json"}


def resume(key):
    return reverse("patients:registration-draft-resume", args=[key])


def age(key, **span):
    RegistrationDraft.objects.filter(pk=key).update(updated_at=clock.now() - timedelta(**span))


def test_a_draft_is_kept_sealed_and_comes_back(cast, client_for):
    client, key = client_for(cast.receptionist), str(uuid7())
    typed = {
        "registration_key": key,
        "full_name": "Ratna Kencana",
        "kind": "newborn",
        "address_rt": "3",
        "domicile_line": "Kos",
    }
    answer = client.post(SAVE, typed, headers=JSON)
    assert answer.status_code == 200
    assert f"{clock.local(clock.now()):%H.}" in answer.json()["message"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT fields FROM patients_registrationdraft")
        assert "Ratna" not in cursor.fetchone()[0]
    page = client.get(REGISTER).content.decode()
    assert "Ratna Kencana" in page
    assert resume(key) in page
    page = client.get(resume(key)).content.decode()
    for text in ('value="Ratna Kencana"', f'value="{key}"', 'value="Kos"', 'value="newborn" id="id_kind_1" checked'):
        assert text in page, text
    assert 'name="domicile_same" id="id_domicile_same" class="form-check-input" checked' not in page


def test_saving_again_replaces_and_a_registration_ends_it(cast, client_for):
    client, key = client_for(cast.receptionist), str(uuid7())
    for name in ("Rat", "Ratna"):
        client.post(SAVE, {"registration_key": key, "full_name": name}, headers=JSON)
    assert RegistrationDraft.objects.get().fields == {"full_name": "Ratna"}
    form = {
        "registration_key": key, "full_name": "Ratna", "birth_date": "1990-05-17", "sex": "female", "nik_missing": "forgotten",
        "guarantor": "self", "language": "id",
    }  # fmt: skip
    first = client.post(REGISTER, form, headers=JSON)
    assert first.json() == {"url": reverse("patients:registered", args=[Patient.objects.get().pk])}
    assert not RegistrationDraft.objects.exists()
    assert client.post(REGISTER, form, headers=JSON).json() == first.json()
    assert Patient.objects.count() == 1


def test_drafts_are_of_one_person(cast, client_for):
    key = uuid7()
    drafts.save_draft(user=cast.receptionist, draft_id=key, fields={"full_name": "Ratna"})
    other = client_for(cast.admin)
    assert "Ratna" not in other.get(REGISTER).content.decode()
    assert other.get(resume(key)).status_code == 404
    assert other.post(SAVE, {"registration_key": str(key), "full_name": "X"}, headers=JSON).status_code == 409
    with pytest.raises(PatientNotFound):
        drafts.save_draft(user=cast.admin, draft_id=key, fields={"full_name": "X"})
    drafts.discard_draft(user=cast.admin, draft_id=key)
    assert RegistrationDraft.objects.get().fields == {"full_name": "Ratna"}


def test_thrown_away_is_gone(cast, client_for):
    key = uuid7()
    drafts.save_draft(user=cast.receptionist, draft_id=key, fields={"full_name": "Ratna"})
    answer = client_for(cast.receptionist).post(reverse("patients:registration-draft-discard", args=[key]))
    assert answer.status_code == 302
    assert not RegistrationDraft.objects.exists()


def test_after_a_day_a_draft_is_neither_offered_nor_kept(cast):
    young, old = uuid7(), uuid7()
    for key in (young, old):
        drafts.save_draft(user=cast.receptionist, draft_id=key, fields={"full_name": "Ratna"})
    age(old, hours=24, minutes=1)
    age(young, hours=23, minutes=50)
    assert [draft.pk for draft in drafts.open_drafts(cast.receptionist)] == [young]
    assert remove_old_drafts() == 1
    assert [draft.pk for draft in RegistrationDraft.objects.all()] == [young]


def test_only_so_many_drafts_are_kept(cast):
    keys = [uuid7() for _number in range(12)]
    for number, key in enumerate(keys):
        drafts.save_draft(user=cast.receptionist, draft_id=key, fields={"full_name": str(number)})
        age(key, minutes=20 - number)
    drafts.save_draft(user=cast.receptionist, draft_id=uuid7(), fields={"full_name": "neu"})
    assert RegistrationDraft.objects.count() == drafts.MOST_DRAFTS


@pytest.mark.parametrize("key", ["", "x", "00000000", "\x00", "1" * 500])
def test_a_draft_without_a_key_is_refused(cast, client_for, key):
    answer = client_for(cast.receptionist).post(SAVE, {"registration_key": key, "full_name": "X"}, headers=JSON)
    assert answer.status_code == 422
    assert not RegistrationDraft.objects.exists()


def test_hostile_drafts_come_back_as_text(cast, client_for):
    client, key = client_for(cast.receptionist), str(uuid7())
    typed = {
        "registration_key": key, "full_name": '"><script>alert(1)</script>',
        "address_region": "x" * 5000, "birth_date": "31-31-1990",
        "mother": "nobody", "kind": "robot", "age_years": "-5", "found_at": "never", "evil": "x", "birth_order": "99",
    }  # fmt: skip
    assert client.post(SAVE, typed, headers=JSON).status_code == 200
    assert "evil" not in RegistrationDraft.objects.get().fields
    answer = client.get(resume(key))
    assert answer.status_code == 200
    assert "<script>alert(1)" not in answer.content.decode()

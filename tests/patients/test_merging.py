"""Bringing two records of one person together, and putting everything back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.apps import apps

from accounts.models import User
from audit.models import AuditEvent
from core import clock
from notifications.models import Notice
from patients import merge_rules, services
from patients.errors import CannotMerge, InvalidPatientData, MergeOver, PatientChanged, PatientMerged, ReasonMissing
from patients.models import (
    Allergy,
    BloodTyping,
    CareTeamMember,
    Consent,
    ConsentText,
    DuplicatePair,
    EmergencyAccess,
    GuardianLink,
    HistoryEntry,
    HistorySection,
    Insurer,
    Patient,
    PatientAddress,
    PatientDemographics,
    PatientImage,
    PatientMerge,
    PolicyCoverage,
)
from patients.search import find_patients, with_nik, write_tokens
from patients.services.merging import merge_patients, undo_merge
from tests.factories.accounts import PatientUserFactory
from tests.factories.consultations import SignedNoteFactory
from tests.factories.patients import AllergyFactory, GuardianLinkFactory, PatientFactory
from tests.factories.scheduling import AppointmentFactory, VisitFactory
from tests.test_registry import make_row

pytestmark = pytest.mark.django_db

NIK, OTHER_NIK = "2171015705900001", "2171015705900002"
REASON = "KTP sama, terdaftar dua kali"


def merge(survivor, merged, actor, **choices):
    return merge_patients(survivor_id=survivor.pk, merged_id=merged.pk, values=choices, reason=REASON, actor=actor)


def undo(done, actor):
    return undo_merge(merge_id=done.pk, reason="Ternyata dua orang", actor=actor)


def fresh(patient) -> Patient:
    return Patient.objects.get(pk=patient.pk)


# --- Everything ------------------------------------------------------------------------------------------------------

# What was said to people stays said: an undo takes no notice back.
NOT_COMPARED = {
    "notifications.Notice",
    "audit.AuditEvent",
    "patients.PatientMerge",
    "sessions.Session",
    "core.Counter",
    "audit.AuditSeal",
}


def dump() -> dict[str, dict]:
    """Return every row of every table; versions only grow and are left out."""
    found = {}
    for model in apps.get_models():
        if model._meta.label in NOT_COMPARED or model._meta.proxy:
            continue
        columns = [f.attname for f in model._meta.concrete_fields if f.name != "version"]
        found[model._meta.label] = {
            str(row.pk): {name: str(getattr(row, name)) for name in columns} for row in model._base_manager.all()
        }
    return found


def differences(before, now) -> list:
    return [
        (label, pk, {k: (before[label].get(pk, {}).get(k), v) for k, v in row.items() if before[label].get(pk, {}).get(k) != v})
        for label, rows in now.items() for pk, row in rows.items() if before[label].get(pk) != row
    ] + [(label, pk, "gone") for label, rows in before.items() for pk in rows if pk not in now[label]]  # fmt: skip


def full_patient(**fields) -> Patient:
    """A patient with one row in every table that names a patient."""
    patient = PatientFactory(**{"allergy_status": "known", **fields})
    for name, model, column in merge_rules.links():
        if model is Patient or name in ("patients.PatientToken.patient", "patients.PatientMerge.survivor",
                                        "patients.PatientMerge.merged"):  # fmt: skip
            continue
        given = {"text": ConsentText.objects.first() or make_row(ConsentText)} if model is Consent else {}
        make_row(model, **{column.name: patient}, **given)
    write_tokens(patient)
    return patient


def counts(patient) -> dict[str, int]:
    return {
        name: model._base_manager.filter(**{column.attname: patient.pk}).count()
        for name, model, column in merge_rules.links()
    }


def test_every_foreign_key_to_a_patient_has_a_rule():
    names = {name for name, _model, _column in merge_rules.links()}
    assert names == set(merge_rules.RULES), "say in patients/merge_rules.py what a merge does with these rows"
    for rule in merge_rules.RULES.values():
        for _column, parent in rule.follows:
            assert merge_rules.model_of(parent)


def test_every_column_of_a_patient_is_chosen_or_handled():
    chosen = {column for choice in merge_rules.CHOICES for column in choice.columns}
    columns = {field.attname for field in Patient._meta.concrete_fields}
    assert not chosen & set(merge_rules.OTHER_COLUMNS)
    assert columns == chosen | set(merge_rules.OTHER_COLUMNS), "say in merge_rules what a merge does with this column"


def test_one_row_of_everything_is_readable_on_the_survivor_and_comes_back(cast):
    admin = cast.admin
    survivor = PatientFactory(full_name="Siti Aminah")
    merged = full_patient(full_name="Siti Aminnah", nik=NIK, birth_date=date(1990, 5, 18))
    child = PatientFactory(mother=merged)
    before, held = dump(), counts(merged)
    assert all(held[name] for name in merge_rules.RULES if "merged_into" not in name and "PatientMerge" not in name)

    done = merge(survivor, merged, admin)
    now, left = counts(survivor), counts(merged)
    for name, rule in merge_rules.RULES.items():
        if rule.how == merge_rules.How.STAY:
            continue
        if name == "patients.Patient.merged_into":
            assert (now[name], left[name]) == (1, 0)
            continue
        assert now[name] == held[name], name
        assert left[name] == 0, name
    assert fresh(child).mother_id == survivor.pk
    assert PatientDemographics.objects.get().patient_id == survivor.pk
    assert (fresh(merged).status, fresh(merged).merged_into_id) == ("merged", survivor.pk)
    assert (fresh(survivor).nik, fresh(merged).nik) == (NIK, None)

    undone = undo(done, admin)
    assert undone.left == []
    assert differences(before, dump()) == []


def test_two_full_records_come_apart_again(cast):
    admin = cast.admin
    survivor = full_patient(full_name="Siti Aminah", nik=NIK, phone="+6281111111111")
    merged = full_patient(full_name="Sitti Aminah", nik=OTHER_NIK, birth_date=date(1991, 5, 17), legal_hold=True)
    before = dump()
    names = [choice.name for choice in merge_rules.CHOICES]
    done = merge(survivor, merged, admin, **dict.fromkeys(names, "merged"))
    assert differences(before, dump())
    assert (fresh(survivor).nik, fresh(merged).nik) == (OTHER_NIK, NIK)
    assert fresh(survivor).birth_date == date(1991, 5, 17)
    assert fresh(survivor).legal_hold
    assert undo(done, admin).left == []
    assert differences(before, dump()) == []


# --- What is refused -------------------------------------------------------------------------------------------------


def pair(**fields):
    return PatientFactory(full_name="Siti Aminah", **fields), PatientFactory(full_name="Siti Aminah")


def refused(error, survivor, merged, actor, **choices):
    before = dump()
    with pytest.raises(error) as refusal:
        merge(survivor, merged, actor, **choices)
    assert differences(before, dump()) == []
    return str(refusal.value)


def test_one_record_a_missing_reason_and_nonsense_are_refused(cast):
    survivor, merged = pair()
    admin = cast.admin
    refused(CannotMerge, survivor, survivor, admin)
    refused(InvalidPatientData, survivor, merged, admin, colour="merged")
    refused(InvalidPatientData, survivor, merged, admin, phone="both")
    with pytest.raises(ReasonMissing):
        merge_patients(survivor_id=survivor.pk, merged_id=merged.pk, values={}, reason="  ", actor=admin)
    assert not PatientMerge.objects.exists()


def test_archived_and_merged_records(cast):
    survivor, merged = pair()
    third = PatientFactory(status=Patient.Status.ARCHIVED)
    assert third.record_number in refused(CannotMerge, third, survivor, cast.admin)
    merge(survivor, merged, cast.admin)
    refused(CannotMerge, third, merged, cast.admin)
    refused(CannotMerge, survivor, merged, cast.admin)
    refused(CannotMerge, merged, survivor, cast.admin)
    merge(survivor, third, cast.admin)  # an archived record may go into one that is in use
    assert fresh(third).status == "merged"


def test_mother_and_child_are_two_persons(cast):
    mother, child = pair()
    Patient.objects.filter(pk=child.pk).update(mother=mother)
    refused(CannotMerge, mother, child, cast.admin)
    refused(CannotMerge, child, mother, cast.admin)


def test_two_portal_accounts_in_use_are_refused_and_a_closed_one_is_left(cast):
    survivor, merged = pair()
    admin = cast.admin
    mine, theirs = PatientUserFactory(), PatientUserFactory()
    Patient.objects.filter(pk=survivor.pk).update(user=mine)
    Patient.objects.filter(pk=merged.pk).update(user=theirs)
    before = dump()
    refused(CannotMerge, survivor, merged, admin)
    User.objects.filter(pk=mine.pk).update(is_active=False)
    done = merge(survivor, merged, admin)
    assert (fresh(survivor).user_id, fresh(merged).user_id) == (theirs.pk, mine.pk)
    assert undo(done, admin).left == []
    User.objects.filter(pk=mine.pk).update(is_active=True)
    assert differences(before, dump()) == []


def test_the_account_follows_the_record(cast):
    survivor, _other = pair()
    user = cast.patient_user
    done = merge(survivor, user.patient, cast.admin)
    assert User.objects.get(pk=user.pk).patient == survivor
    assert list(Patient.objects.visible_to(User.objects.get(pk=user.pk))) == [survivor]
    undo(done, cast.admin)
    assert User.objects.get(pk=user.pk).patient == user.patient


def test_who_sees_the_record_in_the_portal_is_told(cast):
    survivor, merged = PatientFactory(full_name="Siti Aminah"), cast.patient_user.patient
    GuardianLinkFactory(guardian=cast.other_patient_user, dependant=merged, ends_on=None)
    merge(survivor, merged, cast.admin)
    told = Notice.objects.filter(kind="records_merged").order_by("is_about_dependant")
    assert [(notice.recipient, notice.is_about_dependant) for notice in told] == [
        (cast.patient_user, False), (cast.other_patient_user, True),
    ]  # fmt: skip
    for notice in told:
        assert notice.params == {}
        assert str(survivor.pk) not in notice.path


def test_nobody_is_told_of_a_merge_that_is_refused_or_has_no_account(cast):
    merge(PatientFactory(), PatientFactory(), cast.admin)
    with pytest.raises(ReasonMissing):
        merge_patients(
            survivor_id=PatientFactory().pk,
            merged_id=cast.patient_user.patient.pk,
            values={},
            reason=" ",
            actor=cast.admin,
        )
    assert not Notice.objects.filter(kind="records_merged").exists()


def test_two_niks_need_a_choice(cast):
    survivor, merged = pair(nik=NIK)
    Patient.objects.filter(pk=merged.pk).update(nik=OTHER_NIK)
    merged.nik = OTHER_NIK
    write_tokens(merged)
    assert "NIK" in refused(InvalidPatientData, survivor, merged, cast.admin)
    merge(survivor, merged, cast.admin, nik="survivor")
    assert (fresh(survivor).nik, fresh(merged).nik) == (NIK, OTHER_NIK)


def test_two_blood_types_of_laboratories_are_two_persons(cast):
    survivor, merged = pair()
    admin = cast.admin
    for patient, blood_type in ((survivor, "A"), (merged, "B")):
        BloodTyping.objects.create(
            patient=patient, blood_type=blood_type, source="lab", recorded_at=clock.now(), recorded_by=admin
        )
    refused(CannotMerge, survivor, merged, admin)
    BloodTyping.objects.filter(patient=merged).update(is_in_error=True)
    merge(survivor, merged, admin)
    assert fresh(survivor).blood_type == "A"


def test_both_in_the_house_is_refused(cast):
    survivor, merged = pair()
    VisitFactory(patient=survivor)
    visit = VisitFactory(patient=merged)
    refused(CannotMerge, survivor, merged, cast.admin)
    visit.status = "finished"
    visit.save(update_fields=["status"])
    merge(survivor, merged, cast.admin)


def test_a_record_that_changed_meanwhile_is_refused(cast):
    survivor, merged = pair()
    seen = {survivor.pk: survivor.version, merged.pk: merged.version}
    services.update_patient(patient_id=merged.pk, actor=cast.admin, version=1, birth_place="Batam")
    with pytest.raises(PatientChanged):
        merge_patients(
            survivor_id=survivor.pk, merged_id=merged.pk, values={}, reason=REASON, actor=cast.admin, versions=seen
        )
    assert not PatientMerge.objects.exists()


def test_nobody_writes_into_a_merged_record(cast):
    survivor, merged = pair()
    merge(survivor, merged, cast.admin)
    with pytest.raises(PatientMerged):
        services.update_patient(patient_id=merged.pk, actor=cast.admin, version=2, birth_place="Batam")
    with pytest.raises(PatientMerged):
        services.record_allergy(patient_id=merged.pk, actor=cast.admin, substance="Udang", category="food")


# --- What moves ------------------------------------------------------------------------------------------------------


def test_values_fill_blanks_and_follow_the_choice(cast):
    survivor = PatientFactory(full_name="Siti Aminah", phone="+6281111111111", sex="unknown", birth_place="")
    merged = PatientFactory(
        full_name="Siti Aminah S.", phone="+6282222222222", sex="female", birth_place="Batam", email="a@b.example"
    )
    merge(survivor, merged, cast.admin, phone="merged")
    now = fresh(survivor)
    assert (now.full_name, now.phone, now.sex, now.birth_place, now.email) == (
        "Siti Aminah", "+6282222222222", "female", "Batam", "a@b.example",
    )  # fmt: skip
    assert [row.pk for row in find_patients(user=cast.admin, query="0822-2222-2222")] == [survivor.pk]
    assert find_patients(user=cast.admin, query="0811-1111-1111") == []


def test_the_old_number_finds_the_survivor(cast):
    survivor, merged = pair()
    done = merge(survivor, merged, cast.admin)
    found = find_patients(user=cast.receptionist, query=merged.record_number)
    assert [row.pk for row in found] == [survivor.pk]
    assert [row.pk for row in find_patients(user=cast.receptionist, query="siti aminah")] == [survivor.pk]
    undo(done, cast.admin)
    assert {row.pk for row in find_patients(user=cast.receptionist, query="siti aminah")} == {survivor.pk, merged.pk}


def test_a_signed_note_is_not_touched(cast):
    survivor, merged = pair()
    visit = VisitFactory(patient=merged, status="finished")
    note = SignedNoteFactory(visit=visit, patient=merged)
    columns = [f.attname for f in type(note)._meta.concrete_fields if f.attname not in ("patient_id",)]
    before = {name: getattr(type(note).objects.get(pk=note.pk), name) for name in columns}
    merge(survivor, merged, cast.admin)
    now = type(note).objects.get(pk=note.pk)
    assert now.patient_id == survivor.pk
    assert {name: getattr(now, name) for name in columns} == before


def test_allergies_are_the_union(cast):
    survivor, merged = pair()
    AllergyFactory(patient=survivor, substance="Amoksisilin")
    double = AllergyFactory(patient=merged, substance="amoksisilin")
    other = AllergyFactory(patient=merged, substance="Udang")
    done = merge(survivor, merged, cast.admin)
    assert {row.substance for row in fresh(survivor).allergies} == {"Amoksisilin", "Udang"}
    assert Allergy.objects.get(pk=double.pk).patient_id == merged.pk
    undo(done, cast.admin)
    assert Allergy.objects.get(pk=other.pk).patient_id == merged.pk


@pytest.mark.parametrize(
    ("mine", "theirs", "result"),
    [
        ("unknown", "unknown", "unknown"),
        ("none", "unknown", "none"),
        ("unknown", "none", "none"),
        ("none", "none", "none"),
    ],
)
def test_the_allergy_state_without_allergies(cast, mine, theirs, result):
    asked = {"none": clock.now(), "unknown": None}
    survivor = PatientFactory(allergy_status=mine, allergy_asked_at=asked[mine])
    merged = PatientFactory(allergy_status=theirs, allergy_asked_at=asked[theirs])
    merge(survivor, merged, cast.admin)
    assert fresh(survivor).allergy_status == result


def test_the_allergy_of_one_is_known_of_both(cast):
    survivor, merged = pair(allergy_status="none", allergy_asked_at=clock.now())
    AllergyFactory(patient=merged)
    done = merge(survivor, merged, cast.admin)
    assert fresh(survivor).allergy_status == "known"
    undo(done, cast.admin)
    assert (fresh(survivor).allergy_status, fresh(merged).allergy_status) == ("none", "known")


def test_history_sections_agree_with_the_entries(cast):
    survivor, merged = pair()
    late = clock.now()
    for patient, is_none, at in ((survivor, True, late - timedelta(days=9)), (merged, False, late)):
        HistorySection.objects.create(
            patient=patient, section="chronic", is_none=is_none, asked_at=at, asked_by=cast.nurse
        )
    HistoryEntry.objects.create(
        patient=merged, section="chronic", what="Asma", recorded_at=late, recorded_by=cast.nurse
    )
    merge(survivor, merged, cast.admin)
    section = HistorySection.objects.get(patient=survivor)
    assert (section.is_none, section.asked_at) == (False, late)


def test_care_lasts_as_long_as_the_longer_one(cast):
    survivor, merged = pair()
    member = CareTeamMember.of_user(cast.doctor.pk)
    soon = clock.now() + timedelta(hours=1)
    CareTeamMember.objects.create(patient=survivor, member=member, since=clock.now(), ends_at=soon)
    CareTeamMember.objects.create(patient=merged, member=member, since=clock.now())
    CareTeamMember.objects.create(patient=merged, member="role:nurse", since=clock.now())
    merge(survivor, merged, cast.admin)
    assert set(CareTeamMember.objects.filter(patient=survivor).values_list("member", "ends_at")) == {
        (member, None), ("role:nurse", None),
    }  # fmt: skip


def test_guardians_do_not_stand_twice_nor_guard_themselves(cast):
    survivor, merged = (PatientFactory(full_name="Budi Kecil", birth_date=date(2018, 6, 2)) for _n in range(2))
    mother, father = PatientUserFactory(), PatientUserFactory()
    kept = GuardianLinkFactory(guardian=mother, dependant=survivor)
    double = GuardianLinkFactory(guardian=mother, dependant=merged)
    other = GuardianLinkFactory(guardian=father, dependant=merged)
    done = merge(survivor, merged, cast.admin)
    links = GuardianLink.objects.in_bulk([kept.pk, double.pk, other.pk])
    assert {link.dependant_id for link in links.values()} == {survivor.pk}
    assert [links[link.pk].status for link in (kept, double, other)] == ["active", "ended", "active"]
    undo(done, cast.admin)
    assert GuardianLink.objects.get(pk=double.pk).status == "active"

    own = PatientFactory(user=mother)
    done = merge(own, merged, cast.admin, birth_date="merged")
    assert GuardianLink.objects.get(pk=double.pk).status == "ended"
    assert GuardianLink.objects.get(pk=other.pk).status == "active"


def test_guardian_links_end_by_the_birth_date_that_stays(cast):
    survivor = PatientFactory(birth_date=date(2018, 6, 2))
    merged = PatientFactory(birth_date=date(2016, 6, 2))
    link = GuardianLinkFactory(dependant=survivor)
    done = merge(survivor, merged, cast.admin, birth_date="merged")
    assert GuardianLink.objects.get(pk=link.pk).ends_on == date(2034, 6, 2)
    undo(done, cast.admin)
    assert GuardianLink.objects.get(pk=link.pk).ends_on == date(2036, 6, 2)


def test_emergency_access_to_both_leaves_one(cast):
    survivor, merged = pair()
    rows = [
        EmergencyAccess.objects.create(
            patient=patient, user=cast.doctor, reason_code="cover", reason_text="Pasien gawat", started_at=clock.now(),
            ends_at=clock.now() + timedelta(hours=1),
        )
        for patient in (survivor, merged)
    ]  # fmt: skip
    done = merge(survivor, merged, cast.admin)
    assert EmergencyAccess.objects.filter(patient=survivor, ended_at__isnull=True).get() == rows[0]
    assert EmergencyAccess.objects.filter(patient=survivor).count() == 2
    undo(done, cast.admin)
    assert EmergencyAccess.objects.filter(ended_at__isnull=True).count() == 2


def test_one_policy_pays_first(cast):
    bpjs = Insurer.objects.filter(kind="bpjs").first() or Insurer.objects.create(name="BPJS", kind="bpjs")
    survivor, merged = pair(guarantor="bpjs", bpjs_number="0001234567890")
    for patient, number in ((survivor, "0001234567890"), (merged, "0009876543210")):
        PolicyCoverage.objects.create(
            patient=patient, insurer=bpjs, number=number, is_primary=True, created_at=clock.now(), created_by=cast.admin
        )
    before = dump()
    done = merge(survivor, merged, cast.admin)
    assert PolicyCoverage.objects.filter(patient=survivor, is_primary=True).get().number == "0001234567890"
    undo(done, cast.admin)
    assert differences(before, dump()) == []


def test_the_photo_of_one_is_the_photo_of_both(cast):
    survivor, merged = pair()
    image = make_row(PatientImage, patient=merged, kind="photo")
    Patient.objects.filter(pk=merged.pk).update(photo_key=image.pk)
    done = merge(survivor, merged, cast.admin)
    assert (fresh(survivor).photo_key, fresh(merged).photo_key) == (image.pk, None)
    undo(done, cast.admin)
    assert (fresh(survivor).photo_key, fresh(merged).photo_key) == (None, image.pk)


def test_the_address_that_was_chosen_is_the_structured_one_too(cast):
    survivor, merged = pair(address="Jl. Satu")
    for patient, line in ((survivor, "Jl. Satu"), (merged, "Jl. Dua")):
        PatientAddress.objects.create(patient=patient, use="identity", line=line, updated_at=clock.now())
    Patient.objects.filter(pk=merged.pk).update(address="Jl. Dua")
    done = merge(survivor, merged, cast.admin, address="merged")
    assert fresh(survivor).address == PatientAddress.objects.get(patient=survivor).line == "Jl. Dua"
    undo(done, cast.admin)
    assert fresh(survivor).address == PatientAddress.objects.get(patient=survivor).line == "Jl. Satu"


def test_social_data_is_filled_where_it_is_empty(cast):
    survivor, merged = pair()
    PatientDemographics.objects.create(patient=survivor, religion_code="1", religion_label="Islam",
                                       updated_at=clock.now())  # fmt: skip
    PatientDemographics.objects.create(patient=merged, religion_code="2", religion_label="Kristen",
                                       education_code="6", education_label="S1", updated_at=clock.now())  # fmt: skip
    merge(survivor, merged, cast.admin)
    now = PatientDemographics.objects.get(patient=survivor)
    assert (now.religion_label, now.education_code, now.education_label) == ("Islam", "6", "S1")


def test_who_was_distinct_from_one_is_distinct_from_both(cast):
    survivor, merged = pair()
    twin = PatientFactory()
    first, second = sorted((merged, twin), key=lambda row: row.pk)
    DuplicatePair.objects.create(first=first, second=second, score=75, state="distinct", found_at=clock.now())
    one, other = sorted((merged, survivor), key=lambda row: row.pk)
    suspicion = DuplicatePair.objects.create(first=one, second=other, score=80, found_at=clock.now())
    done = merge(survivor, merged, cast.admin)
    ids = sorted((survivor.pk, twin.pk))
    assert DuplicatePair.objects.filter(first_id=ids[0], second_id=ids[1], state="distinct").exists()
    assert DuplicatePair.objects.get(pk=suspicion.pk).state == "merged"
    undo(done, cast.admin)
    assert DuplicatePair.objects.get(pk=suspicion.pk).state == "open"
    assert DuplicatePair.objects.count() == 2


def test_chains_lead_to_the_last_record(cast):
    first, second = pair()
    third = PatientFactory(full_name="Siti Aminah")
    inner = merge(second, first, cast.admin)
    outer = merge(third, second, cast.admin)
    assert fresh(first).merged_into_id == third.pk
    assert [row.pk for row in find_patients(user=cast.admin, query=first.record_number)] == [third.pk]
    with pytest.raises(MergeOver):
        undo(inner, cast.admin)
    undo(outer, cast.admin)
    assert fresh(first).merged_into_id == second.pk
    undo(inner, cast.admin)
    assert fresh(first).status == "active"


# --- Undoing ---------------------------------------------------------------------------------------------------------


def test_an_undo_happens_once_and_needs_a_reason(cast):
    survivor, merged = pair()
    done = merge(survivor, merged, cast.admin)
    with pytest.raises(ReasonMissing):
        undo_merge(merge_id=done.pk, reason="", actor=cast.admin)
    undo(done, cast.admin)
    with pytest.raises(MergeOver):
        undo(done, cast.admin)


def test_what_came_since_stays_and_what_hangs_on_a_moved_row_goes_back(cast):
    survivor, merged = pair()
    moved = VisitFactory(patient=merged, status="finished")
    done = merge(survivor, merged, cast.admin)
    since = VisitFactory(patient=survivor, status="finished")
    note = SignedNoteFactory(visit=type(moved).objects.get(pk=moved.pk), patient=survivor)
    other = SignedNoteFactory(visit=since, patient=survivor)
    allergy = AllergyFactory(patient=fresh(survivor), substance="Debu")
    undone = undo(done, cast.admin)
    assert type(moved).objects.get(pk=moved.pk).patient_id == merged.pk
    assert type(moved).objects.get(pk=since.pk).patient_id == survivor.pk
    assert type(note).objects.get(pk=note.pk).patient_id == merged.pk
    assert type(note).objects.get(pk=other.pk).patient_id == survivor.pk
    assert Allergy.objects.get(pk=allergy.pk).patient_id == survivor.pk
    assert fresh(survivor).allergy_status == "known"
    assert undone.returned >= 2


def test_an_allergy_recorded_since_is_still_known_after_the_undo(cast):
    survivor, merged = pair()
    AllergyFactory(patient=merged)
    done = merge(survivor, merged, cast.admin)
    Allergy.objects.create(
        patient=survivor, substance="Debu", category="environment", recorded_at=clock.now(), recorded_by=cast.nurse
    )
    undo(done, cast.admin)
    assert [row.substance for row in fresh(survivor).allergies] == ["Debu"]
    assert fresh(survivor).allergy_status == "known"


def test_what_was_changed_since_is_listed_and_not_overwritten(cast):
    survivor, merged = pair(phone="+6281111111111")
    Patient.objects.filter(pk=merged.pk).update(phone="+6282222222222", birth_place="Batam")
    done = merge(survivor, merged, cast.admin, phone="merged")
    now = fresh(survivor)
    services.update_patient(patient_id=survivor.pk, actor=cast.admin, version=now.version, phone="+6283333333333")
    undone = undo(done, cast.admin)
    assert undone.left == [("patients.Patient", "phone")]
    assert (fresh(survivor).phone, fresh(survivor).birth_place) == ("+6283333333333", "")


def test_a_nik_that_went_elsewhere_meanwhile_stays_there(cast):
    survivor, merged = pair()
    services.update_patient(patient_id=merged.pk, actor=cast.admin, version=1, nik=NIK)
    done = merge(survivor, merged, cast.admin)
    now = fresh(survivor)
    services.update_patient(patient_id=now.pk, actor=cast.admin, version=now.version, nik=None)
    third = PatientFactory(full_name="Rina")
    services.update_patient(patient_id=third.pk, actor=cast.admin, version=1, nik=NIK)
    undone = undo(done, cast.admin)
    assert undone.left.count(("patients.Patient", "nik")) == 2
    assert with_nik(Patient.objects.all(), NIK).get().pk == third.pk
    assert fresh(merged).nik is None


def test_audit_names_both_records_and_no_content(cast):
    survivor, merged = pair()
    done = merge(survivor, merged, cast.admin)
    undo(done, cast.admin)
    for action in ("patients.patient.merged", "patients.patient.merge_undone"):
        events = AuditEvent.objects.filter(action=action, target_id=str(done.pk))
        assert {event.patient_id for event in events} == {survivor.pk, merged.pk}
        assert "Siti" not in str([event.detail for event in events])


# --- Races -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("calls", [((0, 1), (1, 0)), ((0, 1), (2, 1)), ((0, 1), (1, 2)), ((0, 1),) * 6], ids=str)
def test_of_merges_at_once_no_record_goes_two_ways(cast, race, calls):
    people = [PatientFactory(full_name="Siti Aminah") for _n in range(3)]
    for patient in people:
        VisitFactory(patient=patient, status="finished")
    admin = cast.admin
    results = race(lambda one, two: merge(people[one], people[two], admin), list(calls))
    done = [result for result in results if isinstance(result, PatientMerge)]
    failed = [result for result in results if not isinstance(result, PatientMerge)]
    assert all(isinstance(result, CannotMerge) for result in failed), results
    merged = [fresh(patient) for patient in people if fresh(patient).status == "merged"]
    assert len(merged) == len(done) >= 1
    for patient in merged:
        target = fresh(patient.merged_into)
        assert target.status == "active", "an alias leads to a record in use"
        assert not patient.visits.exists()
    assert sum(patient.visits.count() for patient in people) == 3


@pytest.mark.django_db(transaction=True)
def test_many_undo_one_merge_once(cast, race):
    survivor, merged = pair()
    VisitFactory(patient=merged, status="finished")
    admin = cast.admin
    done = merge(survivor, merged, admin)
    results = race(lambda _n: undo(done, admin), [(n,) for n in range(5)])
    assert sum(isinstance(result, MergeOver) for result in results) == 4
    assert fresh(merged).visits.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_booking_at_once_is_on_a_record_in_use(cast, race):
    from scheduling import services as scheduling
    from tests.factories.scheduling import booking

    survivor, merged = pair()
    appointment = AppointmentFactory()
    slot = appointment.slot.session.slots.last()
    admin, desk = cast.admin, cast.receptionist
    wanted = booking(merged, slot, desk)
    results = race(
        lambda act: act(), [(lambda: merge(survivor, merged, admin),), (lambda: scheduling.book_appointment(**wanted),)]
    )
    assert isinstance(results[0], PatientMerge), results
    assert not merged.appointments.exists()

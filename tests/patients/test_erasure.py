"""Erasing personal data: what goes for good, what the law keeps, what stands in the way, and the certificate."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.core.files.storage import storages
from django.urls import reverse
from pypdf import PdfReader

from accounts.errors import AccountClosed
from accounts.models import AccountSession, TotpDevice, User
from accounts.second_factor import FACTOR_AT
from accounts.services import reactivate_user
from audit.models import AuditEvent
from consultations.models import Note
from core import clock, files
from core.models import StoredFile
from jobs.models import Job
from notifications.models import Email, Notice
from patients import erasing, erasure_papers, integrity
from patients.errors import CannotErase, MergeOver, NothingToErase, PatientMerged, ReasonMissing
from patients.merge_rules import links, rule_of
from patients.models import (
    Consent,
    ConsentText,
    DataRequest,
    Erasure,
    GuardianLink,
    Patient,
    PatientAddress,
    PatientContact,
    PatientDemographics,
    PatientDocument,
    PatientIdentifier,
    PatientImage,
    PatientMerge,
    PolicyCoverage,
    PortalRegistration,
    RegistrationDraft,
)
from patients.search import find_patients, write_tokens
from patients.services import archiving
from patients.services import erasure as acts
from patients.services.merging import merge_patients, undo_merge
from support.models import SupportMessage
from tests.conftest import sign_in
from tests.factories.accounts import PatientUserFactory
from tests.factories.billing import InvoiceFactory
from tests.factories.consultations import SignedNoteFactory
from tests.factories.patients import AllergyFactory, GuardianLinkFactory, PatientFactory
from tests.factories.rights import decide, receive
from tests.factories.scheduling import AppointmentFactory, VisitFactory
from tests.test_registry import make_row

pytestmark = pytest.mark.django_db

NIK = "2171015705900001"


def erase(patient, cast, **fields):
    given = {"record_number": patient.record_number, "reason": "Diminta lewat surat", **fields}
    done = acts.erase_patient(patient_id=patient.pk, actor=cast.admin, **given)
    assert erasing.to_remove(acts.subject_of(patient)) == []  # what was counted went
    return done


def fresh(patient) -> Patient:
    return Patient.objects.get(pk=patient.pk)


def counts(erasure) -> dict[str, int]:
    return {row["code"]: row["count"] for row in erasure.removed}


def kept(erasure) -> dict[str, int]:
    return {row["code"]: row["count"] for row in erasure.kept}


def scan(patient, cast, category, data=b"pindai"):
    return PatientDocument.objects.create(
        patient=patient, category=category, file_name="a.pdf", documented_on=clock.today(), uploaded_at=clock.now(),
        uploaded_by=cast.admin, file=files.store(data, content_type="application/pdf"),
    )  # fmt: skip


def consent(patient, cast, **fields):
    return Consent.objects.create(
        patient=patient, kind="general", text=ConsentText.objects.first(), decision="permit", method="paper",
        given_at=clock.now(), signer_name="Siti", recorded_at=clock.now(), recorded_by=cast.admin, **fields,
    )  # fmt: skip


def full(cast, **fields):
    """A person with something of every kind, whose visits and bills are over."""
    user = PatientUserFactory(username="rahmat", full_name="Rahmat Hidayat")
    patient = PatientFactory(
        user=user, full_name="Rahmat Hidayat", nik=NIK, email="rahmat@surat.example", phone="+628111222333",
        bpjs_number="0001234567890", address="Jl. Ahmad Yani 1", mother_name="Rohani", **fields,
    )  # fmt: skip
    write_tokens(patient)
    TotpDevice.objects.create(user=user, name="Telepon")
    make_row(PortalRegistration, user=user, patient=patient, full_name="Rahmat Hidayat", status="activated")
    made = {"uploaded_at": clock.now(), "uploaded_by": cast.admin}
    for kind in ("photo", "ktp"):
        image = PatientImage.objects.create(
            patient=patient, kind=kind, file=files.store(kind.encode(), content_type="image/jpeg"),
            thumbnail=files.store(b"kecil", content_type="image/jpeg"), **made,
        )  # fmt: skip
        if kind == "photo":
            patient.photo_key = image.pk
            patient.save(update_fields=["photo_key"])
    for use in ("identity", "domicile"):
        PatientAddress.objects.create(patient=patient, use=use, line=f"Jl. {use}", updated_at=clock.now())
    PatientContact.objects.create(
        patient=patient, role="emergency", name="Dewi", phone="+62899", updated_at=clock.now()
    )
    PatientDemographics.objects.create(
        patient=patient, religion_code="1", religion_label="Islam", ethnicity="Melayu", occupation_text="Nelayan",
        home_phone="0778123456", updated_at=clock.now(),
    )  # fmt: skip
    for kind, value in (("passport", "A1234567"), ("family_card", "2171010101010001"), ("other", "KTA-9")):
        PatientIdentifier.objects.create(patient=patient, kind=kind, value=value, created_at=clock.now())
    make_row(PolicyCoverage, patient=patient, number="POL-77")
    make_row(SupportMessage, sender=user)
    make_row(Notice, recipient=user)
    make_row(
        Email, patient_id=patient.pk, to_address="rahmat@surat.example", created_at=clock.now() - timedelta(days=1)
    )
    scan(patient, cast, "identity")
    scan(patient, cast, "laboratory")
    return patient


class TestWhatGoes:
    def test_everything_no_law_keeps(self, cast, django_capture_on_commit_callbacks):
        patient = full(cast)
        user = patient.user
        doomed = list(StoredFile.objects.exclude(pk=PatientDocument.objects.get(category="laboratory").file_id))
        with django_capture_on_commit_callbacks(execute=True):
            done = erase(patient, cast)
        after = fresh(patient)
        assert (after.email, after.phone, after.phone_bidx, after.user_id, after.photo_key) == (
            "",
            None,
            None,
            None,
            None,
        )
        assert after.bpjs_number == ""
        assert not PatientImage.objects.filter(patient=patient).exists()
        assert not PatientContact.objects.filter(patient=patient).exists()
        assert [row.use for row in PatientAddress.objects.filter(patient=patient)] == ["identity"]
        assert [row.kind for row in PatientIdentifier.objects.filter(patient=patient)] == ["passport"]
        social = PatientDemographics.objects.get(patient=patient)
        assert (social.religion_label, social.ethnicity, social.occupation_text, social.home_phone) == (
            "Islam",
            "",
            "",
            "",
        )
        for model in (PolicyCoverage, PortalRegistration, SupportMessage, Notice):
            assert not model.objects.exists()
        assert not Email.objects.filter(patient_id=patient.pk).exists()
        assert [row.category for row in PatientDocument.objects.filter(patient=patient)] == ["laboratory"]
        assert not StoredFile.objects.filter(pk__in=[stored.pk for stored in doomed]).exists()
        assert not any(storages["files"].exists(stored.name) for stored in doomed)
        assert counts(done) == {
            "email": 1, "account": 1, "registration": 1, "photo": 1, "card": 1, "papers": 1, "phone": 2, "contacts": 1,
            "domicile": 1, "social": 1, "numbers": 2, "policies": 2, "messages": 2, "support": 1,
        }  # fmt: skip
        account = User.objects.get(pk=user.pk)
        assert not account.is_active
        assert "rahmat" not in f"{account.username} {account.email} {account.full_name}".casefold()

    def test_the_identity_and_the_record_stay_and_are_marked(self, cast):
        patient = full(cast)
        AllergyFactory(patient=patient, recorded_by=cast.nurse)
        SignedNoteFactory(visit=VisitFactory(patient=patient, status="finished"))
        consent(patient, cast)
        done = erase(patient, cast)
        after = fresh(patient)
        assert (after.full_name, after.nik, after.birth_date, after.mother_name, after.address) == (
            "Rahmat Hidayat", NIK, patient.birth_date, "Rohani", "Jl. Ahmad Yani 1",
        )  # fmt: skip
        assert (after.status, after.archive_reason) == ("archived", f"{done.number} Diminta lewat surat")
        assert (done.number, done.record_number, done.erased_by) == ("HPS-2026-0001", patient.record_number, cast.admin)
        assert Note.objects.filter(patient=patient).count() == 1
        assert kept(done)["consultations.Note.patient"] == kept(done)["patients.Consent.patient"] == 1
        assert kept(done)["patients.PatientDocument.patient"] == 1
        line = next(row for row in done.kept if row["code"] == "patients.Allergy.patient")
        assert line == {"code": "patients.Allergy.patient", "count": 1, "ground": "record", "until": "2051-03-05"}
        event = AuditEvent.objects.get(action="patients.patient.erased")
        assert (event.detail["number"], event.detail["removed"]["photo"]) == (done.number, 1)

    def test_search_finds_the_record_by_name_and_no_more_by_phone(self, cast):
        patient = full(cast)
        assert find_patients(user=cast.admin, query="08111222333")
        erase(patient, cast)
        assert find_patients(user=cast.admin, query="08111222333") == []
        assert [found.pk for found in find_patients(user=cast.admin, query=NIK)] == [patient.pk]
        assert [found.pk for found in find_patients(user=cast.admin, query="rahmat hidayat")] == [patient.pk]

    def test_the_account_is_out_at_once_and_never_comes_back(
        self, cast, client_for, django_capture_on_commit_callbacks
    ):
        patient = full(cast)
        account, mine = patient.user, client_for(patient.user)
        assert mine.get(reverse("patients:portal-rights")).status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            erase(patient, cast)
        assert mine.get(reverse("patients:portal-rights")).status_code == 302
        assert not AccountSession.objects.filter(user=account).exists()
        assert not TotpDevice.objects.filter(user=account).exists()
        with pytest.raises(AccountClosed):
            reactivate_user(user_id=account.pk, actor=cast.admin)

    def test_the_nightly_check_finds_nothing_wrong_afterwards(self, cast):
        patient = full(cast)
        before = {check.name: len(check.find("", []).faults) for check in integrity.checks()}
        erase(patient, cast)
        after = {check.name: len(check.find("", []).faults) for check in integrity.checks()}
        assert {name: count for name, count in after.items() if count > before[name]} == {}

    def test_bills_keep_who_paid(self, cast):
        patient = full(cast)
        scan(patient, cast, "insurance")
        InvoiceFactory(patient=patient, status="paid")
        done = erase(patient, cast)
        assert PolicyCoverage.objects.filter(patient=patient).exists()
        assert fresh(patient).bpjs_number == "0001234567890"
        assert PatientDocument.objects.filter(patient=patient, category="insurance").exists()
        assert "policies" not in counts(done)
        bill = next(row for row in done.kept if row["ground"] == "books")
        assert bill["until"] == "2037-01-01"  # ten years after the end of 2026

    def test_evidence_of_consents_and_requests_stays(self, cast):
        patient = full(cast)
        paper = scan(patient, cast, "identity", b"bukti")
        consent(patient, cast, scan=paper)
        erase(patient, cast)
        assert PatientDocument.objects.filter(pk=paper.pk).exists()

    def test_guardians_of_both_directions(self, cast):
        patient, child = full(cast), PatientFactory(full_name="Anak")
        own = GuardianLinkFactory(guardian=patient.user, dependant=child, proof_note="KK nomor 21710")
        others = GuardianLinkFactory(dependant=patient, proof_note="Surat kuasa 12")
        asked = make_row(GuardianLink, guardian=patient.user, status="requested", dependant=None, asked_name="Budi")
        assert counts(erase(patient, cast))["guardians"] == 3
        for link, status in ((own, "ended"), (others, "ended"), (asked, "rejected")):
            link.refresh_from_db()
            assert (link.status, link.asked_name, link.asked_birth_date, link.proof_note) == (status, "", None, "")
        assert [mail.to_address for mail in Email.objects.all()] == [others.guardian.email]  # is told, not named
        assert "Rahmat" not in Email.objects.get().body_text

    def test_drafts_about_the_person_and_nobody_else(self, cast):
        patient = full(cast)
        mine = make_row(RegistrationDraft, user=cast.receptionist, fields={"nik": NIK})
        same = make_row(
            RegistrationDraft, user=cast.receptionist, fields={"full_name": "RAHMAT hidayat", "phone": "0811 1222 333"}
        )
        namesake = make_row(RegistrationDraft, user=cast.receptionist, fields={"full_name": "Rahmat Hidayat"})
        assert counts(erase(patient, cast))["drafts"] == 2
        assert list(RegistrationDraft.objects.all()) == [namesake]
        assert {mine.pk, same.pk}.isdisjoint(RegistrationDraft.objects.values_list("pk", flat=True))

    def test_old_values_in_answered_corrections(self, cast):
        patient = full(cast)
        row = decide(receive(patient, actor=cast.admin, kind="correction"), actor=cast.admin)
        row.facts = {
            "changes": [
                {"name": "phone", "before": "+628111", "after": "+628222"},
                {"name": "full_name", "before": "Rahmad", "after": "Rahmat"},
            ]
        }
        row.save(update_fields=["facts"])
        erase(patient, cast)
        row.refresh_from_db()
        assert [change["before"] for change in row.facts["changes"]] == ["", "Rahmad"]

    def test_files_made_for_the_person(self, cast):
        patient = full(cast)
        stored = files.store(b"salinan", content_type="application/zip")
        job = make_row(
            Job, patient_id=patient.pk, state="done", result=stored, expires_at=clock.now() + timedelta(days=1),
            requested_by=cast.admin,
        )  # fmt: skip
        assert counts(erase(patient, cast))["files"] == 1
        assert Job.objects.get(pk=job.pk).result_id is None
        assert not StoredFile.objects.filter(pk=stored.pk).exists()

    def test_records_merged_into_it_too(self, cast):
        survivor, old = full(cast), PatientFactory(full_name="Rahmat H", email="lama@surat.example", phone="+62855")
        PatientContact.objects.create(patient=old, role="emergency", name="Ibu", updated_at=clock.now())
        merge_patients(survivor_id=survivor.pk, merged_id=old.pk, values={}, reason="Sama", actor=cast.admin)
        assert counts(erase(survivor, cast))["merges"] == 1
        old.refresh_from_db()
        assert (old.email, old.phone, old.status) == ("", None, "merged")
        assert not PatientContact.objects.exists()
        with pytest.raises(MergeOver):
            undo_merge(merge_id=PatientMerge.objects.get().pk, reason="Dua orang", actor=cast.admin)
        assert fresh(survivor).phone is None


class TestWhatIsInTheWay:
    @pytest.mark.parametrize("what", ["hold", "visit", "booking", "bill", "draft_bill", "request", "job"])
    def test_nothing_is_touched(self, cast, what):
        patient = full(cast, legal_hold=what == "hold")
        if what == "visit":
            VisitFactory(patient=patient)
        elif what == "booking":
            AppointmentFactory(patient=patient, status="approved")
        elif what == "bill":
            InvoiceFactory(patient=patient)
        elif what == "draft_bill":
            InvoiceFactory(patient=patient, status="draft")
        elif what == "request":
            receive(patient, actor=cast.admin, kind="copy")
        elif what == "job":
            make_row(Job, patient_id=patient.pk, state="running", requested_by=cast.admin)
        files_before = StoredFile.objects.count()
        with pytest.raises(CannotErase):
            erase(patient, cast)
        after = fresh(patient)
        assert (after.email, after.phone, after.status) == ("rahmat@surat.example", "+628111222333", "active")
        assert (StoredFile.objects.count(), Erasure.objects.count()) == (files_before, 0)
        assert User.objects.get(pk=patient.user_id).is_active

    def test_a_visit_under_a_merged_record_too(self, cast):
        patient = full(cast)
        InvoiceFactory(patient=PatientFactory(status="merged", merged_into=patient))
        with pytest.raises(CannotErase):
            erase(patient, cast)

    def test_another_number_no_reason_a_merged_record(self, cast):
        patient = full(cast)
        with pytest.raises(CannotErase):
            erase(patient, cast, record_number="123")
        with pytest.raises(ReasonMissing):
            erase(patient, cast, reason=" ")
        with pytest.raises(PatientMerged):
            erase(PatientFactory(status="merged", merged_into=patient), cast)
        assert fresh(patient).phone

    def test_the_second_time_nothing_is_left(self, cast):
        patient = full(cast)
        erase(patient, cast)
        with pytest.raises(NothingToErase):
            erase(patient, cast)
        assert (Erasure.objects.count(), fresh(patient).version) == (1, 2)

    def test_a_record_archived_before_keeps_its_reason(self, cast):
        patient = archiving.archive_patient(patient_id=PatientFactory().pk, actor=cast.admin, reason="Pindah kota")
        done = erase(patient, cast)
        assert fresh(patient).archive_reason == f"Pindah kota · {done.number} Diminta lewat surat"

    def test_two_admins_at_once_erase_once(self, race, cast):
        patient, admin = full(cast), cast.admin

        def go():
            return acts.erase_patient(
                patient_id=patient.pk, actor=admin, record_number=patient.record_number, reason="Diminta"
            ).number

        outcomes = race(go, [(), (), ()])
        assert sum(outcome == "HPS-2026-0001" for outcome in outcomes) == 1
        assert sum(isinstance(outcome, NothingToErase | CannotErase) for outcome in outcomes) == 2
        assert (Erasure.objects.count(), fresh(patient).version) == (1, 2)


class TestRequests:
    def test_it_is_carried_out_and_then_answered(self, cast):
        patient = full(cast)
        request = receive(patient, actor=cast.admin, kind="erasure")
        done = erase(patient, cast, reason="", request_id=request.pk)
        assert done.request == request
        assert decide(DataRequest.objects.get(pk=request.pk), actor=cast.admin).status == "fulfilled"

    def test_not_twice_and_not_for_another_or_closed_one(self, cast):
        patient = full(cast)
        theirs = receive(PatientFactory(), actor=cast.admin, kind="erasure")
        with pytest.raises(CannotErase):
            erase(patient, cast, request_id=theirs.pk)
        request = receive(patient, actor=cast.admin, kind="erasure")
        erase(patient, cast, request_id=request.pk)
        with pytest.raises(NothingToErase, match="HPS-2026-0001"):
            erase(patient, cast, request_id=request.pk)
        decide(DataRequest.objects.get(pk=request.pk), actor=cast.admin)
        with pytest.raises(CannotErase):
            erase(patient, cast, request_id=request.pk)


class TestEveryTable:
    def test_each_link_to_a_patient_is_decided_on(self):
        assert {name for name, _model, _field in links()} == set(erasing.KEPT)

    def test_what_is_kept_has_a_ground_and_words(self):
        for name, ground in erasing.KEPT.items():
            if ground:
                assert ground in erasing.GROUNDS
                assert rule_of(name).words, name


class TestScreens:
    def test_the_preview_tells_and_changes_nothing(self, cast, client_for):
        patient = full(cast)
        page = client_for(cast.admin).get(reverse("patients:erasure", args=[patient.pk]))
        text = page.content.decode()
        assert page.status_code == 200
        assert "PMK 24/2022" in text
        assert 'name="record_number"' in text
        assert fresh(patient).phone
        assert AuditEvent.objects.filter(action="patients.chart.read", patient_id=patient.pk).exists()

    def test_without_a_fresh_factor_neither_form_nor_act(self, cast, client):
        patient = full(cast)
        sign_in(client, cast.admin)
        session = client.session
        session[FACTOR_AT] -= 600
        session.save()
        page = client.get(reverse("patients:erasure", args=[patient.pk]))
        assert 'name="record_number"' not in page.content.decode()
        given = {"record_number": patient.record_number, "reason": "Diminta"}
        answer = client.post(reverse("patients:erasure-execute", args=[patient.pk]), given)
        assert answer.status_code == 302
        assert "confirm" in answer["Location"]
        assert fresh(patient).phone

    def test_the_wrong_number_is_a_sentence_and_the_right_one_erases(self, cast, client_for):
        patient, admin = full(cast), client_for(cast.admin)
        request = receive(patient, actor=cast.admin, kind="erasure")
        address = reverse("patients:erasure-execute", args=[patient.pk])
        wrong = admin.post(address, {"record_number": "1", "request_id": request.pk})
        assert wrong.status_code == 409
        assert fresh(patient).phone
        right = admin.post(address, {"record_number": patient.record_number, "request_id": request.pk})
        assert right["Location"] == reverse("patients:data-request-detail", args=[request.pk])
        assert fresh(patient).phone is None
        assert request.number in admin.get(reverse("patients:data-rights", args=[patient.pk])).content.decode()
        shown = admin.get(reverse("patients:detail", args=[patient.pk])).content.decode()
        assert "5 Maret 2026" in shown

    def test_without_a_request_a_reason_is_asked_for(self, cast, client_for):
        patient, admin = full(cast), client_for(cast.admin)
        address = reverse("patients:erasure-execute", args=[patient.pk])
        assert admin.post(address, {"record_number": patient.record_number}).status_code == 422
        assert fresh(patient).phone
        given = {"record_number": patient.record_number, "reason": "Surat 5 Maret"}
        assert admin.post(address, given)["Location"] == reverse("patients:data-rights", args=[patient.pk])

    def test_obstacles_are_shown_instead_of_the_form(self, cast, client_for):
        patient = full(cast, legal_hold=True)
        page = client_for(cast.admin).get(reverse("patients:erasure", args=[patient.pk])).content.decode()
        assert 'name="record_number"' not in page

    def test_a_hold_is_set_and_lifted_here(self, cast, client_for):
        patient, admin = full(cast), client_for(cast.admin)
        for held in ("1", "1", "0"):
            admin.post(reverse("patients:hold", args=[patient.pk]), {"held": held})
            assert fresh(patient).legal_hold == (held == "1")
        actions = AuditEvent.objects.filter(action__startswith="patients.hold").order_by("id")
        assert [event.action for event in actions] == ["patients.hold.set", "patients.hold.lifted"]  # once each

    @pytest.mark.parametrize("removed", range(1, 26, 3))
    def test_no_page_of_the_certificate_holds_the_signature_alone(self, cast, removed):
        done = erase(full(cast), cast)
        done.removed = [done.removed[0]] * removed
        pages = [page.extract_text() for page in PdfReader(BytesIO(erasure_papers.certificate(done))).pages]
        assert len(pages) == {1: 1, 25: 2}.get(removed, len(pages))
        assert "PMK 24/2022" in pages[-1]
        assert cast.admin.full_name in pages[-1]

    def test_the_certificate_says_what_went_and_what_stays(self, cast, client_for):
        patient = full(cast)
        patient.language = "en"
        patient.save(update_fields=["language"])
        AllergyFactory(patient=patient, recorded_by=cast.nurse)
        done = erase(patient, cast)
        answer = client_for(cast.admin).get(reverse("patients:erasure-certificate", args=[done.pk]))
        text = " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages).split())
        for words in (
            done.number,
            patient.record_number,
            "Rahmat Hidayat",
            "Photo",
            "1 allergy",
            "PMK 24/2022",
            "2051",
        ):
            assert words in text, words
        for gone in ("628111222333", "rahmat@surat", "Nelayan", "Dewi"):
            assert gone not in text
        assert AuditEvent.objects.filter(action="patients.paper.printed", patient_id=patient.pk).exists()

    def test_the_preview_costs_the_same_with_more_rows(self, cast, client_for, django_assert_max_num_queries):
        patient = full(cast)
        for day in range(30):
            VisitFactory(patient=patient, status="finished", visit_on=date(2025, 1, 1) + timedelta(days=day))
        admin = client_for(cast.admin)
        with django_assert_max_num_queries(110):
            admin.get(reverse("patients:erasure", args=[patient.pk]))

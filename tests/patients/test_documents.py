"""Documents of a record: who sees which, adding several, correcting, marking as wrong, previews, opening."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image
from reportlab.pdfgen import canvas

from audit.models import AuditEvent
from core import clock, files, uploads, workers
from core.errors import NotPermitted
from core.models import StoredFile
from patients import tasks
from patients.errors import (
    DocumentClosed,
    DocumentKnown,
    InvalidPatientData,
    PatientMerged,
    ReasonMissing,
    TooManyDocuments,
)
from patients.models import CareTeamMember, GuardianLink, Patient, PatientDocument
from patients.persons import SESSION_KEY
from patients.services import documents
from tests.core import hostile_files as hostile
from tests.core.test_files import as_local, as_s3, names, s3_server  # noqa: F401 - a fixture
from tests.factories import documents as made
from tests.factories.patients import GuardianLinkFactory, PatientFactory

TODAY = date(2026, 3, 5)
Thumbnail = PatientDocument.Thumbnail


@pytest.fixture
def patient(cast):
    return PatientFactory(care_team=[cast.doctor, cast.lab_officer, cast.nurse])


def sent(**more):
    return {"papers": made.paper(), "category": "laboratory", "documented_on": "2026-03-01", "title": "", **more}


def add(client, patient, **more):
    return client.post(reverse("patients:document-add", args=[patient.pk]), sent(**more))


def titles(user):
    return {row.title for row in PatientDocument.objects.visible_to(user)}


# --- Who sees which -------------------------------------------------------------------------------------------------


def test_clinical_papers_are_for_those_who_read_the_record(cast, patient):
    for category, title in (("laboratory", "hasil"), ("insurance", "kartu")):
        made.document(patient, cast.admin, category, data=hostile.png(20 + len(title), 20), name="a.png", title=title)
    both = {"hasil", "kartu"}
    assert titles(cast.doctor) == titles(cast.nurse) == both
    assert titles(cast.receptionist) == titles(cast.cashier) == {"kartu"}
    assert titles(cast.lab_officer) == {"kartu"}
    assert titles(cast.other_doctor) == titles(cast.owner) == titles(cast.patient_user) == set()


def test_who_adds_a_paper_sees_it_for_a_day_while_they_see_the_patient(cast, patient):
    document = made.document(patient, cast.lab_officer, title="hasil")
    assert titles(cast.lab_officer) == {"hasil"}
    PatientDocument.objects.filter(pk=document.pk).update(uploaded_at=clock.now() - timedelta(hours=25))
    assert titles(cast.lab_officer) == set()
    PatientDocument.objects.filter(pk=document.pk).update(uploaded_at=clock.now())
    CareTeamMember.objects.filter(patient=patient).update(ends_at=clock.now() - timedelta(minutes=1))
    assert titles(cast.lab_officer) == set()


def test_patients_see_what_is_current_and_not_for_the_clinic_only(cast):
    patient = cast.patient_user.patient
    made.document(patient, cast.doctor, title="terbuka")
    made.document(patient, cast.doctor, data=hostile.png(), name="a.png", title="internal", is_internal=True)
    wrong = made.document(patient, cast.doctor, data=hostile.jpeg(), name="a.jpg", title="salah")
    documents.mark_document_in_error(document_id=wrong.pk, actor=cast.doctor, reason="Pasien lain")
    assert titles(cast.patient_user) == {"terbuka"}
    assert titles(cast.other_patient_user) == set()


@pytest.mark.parametrize("name", ["detail", "file", "download", "preview"])
def test_other_peoples_papers_do_not_exist(cast, client_for, patient, name):
    document = made.document(patient, cast.doctor)
    documents.make_preview(document_id=document.pk)
    staff, portal = f"patients:document-{name}", f"patients:portal-document-{name}"
    assert client_for(cast.doctor).get(reverse(staff, args=[document.pk])).status_code == 200
    for user in (cast.other_doctor, cast.receptionist, cast.cashier):
        assert client_for(user).get(reverse(staff, args=[document.pk])).status_code == 404, user
    assert client_for(cast.patient_user).get(reverse(portal, args=[document.pk])).status_code == 404
    assert not AuditEvent.objects.filter(action="patients.document.opened").exclude(actor_id=cast.doctor.pk).exists()


def test_a_guardian_reads_and_sends_until_the_link_ends(cast, client_for):
    child = PatientFactory(birth_date=date(2018, 6, 2))
    link = GuardianLinkFactory(guardian=cast.patient_user, dependant=child)
    document = made.document(child, cast.doctor)
    client = client_for(cast.patient_user)
    url = reverse("patients:portal-document-file", args=[document.pk])
    assert client.get(url).status_code == 404, "the own record is open, not the child's"
    session = client.session
    session[SESSION_KEY] = str(child.pk)
    session.save()
    assert client.get(url).status_code == 200
    answer = client.post(reverse("patients:portal-document-add"), sent(papers=made.picture(), person=str(child.pk)))
    assert answer.status_code == 302
    assert PatientDocument.objects.get(source="portal").patient == child
    GuardianLink.objects.filter(pk=link.pk).update(status=GuardianLink.Status.ENDED)
    assert client.get(url).status_code in (302, 404, 409)
    assert client.get(url).status_code == 404
    answer = client.post(
        reverse("patients:portal-document-add"), sent(papers=made.picture("b.jpg", 90), person=str(child.pk))
    )
    assert answer.status_code in (302, 409)
    assert PatientDocument.objects.filter(patient=child).count() == 2


def test_a_link_that_ends_while_files_are_checked_adds_nothing(cast, client_for, monkeypatch):
    child = PatientFactory(birth_date=date(2018, 6, 2))
    link = GuardianLinkFactory(guardian=cast.patient_user, dependant=child)
    client = client_for(cast.patient_user)
    session = client.session
    session[SESSION_KEY] = str(child.pk)
    session.save()
    ready_file = documents.ready_file

    def ready_and_ended(uploaded):
        GuardianLink.objects.filter(pk=link.pk).update(status=GuardianLink.Status.ENDED)
        return ready_file(uploaded)

    monkeypatch.setattr(documents, "ready_file", ready_and_ended)
    data = sent(papers=made.picture(), person=str(child.pk))
    answer = client.post(reverse("patients:portal-document-add"), data, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert [(one["ok"], bool(one["message"])) for one in answer.json()["files"]] == [(False, True)]
    assert not PatientDocument.objects.exists()
    assert not StoredFile.objects.exists()


def test_only_who_may_act_for_the_patient_adds_from_the_portal(cast):
    own, other = cast.patient_user.patient, cast.other_patient_user.patient
    made.document(own, cast.patient_user, source="portal")
    with pytest.raises(NotPermitted):
        made.document(other, cast.patient_user, source="portal")
    assert [row.patient_id for row in PatientDocument.objects.all()] == [own.pk]


# --- Adding ---------------------------------------------------------------------------------------------------------


def test_several_files_at_once_and_one_bad_one(cast, client_for, patient):
    papers = [made.paper("a.pdf"), made.Sent("b.pdf", b"not a pdf"), made.picture("c.jpg")]
    answer = add(client_for(cast.doctor), patient, papers=papers, title="Darah", note="Puasa", is_internal="on")
    assert answer.status_code == 422
    rows = PatientDocument.objects.order_by("pk")
    assert [(row.file_name, row.title, row.note, row.is_internal) for row in rows] == [
        ("a.pdf", "Darah", "Puasa", True),
        ("c.jpg", "Darah", "Puasa", True),
    ]
    assert {row.documented_on for row in rows} == {date(2026, 3, 1)}
    assert [one.name for one in answer.context["refused"]] == ["b.pdf"]
    assert [one.name for one in answer.context["added"]] == ["a.pdf", "c.jpg"]
    assert AuditEvent.objects.filter(action="patients.document.added", patient_id=patient.pk).count() == 2


def test_the_script_is_told_about_each_file(cast, client_for, patient):
    client, url = client_for(cast.doctor), reverse("patients:document-add", args=[patient.pk])
    good = client.post(url, sent(), headers={"Accept": "application/json"})
    assert (good.status_code, good.json()) == (
        200,
        {"files": [{"name": "hasil.pdf", "ok": True, "message": ""}], "errors": {}},
    )
    again = client.post(url, sent(), headers={"Accept": "application/json"})
    assert again.status_code == 422
    assert again.json()["files"][0]["ok"] is False
    bare = client.post(url, {"papers": made.paper()}, headers={"Accept": "application/json"})
    assert (bare.status_code, sorted(bare.json()["errors"])) == (422, ["category", "documented_on"])
    assert PatientDocument.objects.count() == 1


def test_a_form_sent_twice_adds_once(cast, patient):
    made.document(patient, cast.doctor, refuse_known=True)
    with pytest.raises(DocumentKnown):
        made.document(patient, cast.doctor, refuse_known=True)
    made.document(PatientFactory(), cast.doctor, refuse_known=True)
    made.document(patient, cast.doctor)  # evidence of a consent may be the same scan
    assert PatientDocument.objects.count() == 3


def test_two_at_once_add_the_same_file_once(cast, patient, race):
    ready = [documents.ready_upload(uploads.check_document(hostile.pdf(), name="a.pdf")) for _ in range(2)]

    def work(one):
        return documents.add_document(
            patient_id=patient.pk, ready=one, category="laboratory", actor=cast.doctor, refuse_known=True
        )

    results = race(work, [(one,) for one in ready])
    assert sorted(type(one).__name__ for one in results) == ["DocumentKnown", "PatientDocument"]
    assert PatientDocument.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"documented_on": "2026-03-06"},
        {"documented_on": "2026-02-30"},
        {"category": "wrong"},
        {"category": ""},
        {"papers": ""},
    ],
    ids=str,
)
def test_a_wrong_form_adds_nothing(cast, client_for, patient, change):
    answer = add(client_for(cast.doctor), patient, **change)
    assert answer.status_code == 422
    assert not PatientDocument.objects.exists()
    assert not StoredFile.objects.exists()


def test_eleven_files_are_too_many(cast, client_for, patient):
    answer = add(client_for(cast.doctor), patient, papers=[made.picture(f"{number}.jpg") for number in range(11)])
    assert answer.status_code == 422
    assert "11" in answer.context["form"].errors["papers"][0]
    assert not PatientDocument.objects.exists()


def test_the_service_guards_date_and_kind(cast, patient):
    with pytest.raises(InvalidPatientData):
        made.document(patient, cast.doctor, documented_on=TODAY + timedelta(days=1))
    with pytest.raises(InvalidPatientData):
        made.document(patient, cast.doctor, category="wrong")
    assert not PatientDocument.objects.exists()


def test_nothing_goes_into_a_merged_record(cast, patient):
    Patient.objects.filter(pk=patient.pk).update(status=Patient.Status.MERGED)
    with pytest.raises(PatientMerged):
        made.document(patient, cast.doctor)


def test_the_portal_has_a_limit_a_day(cast, client_for, monkeypatch):
    monkeypatch.setattr(documents, "MAX_FROM_PORTAL", 2)
    client, url, patient = (
        client_for(cast.patient_user),
        reverse("patients:portal-document-add"),
        cast.patient_user.patient,
    )
    for number in range(2):
        assert client.post(url, sent(papers=made.picture(width=70 + number))).status_code == 302
    answer = client.post(url, sent(papers=made.picture(width=80)))
    assert answer.status_code == 422
    assert "2" in answer.context["refused"][0].error
    assert PatientDocument.objects.filter(source="portal").count() == 2
    made.document(patient, cast.doctor)  # the clinic may go on
    PatientDocument.objects.update(uploaded_at=clock.now() - timedelta(hours=25))
    assert client.post(url, sent(papers=made.picture(width=81))).status_code == 302
    monkeypatch.setattr(documents, "MAX_FROM_PORTAL", 1)
    with pytest.raises(TooManyDocuments):
        made.document(patient, cast.patient_user, source="portal")


@pytest.mark.parametrize("category", ["consent", "request"])
def test_patients_do_not_send_consents_and_letters_here(cast, client_for, category):
    answer = client_for(cast.patient_user).post(reverse("patients:portal-document-add"), sent(category=category))
    assert answer.status_code == 422
    assert not PatientDocument.objects.exists()


def test_patients_cannot_hide_what_they_send(cast, client_for):
    client_for(cast.patient_user).post(reverse("patients:portal-document-add"), sent(is_internal="on"))
    assert PatientDocument.objects.get().is_internal is False


# --- Correcting, marking ------------------------------------------------------------------------------------------------


def test_what_is_written_may_be_corrected(cast, client_for, patient):
    document = made.document(patient, cast.doctor, title="Darh")
    client, url = client_for(cast.nurse), reverse("patients:document-edit", args=[document.pk])
    form = {"category": "imaging", "documented_on": "2026-03-02", "title": "Darah", "note": "", "version": "1"}
    assert client.post(url, form).status_code == 302
    document.refresh_from_db()
    assert (document.category, document.title, document.documented_on) == ("imaging", "Darah", date(2026, 3, 2))
    event = AuditEvent.objects.get(action="patients.document.corrected")
    assert event.detail == {
        "fields": ["category", "documented_on", "title"], "category_before": "laboratory", "category": "imaging"
    }  # fmt: skip
    assert client.post(url, form).status_code == 302
    assert AuditEvent.objects.filter(action="patients.document.corrected").count() == 1, "nothing changed"


def test_of_two_who_correct_the_same_paper_the_second_is_told(cast, client_for, patient):
    document = made.document(patient, cast.doctor, title="Darh")
    url = reverse("patients:document-edit", args=[document.pk])
    first, second = client_for(cast.nurse), client_for(cast.doctor)
    shown = [one.get(url).context["version"] for one in (first, second)]
    assert shown == [1, 1]
    form = {"category": "laboratory", "documented_on": "2026-03-02", "note": ""}
    assert first.post(url, {**form, "title": "Darah", "version": "1"}).status_code == 302
    for _press in range(2):  # pressing again does not write over it either
        answer = second.post(url, {**form, "title": "Urin", "version": str(shown[1])})
        assert answer.status_code == 409
        assert answer.context["form"].non_field_errors()
        shown[1] = answer.context["version"]
    for tampered in ("", "x", "0", "-1"):
        assert second.post(url, {**form, "title": "Urin", "version": tampered}).status_code == 409
    document.refresh_from_db()
    assert (document.title, document.version) == ("Darah", 2)
    assert AuditEvent.objects.filter(action="patients.document.corrected").count() == 1
    assert second.post(url, {**form, "title": "Urin", "version": "2"}).status_code == 302


def test_of_corrections_at_once_one_is_written(cast, race, patient):
    document, doctor = made.document(patient, cast.doctor), cast.doctor

    def correct(title):
        documents.correct_document(
            document_id=document.pk, version=1, actor=doctor, category="imaging", documented_on=TODAY, title=title
        )

    outcomes = race(correct, [("satu",), ("dua",), ("tiga",)])
    assert sorted(type(one).__name__ for one in outcomes) == ["DocumentChanged", "DocumentChanged", "NoneType"]
    document.refresh_from_db()
    assert document.version == 2


def test_a_wrong_paper_leaves_the_list_and_stays_readable(cast, client_for, patient):
    document = made.document(patient, cast.doctor, title="Salah pasien")
    client = client_for(cast.doctor)
    url = reverse("patients:document-mark-wrong", args=[document.pk])
    assert client.post(url, {"reason": " "}).status_code == 422
    assert client.post(url, {"reason": "Pasien lain"}).status_code == 302
    page = reverse("patients:documents", args=[patient.pk])
    assert "Salah pasien" not in client.get(page).content.decode()
    assert "Salah pasien" in client.get(page, {"show": "wrong"}).content.decode()
    detail = client.get(reverse("patients:document-detail", args=[document.pk])).content.decode()
    assert "Pasien lain" in detail
    assert client.get(reverse("patients:document-file", args=[document.pk])).status_code == 200
    assert client.post(url, {"reason": "lagi"}).status_code == 409
    with pytest.raises(DocumentClosed):
        documents.correct_document(
            document_id=document.pk, version=1, actor=cast.doctor, category="other", documented_on=TODAY
        )
    with pytest.raises(ReasonMissing):
        documents.mark_document_in_error(document_id=document.pk, actor=cast.doctor, reason="\u200b")


# --- Previews -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [hostile.pdf(2), hostile.png(900, 300)], ids=["pdf", "png"])
def test_the_worker_makes_a_preview(cast, patient, data):
    document = made.document(patient, cast.doctor, data=data, name="")
    assert document.thumbnail_state == Thumbnail.WAITING
    assert documents.make_preview(document_id=document.pk) is True
    document.refresh_from_db()
    assert document.thumbnail_state == Thumbnail.READY
    with Image.open(BytesIO(files.read(document.thumbnail))) as picture:
        assert max(picture.size) <= 320
    assert documents.make_preview(document_id=document.pk) is False, "twice is once"
    assert StoredFile.objects.count() == 2


def test_adding_tells_the_worker(cast, patient, django_capture_on_commit_callbacks, monkeypatch):
    told = []
    monkeypatch.setattr(workers.current_app, "send_task", lambda *given, **options: told.append((given, options)))
    with django_capture_on_commit_callbacks(execute=True):
        document = made.document(patient, cast.doctor)
    assert [options["args"] for _given, options in told] == [[str(document.pk)]]


def test_a_lost_nudge_is_found_by_the_sweep(cast, patient, monkeypatch):
    handed_out = []
    monkeypatch.setattr(tasks.make_preview, "apply_async", lambda args: handed_out.append(args))
    document = made.document(patient, cast.doctor)
    assert documents.previews_due() == []
    PatientDocument.objects.update(uploaded_at=clock.now() - timedelta(minutes=2))
    assert documents.previews_due() == [document.pk]
    assert (tasks.sweep_previews(), handed_out) == (1, [[str(document.pk)]])
    assert tasks.make_preview(*handed_out[0]) is True
    document.refresh_from_db()
    assert document.thumbnail_state == Thumbnail.READY
    assert documents.previews_due() == []


def test_a_busy_decoder_leaves_it_waiting_but_not_for_ever(cast, patient, monkeypatch):
    document = made.document(patient, cast.doctor)

    def busy(*given, **options):
        raise uploads.DecoderBusy("busy", retry_after_seconds=60)

    monkeypatch.setattr(uploads, "thumbnail", busy)
    assert documents.make_preview(document_id=document.pk) is False
    document.refresh_from_db()
    assert document.thumbnail_state == Thumbnail.WAITING
    PatientDocument.objects.update(uploaded_at=clock.now() - timedelta(days=2))
    documents.make_preview(document_id=document.pk)
    document.refresh_from_db()
    assert document.thumbnail_state == Thumbnail.NONE


def test_what_cannot_be_drawn_has_no_preview(cast, client_for, patient):
    document = made.document(patient, cast.doctor)
    storages["files"].delete(document.file.name)
    assert documents.make_preview(document_id=document.pk) is False
    document.refresh_from_db()
    assert document.thumbnail_state == Thumbnail.NONE
    client = client_for(cast.doctor)
    assert client.get(reverse("patients:document-preview", args=[document.pk])).status_code == 404
    answer = client.get(reverse("patients:document-file", args=[document.pk]))
    assert answer.status_code == 409, "a sentence, no fault"


def test_two_workers_make_one_preview(cast, patient, race):
    document = made.document(patient, cast.doctor)
    results = race(lambda pk: documents.make_preview(document_id=pk), [(document.pk,), (document.pk,)])
    assert sorted(results) == [False, True]
    assert StoredFile.objects.count() == 2


# --- Opening ------------------------------------------------------------------------------------------------------------


def test_each_opening_is_written_down(cast, client_for, patient):
    document = made.document(patient, cast.doctor, name="Hasil Lab.pdf")
    client = client_for(cast.doctor)
    shown = client.get(reverse("patients:document-file", args=[document.pk]))
    assert shown["Content-Disposition"].startswith("inline")
    assert "frame-ancestors 'self'" in shown["Content-Security-Policy"]
    assert "no-store" in shown["Cache-Control"]
    kept = client.get(reverse("patients:document-download", args=[document.pk]))
    assert kept["Content-Disposition"] == 'attachment; filename="Hasil Lab.pdf"'
    assert kept.content == files.read(document.file)
    details = (
        AuditEvent.objects.filter(action="patients.document.opened").order_by("id").values_list("detail", flat=True)
    )
    assert list(details) == [{"category": "laboratory", "how": "view"}, {"category": "laboratory", "how": "download"}]


def test_only_the_pdf_may_stand_in_a_frame(cast, client_for, patient):
    document = made.document(patient, cast.doctor, data=hostile.png(), name="a.png")
    client = client_for(cast.doctor)
    for name in ("file", "detail"):
        answer = client.get(reverse(f"patients:document-{name}", args=[document.pk]))
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"


def test_only_pages_that_take_pictures_may_use_the_camera(cast, client_for, patient):
    client = client_for(cast.receptionist)
    for name, arguments, wanted in (
        ("patients:documents", [patient.pk], "camera=()"),
        ("patients:document-add", [patient.pk], "camera=(self)"),
        ("patients:image-edit", [patient.pk, "photo"], "camera=(self)"),
        ("patients:detail", [patient.pk], "camera=()"),
    ):
        assert client.get(reverse(name, args=arguments))["Permissions-Policy"].startswith(wanted), name


# --- The list -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("portal", [False, True], ids=["staff", "portal"])
def test_the_list_costs_the_same_for_3_and_30(cast, client_for, portal, monkeypatch):
    monkeypatch.setattr("patients.views.documents.PAGE_SIZE", 40)
    monkeypatch.setattr("patients.portal.documents.PAGE_SIZE", 40)
    patient = cast.patient_user.patient
    client = client_for(cast.patient_user if portal else cast.admin)
    url = reverse("patients:portal-documents") if portal else reverse("patients:documents", args=[patient.pk])
    client.get(url)
    counts, shown = [], []
    for number in (3, 27):
        for _one in range(number):
            stored = files.store(b"x", content_type="image/png")
            PatientDocument.objects.create(
                patient=patient, category="laboratory", file_name="a.png", documented_on=TODAY, file=stored,
                thumbnail=stored, thumbnail_state="ready", uploaded_at=clock.now(), uploaded_by=cast.doctor,
            )  # fmt: skip
        with CaptureQueriesContext(
            connection,
        ) as queries:
            shown.append(len(client.get(url).context["page"].rows))
        counts.append(len(queries))
    assert shown == [3, 30]
    assert counts[0] == counts[1], counts


def test_pages_and_filters(cast, client_for, patient, monkeypatch):
    monkeypatch.setattr("patients.views.documents.PAGE_SIZE", 2)
    for number, category in enumerate(["laboratory", "laboratory", "laboratory", "imaging"]):
        made.document(
            patient, cast.doctor, category, data=hostile.png(30 + number), name="a.png", title=f"nomor {number}"
        )
    client, url = client_for(cast.doctor), reverse("patients:documents", args=[patient.pk])

    def shown(address):
        answer = client.get(address)
        return [row.title for row in answer.context["page"]], answer.context["page"].next_url

    rows, following = shown(url)
    assert rows == ["nomor 3", "nomor 2"]
    assert shown(url + following)[0] == ["nomor 1", "nomor 0"]
    assert shown(f"{url}?category=imaging") == (["nomor 3"], "")
    assert shown(f"{url}?category=nothing")[0] == ["nomor 3", "nomor 2"]


# --- In the storage ---------------------------------------------------------------------------------------------------------


def canary_pdf():
    out = BytesIO()
    page = canvas.Canvas(out, pageCompression=0)
    page.drawString(50, 700, "CANARY 2171014507850002 Siti Aminah")
    page.save()
    return out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["local", "s3"])
def test_nothing_readable_lies_in_any_storage(kind, request, settings, tmp_path, cast, client_for):
    if kind == "local":
        as_local(settings, tmp_path)
    else:
        as_s3(settings, request.getfixturevalue("s3_server"), bucket="emr-papers")
    patient = PatientFactory(care_team=[cast.doctor])
    data = canary_pdf()
    assert b"CANARY 2171014507850002" in data
    answer = add(client_for(cast.doctor), patient, papers=made.Sent("CANARY Siti.pdf", data))
    assert answer.status_code == 302
    document = PatientDocument.objects.get()
    documents.make_preview(document_id=document.pk)
    made.image(patient, cast.doctor)
    storage = storages["files"]
    stored = names(storage)
    assert len(stored) == 4
    for name in stored:
        with storage.open(name, "rb") as blob:
            content = blob.read()
        assert files._OURS.fullmatch(name)
        for word in (b"CANARY", b"2171014507850002", b"Siti", b"%PDF", b"JFIF", data[40:80]):
            assert word not in content
    assert files.read(document.file) == data

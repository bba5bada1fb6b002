import pytest

from audit.models import AuditEvent
from billing.models import Charge
from consultations import services
from consultations.errors import DiagnosisMissing, NoteChanged, NoteSigned, NotYourVisit, UnknownDiagnosis, WrongStage
from consultations.models import Diagnosis, Note
from consultations.services import ChosenDiagnosis
from core.errors import InvalidInput
from scheduling.models import Visit
from tests.factories.consultations import DiagnosisCodeFactory, NoteFactory, SignedNoteFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import VisitFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(cast):
    return VisitFactory(
        doctor=cast.doctor, patient=PatientFactory(care_team=[cast.doctor]), status=Visit.Status.IN_CONSULTATION
    )


def save(visit, actor, version=0, fee=100_000, **soap):
    return services.save_draft(
        visit_id=visit.pk, actor=actor, version=version, consultation_fee_idr=fee, **{"subjective": "Batuk", **soap}
    )


def sign(visit, actor, *, codes=None, version=0, fee=100_000, **soap):
    codes = [DiagnosisCodeFactory()] if codes is None else codes
    ranks = ["primary"] + ["secondary"] * len(codes)
    chosen = [ChosenDiagnosis(code.pk, rank) for code, rank in zip(codes, ranks, strict=False)]
    return services.sign_note(
        visit_id=visit.pk, actor=actor, version=version, consultation_fee_idr=fee, diagnoses=chosen,
        **{"subjective": "Batuk", **soap},
    )  # fmt: skip


def test_only_the_doctor_of_the_visit_writes(cast, visit):
    for stranger in (cast.other_doctor, cast.nurse, cast.admin):
        with pytest.raises(NotYourVisit):
            save(visit, stranger)
        with pytest.raises(NotYourVisit):
            sign(visit, stranger)
    assert not Note.objects.exists()


def test_drafts_and_others_notes_are_closed(cast):
    mine = cast.patient_user.patient
    draft = NoteFactory(visit__patient=mine)
    signed = SignedNoteFactory(visit__patient=mine)
    SignedNoteFactory(visit__patient=cast.other_patient_user.patient)
    assert list(Note.objects.visible_to(cast.patient_user)) == [signed]
    assert list(Diagnosis.objects.visible_to(cast.patient_user)) == list(signed.diagnoses.all())
    for outsider in (cast.doctor, cast.cashier, cast.pharmacist, cast.receptionist, cast.owner):
        assert not Note.objects.visible_to(outsider).exists()
    assert draft in Note.objects.visible_to(cast.nurse)


def test_the_switch_takes_notes_from_admins(cast, settings):
    SignedNoteFactory()
    assert Note.objects.visible_to(cast.admin).exists()
    settings.ADMIN_READS_NOTES = False
    assert not Note.objects.visible_to(cast.admin).exists()
    assert Note.objects.visible_to(cast.nurse).exists()


def test_a_draft_grows_by_versions_and_the_second_window_loses(cast, visit):
    assert save(visit, cast.doctor).version == 1
    assert save(visit, cast.doctor, version=1, plan="Istirahat").version == 2
    with pytest.raises(NoteChanged):
        save(visit, cast.doctor, version=1, plan="Lain")
    with pytest.raises(NoteChanged):
        save(visit, cast.doctor, version=0)
    assert Note.objects.get().plan == "Istirahat"
    assert AuditEvent.objects.filter(action="consultations.note.drafted").count() == 1


def test_a_note_belongs_to_a_running_consultation(cast, visit):
    Visit.objects.filter(pk=visit.pk).update(status=Visit.Status.WAITING)
    with pytest.raises(WrongStage):
        save(visit, cast.doctor)


def test_signing_locks_charges_and_records_codes(cast, visit):
    first, second = DiagnosisCodeFactory(), DiagnosisCodeFactory(code="R50.9", display_id="Demam")
    note = sign(visit, cast.doctor, codes=[first, second], fee=125_000)
    assert note.status == Note.Status.SIGNED
    assert [(row.code, row.rank, row.display) for row in note.diagnoses.all()] == [
        ("J06.9", "primary", "Infeksi saluran napas atas akut"),
        ("R50.9", "secondary", "Demam"),
    ]
    charge = Charge.objects.get()
    assert (charge.amount_idr, charge.source_type, charge.source_id) == (125_000, "consultations.note", note.pk)
    with pytest.raises(NoteSigned):
        sign(visit, cast.doctor, version=note.version)
    with pytest.raises(NoteSigned):
        save(visit, cast.doctor, version=note.version)
    assert Charge.objects.count() == Note.objects.count() == 1


def test_a_note_needs_one_primary_diagnosis_of_the_list(cast, visit):
    code = DiagnosisCodeFactory()
    gone = DiagnosisCodeFactory(code="A00.0", is_active=False)
    never_primary = DiagnosisCodeFactory(code="B95.0", is_primary_allowed=False)
    with pytest.raises(DiagnosisMissing):
        sign(visit, cast.doctor, codes=[])
    for codes in ([gone], [never_primary], [code, code]):
        with pytest.raises(UnknownDiagnosis):
            sign(visit, cast.doctor, codes=codes)
    both = [ChosenDiagnosis(code.pk, "primary"), ChosenDiagnosis(never_primary.pk, "primary")]
    with pytest.raises(DiagnosisMissing):
        services.sign_note(
            visit_id=visit.pk, actor=cast.doctor, version=0, consultation_fee_idr=0, diagnoses=both, subjective="x"
        )
    assert not Note.objects.exists()
    assert not Charge.objects.exists()
    assert sign(visit, cast.doctor, codes=[code, never_primary]).diagnoses.count() == 2


def test_an_empty_note_a_long_text_and_an_impossible_fee_are_refused(cast, visit):
    for fields in (
        {"subjective": " \x00\u200b "},
        {"plan": "x" * 10_001},
        {"fee": -1},
        {"fee": 10**12},
    ):
        with pytest.raises(InvalidInput):
            sign(visit, cast.doctor, **fields)
    assert not Note.objects.exists()


def test_hostile_text_is_kept_as_text(cast, visit):
    text = "<script>alert(1)</script>\n😷 'kutip' \"dua\" \x07\u202eterbalik"
    note = sign(visit, cast.doctor, subjective=text, plan="x" * 10_000)
    note.refresh_from_db()
    assert note.subjective == "<script>alert(1)</script>\n😷 'kutip' \"dua\" terbalik"
    assert len(note.plan) == 10_000

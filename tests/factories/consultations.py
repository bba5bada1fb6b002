from decimal import Decimal

import factory

from consultations.models import Diagnosis, DiagnosisCode, Note, VitalSigns
from core import clock
from tests.factories.accounts import UserFactory
from tests.factories.scheduling import VisitFactory


class DiagnosisCodeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = DiagnosisCode
        django_get_or_create = ("code",)

    code = "J06.9"
    display_en = "Acute upper respiratory infection, unspecified"
    display_id = "Infeksi saluran napas atas akut"
    search_text = "j06.9 acute upper respiratory infection infeksi saluran napas atas akut ispa"


class NoteFactory(factory.django.DjangoModelFactory):
    """A draft note on a visit."""

    class Meta:
        model = Note

    visit = factory.SubFactory(VisitFactory)
    patient = factory.LazyAttribute(lambda note: note.visit.patient)
    author = factory.LazyAttribute(lambda note: note.visit.doctor)
    subjective = "Batuk tiga hari"
    created_at = factory.LazyFunction(clock.now)
    updated_at = factory.LazyFunction(clock.now)


class SignedNoteFactory(NoteFactory):
    """A signed note with one primary diagnosis `code`."""

    class Meta:
        model = Note
        skip_postgeneration_save = True

    status = Note.Status.SIGNED
    plan = "Istirahat dan banyak minum"
    signed_at = factory.LazyFunction(clock.now)

    @factory.post_generation
    def code(self, create, extracted, **kwargs):
        code = extracted or DiagnosisCodeFactory()
        Diagnosis.objects.create(
            note=self, patient=self.patient, system=code.system, edition=code.edition, code=code.code,
            display=code.display_id, rank=Diagnosis.Rank.PRIMARY,
        )  # fmt: skip


class VitalsFactory(factory.django.DjangoModelFactory):
    """A valid set of vital signs of an adult."""

    class Meta:
        model = VitalSigns

    visit = factory.SubFactory(VisitFactory)
    patient = factory.LazyAttribute(lambda vitals: vitals.visit.patient)
    systolic_mmhg = 120
    diastolic_mmhg = 80
    heart_rate_bpm = 72
    temperature_c = Decimal("36.6")
    weight_kg = Decimal("58.5")
    height_cm = Decimal("160.0")
    recorded_at = factory.LazyFunction(clock.now)
    recorded_by = factory.SubFactory(UserFactory)

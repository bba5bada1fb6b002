import factory

from consultations.models import DiagnosisCode, Note
from core import clock
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

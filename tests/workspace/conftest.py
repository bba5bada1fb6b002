import pytest

from consultations.models import Note
from scheduling.models import Visit
from tests.factories.consultations import DiagnosisCodeFactory
from tests.factories.patients import PatientFactory
from tests.factories.pharmacy import MedicineFactory
from tests.factories.scheduling import VisitFactory


@pytest.fixture
def patient(cast):
    return PatientFactory(full_name="Rahmat Hidayat", care_team=[cast.doctor], email="rahmat@surat.example")


@pytest.fixture
def visit(cast, patient):
    """A running consultation of the doctor."""
    return VisitFactory(doctor=cast.doctor, patient=patient, status=Visit.Status.IN_CONSULTATION)


@pytest.fixture
def medicine(db):
    return MedicineFactory(stock=30)


@pytest.fixture
def typed(db):
    """Return the fields of a complete consultation, changed and extended as given."""
    DiagnosisCodeFactory()

    def make(medicine=None, **changes):
        fields = {
            "version": "0",
            "subjective": "Batuk tiga hari",
            "objective": "Faring merah",
            "assessment": "ISPA",
            "plan": "Istirahat, minum cukup",
            "consultation_fee": "150.000",
            "diagnosis": ["j06.9"],
        }
        if medicine is not None:
            fields |= {
                "line-0-medicine": str(medicine.pk),
                "line-0-quantity": "10",
                "line-0-signa": "3 x sehari 1 tablet",
            }
        return {**fields, **changes}

    return make


@pytest.fixture
def nothing_written(visit):
    """Return a check that a refused consultation left everything as it was."""
    from billing.models import Charge, Invoice
    from pharmacy.models import Medicine, Prescription

    def check(notes=0):
        assert Note.objects.filter(status=Note.Status.SIGNED).count() == 0
        assert Note.objects.count() == notes
        assert not Charge.objects.exists()
        assert not Invoice.objects.exists()
        assert not Prescription.objects.exists()
        assert set(Medicine.objects.values_list("reserved", flat=True)) <= {0}
        visit.refresh_from_db()
        assert (visit.status, visit.consulted_at) == (Visit.Status.IN_CONSULTATION, None)

    return check

"""Records past their legal time are proposed, never removed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core import clock
from notifications.models import Notice
from patients.errors import InvalidPatientData, ReasonMissing, RetentionDecided
from patients.models import Patient, RetentionProposal
from patients.services import retention
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import VisitFactory

pytestmark = pytest.mark.django_db


def old_patient(year=1999, **fields):
    patient = PatientFactory(**{"birth_date": date(1950, 1, 1), **fields})
    when = clock.now().replace(year=year)
    Patient.objects.filter(pk=patient.pk).update(created_at=when)
    patient.refresh_from_db()
    return patient


@pytest.mark.parametrize(
    ("born", "used", "due"),
    [
        (date(1950, 1, 1), date(2000, 3, 1), date(2025, 3, 1)),
        (date(1950, 1, 1), date(2000, 2, 29), date(2025, 3, 1)),
        (date(2000, 5, 1), date(2001, 1, 1), date(2043, 5, 1)),  # a child: counted from the eighteenth birthday
        (date(2004, 2, 29), date(2004, 3, 1), date(2047, 3, 1)),
    ],
)
def test_25_years_after_the_last_visit_or_the_eighteenth_birthday(born, used, due):
    assert retention.due_on(Patient(birth_date=born), used) == due


def test_only_what_is_due_is_proposed_and_nothing_is_removed(cast):
    assert cast.admin.is_active
    due, visited, held = old_patient(), old_patient(), old_patient(legal_hold=True)
    child = old_patient(birth_date=date(1998, 1, 1))
    young = PatientFactory()
    VisitFactory(patient=visited, visit_on=clock.today() - timedelta(days=400), status="finished")
    assert retention.propose_due() == 1
    row = RetentionProposal.objects.get()
    assert (row.patient, row.state) == (due, "proposed")
    assert Patient.objects.filter(pk__in=[p.pk for p in (due, visited, held, child, young)]).count() == 5
    assert Notice.objects.filter(kind="retention_due").exists()
    assert retention.propose_due() == 0, "proposed once"


def test_kept_records_come_again_on_their_day(cast):
    old_patient()
    retention.propose_due()
    row = RetentionProposal.objects.get()
    with pytest.raises(ReasonMissing):
        retention.keep_longer(proposal_id=row.pk, actor=cast.admin, reason=" ", keep_until=date(2030, 1, 1))
    with pytest.raises(InvalidPatientData):
        retention.keep_longer(proposal_id=row.pk, actor=cast.admin, reason="Perkara", keep_until=clock.today())
    retention.keep_longer(proposal_id=row.pk, actor=cast.admin, reason="Perkara", keep_until=date(2030, 1, 1))
    assert retention.propose_due() == 0
    RetentionProposal.objects.update(keep_until=clock.today())
    assert retention.propose_due() == 1
    row.refresh_from_db()
    assert (row.state, row.reason, row.keep_until) == ("proposed", "", None)


def test_an_approval_is_a_decision_and_removes_nothing(cast):
    patient = old_patient()
    retention.propose_due()
    row = RetentionProposal.objects.get()
    retention.approve(proposal_id=row.pk, actor=cast.admin, reason="BA-1/2026")
    assert Patient.objects.filter(pk=patient.pk).exists()
    with pytest.raises(RetentionDecided):
        retention.approve(proposal_id=row.pk, actor=cast.admin, reason="BA-2/2026")


def test_no_approval_of_a_record_used_since(cast):
    patient = old_patient()
    retention.propose_due()
    VisitFactory(patient=patient)
    with pytest.raises(InvalidPatientData):
        retention.approve(proposal_id=RetentionProposal.objects.get().pk, actor=cast.admin, reason="BA-1/2026")


def test_two_admins_decide_once(race, cast):
    old_patient()
    retention.propose_due()
    row, admin = RetentionProposal.objects.get(), cast.admin

    def go():
        retention.approve(proposal_id=row.pk, actor=admin, reason="BA-1/2026")

    assert sorted(type(found).__name__ for found in race(go, [(), ()])) == ["NoneType", "RetentionDecided"]

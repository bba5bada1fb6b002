from datetime import date

import factory

from core import clock
from patients.guardians import adult_on
from patients.models import Allergy, CareTeamMember, GuardianLink, Patient, PortalRegistration, Sex
from tests.factories.accounts import PatientUserFactory, UserFactory


class PatientFactory(factory.django.DjangoModelFactory):
    """A registered patient with search tokens; `care_team=[doctor, "pharmacist"]` lets people or roles read the record."""

    class Meta:
        model = Patient
        skip_postgeneration_save = True

    record_number = factory.Sequence(lambda n: f"{900001 + n}")
    full_name = factory.Sequence(lambda n: f"Siti Aminah {n}")
    birth_date = date(1990, 5, 17)
    sex = Sex.FEMALE
    phone = "+6281234567890"
    created_at = factory.LazyFunction(clock.now)

    @factory.post_generation
    def tokens(self, create, extracted, **kwargs):
        from patients.search import write_tokens

        write_tokens(self)

    @factory.post_generation
    def care_team(self, create, extracted, **kwargs):
        for member in extracted or []:
            name = CareTeamMember.of_role(member) if isinstance(member, str) else CareTeamMember.of_user(member.pk)
            CareTeamMember.objects.create(patient=self, member=name, since=clock.now())


class AllergyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Allergy
        skip_postgeneration_save = True

    patient = factory.SubFactory(PatientFactory)
    substance = "Amoksisilin"
    group = Allergy.Group.PENICILLIN
    reaction = "Ruam gatal"
    severity = Allergy.Severity.MODERATE
    recorded_at = factory.LazyFunction(clock.now)
    recorded_by = factory.SubFactory(UserFactory)

    @factory.post_generation
    def state(self, create, extracted, **kwargs):
        self.patient.allergy_status, self.patient.allergy_asked_at = Patient.AllergyStatus.KNOWN, self.recorded_at
        self.patient.save(update_fields=["allergy_status", "allergy_asked_at"])


class RegistrationFactory(factory.django.DjangoModelFactory):
    """A portal sign-up that waits; its account cannot sign in yet."""

    class Meta:
        model = PortalRegistration

    user = factory.SubFactory(PatientUserFactory, is_active=False)
    full_name = factory.LazyAttribute(lambda registration: registration.user.full_name)
    birth_date = date(1985, 3, 9)
    sex = Sex.MALE
    phone = "+6281311112222"
    created_at = factory.LazyFunction(clock.now)


class GuardianLinkFactory(factory.django.DjangoModelFactory):
    """A proven link of a portal account to a child born in 2018."""

    class Meta:
        model = GuardianLink

    guardian = factory.SubFactory(PatientUserFactory)
    dependant = factory.SubFactory(PatientFactory, full_name="Budi Kecil", birth_date=date(2018, 6, 2))
    relationship = GuardianLink.Relationship.PARENT
    proof = GuardianLink.Proof.FAMILY_CARD
    status = GuardianLink.Status.ACTIVE
    requested_at = factory.LazyFunction(clock.now)
    requested_by = factory.SelfAttribute("guardian")
    proven_at = factory.LazyFunction(clock.now)
    proven_by = factory.SubFactory(UserFactory)
    ends_on = factory.LazyAttribute(lambda link: adult_on(link.dependant.birth_date))
    is_for_child = True


class GuardianRequestFactory(GuardianLinkFactory):
    """A request from the portal that waits for proof."""

    dependant = None
    proof = ""
    status = GuardianLink.Status.REQUESTED
    asked_name = "Budi Kecil"
    asked_birth_date = date(2018, 6, 2)
    proven_at = None
    proven_by = None
    ends_on = None
    is_for_child = False

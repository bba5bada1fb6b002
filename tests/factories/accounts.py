import factory

from accounts.access import Role
from accounts.models import RoleAssignment, Specialty, StaffProfile, User
from core import clock


class UserFactory(factory.django.DjangoModelFactory):
    """A member of staff; `roles=[Role.X, ...]` gives rights."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@klinik.example")
    full_name = factory.Sequence(lambda n: f"Petugas Nomor {n}")
    password = factory.django.Password("rahasia-klinik-2026")

    @factory.post_generation
    def roles(self, create, extracted, **kwargs):
        for role in extracted or []:
            RoleAssignment.objects.create(user=self, role=role)


class DoctorFactory(UserFactory):
    full_name = factory.Sequence(lambda n: f"Rina Hartati {n}")

    @factory.post_generation
    def profile(self, create, extracted, **kwargs):
        RoleAssignment.objects.get_or_create(user=self, role=Role.DOCTOR)
        fields = {
            "specialty": Specialty.GENERAL,
            "title_prefix": "dr.",
            "sip_number": "503/SIP/001",
            "verified_at": clock.now(),
        }
        StaffProfile.objects.create(user=self, **{**fields, **(extracted or {})})


class PatientUserFactory(UserFactory):
    kind = User.Kind.PATIENT
    username = factory.Sequence(lambda n: f"pasien{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@surat.example")

    @factory.post_generation
    def roles(self, create, extracted, **kwargs):
        RoleAssignment.objects.create(user=self, role=Role.PATIENT)

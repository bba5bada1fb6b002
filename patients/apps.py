from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = _("Patients")

    def ready(self) -> None:
        from accounts.guards import choose_person_by
        from patients.persons import chooser

        choose_person_by(chooser)

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = _("Patients")

    def ready(self) -> None:
        from accounts import names
        from accounts.guards import choose_person_by
        from patients.persons import chooser
        from patients.sign_in import account_of_number

        names.register(account_of_number)
        choose_person_by(chooser)

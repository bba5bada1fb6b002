from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PatientsConfig(AppConfig):
    name = "patients"
    verbose_name = _("Patients")

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from accounts import names
        from accounts.guards import choose_person_by
        from patients import integrity, personal_copy, personal_sections
        from patients.importing import kinds
        from patients.persons import chooser
        from patients.region_files import seed
        from patients.services import breaches
        from patients.sign_in import account_of_number

        names.register(account_of_number)
        choose_person_by(chooser)
        integrity.register_own()
        personal_sections.register_own()
        personal_copy.register()
        breaches.register_job()
        kinds.register()
        post_migrate.connect(seed, sender=self, dispatch_uid="patients.regions")

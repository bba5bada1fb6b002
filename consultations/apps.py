from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsultationsConfig(AppConfig):
    name = "consultations"
    verbose_name = _("Consultations")

    def ready(self) -> None:
        from consultations import personal_data
        from consultations.models import Note
        from scheduling.services.serving import keep_begun_if

        personal_data.register_own()
        keep_begun_if(lambda visit: Note.objects.filter(visit=visit, current=1).exists())

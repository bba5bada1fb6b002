from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        from billing import erasing, integrity, personal_data
        from billing.services import last_bills
        from patients.services.retention import count_use_by

        erasing.register_own()
        integrity.register_own()
        personal_data.register_own()
        count_use_by(last_bills)

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SchedulingConfig(AppConfig):
    name = "scheduling"
    verbose_name = _("Scheduling")

    def ready(self) -> None:
        from notifications.delivery import check_before_sending
        from patients.merge_rules import check_before_merge
        from patients.services.archiving import check_before_archive
        from patients.services.retention import count_use_by
        from scheduling import integrity, personal_data
        from scheduling.services import reminders, waitlist
        from scheduling.services.visits import last_visits, obstacles_to_archiving, refuse_two_open_visits

        count_use_by(last_visits)
        check_before_archive(obstacles_to_archiving)
        check_before_merge(refuse_two_open_visits)
        check_before_sending(reminders.TEMPLATE, reminders.is_still_true)
        check_before_sending(waitlist.OFFER_MAIL, waitlist.is_offer_open)
        integrity.register_own()
        personal_data.register_own()

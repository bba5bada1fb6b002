from django.urls import path

from pharmacy import portal
from pharmacy.views import lookups, prescriptions, stock

app_name = "pharmacy"

urlpatterns = [
    path("prescriptions/", prescriptions.prescription_list, name="prescription-list"),
    path("prescriptions/queue/", prescriptions.queue, name="queue"),
    path("prescriptions/queue/panel/", prescriptions.queue_panel, name="queue-panel"),
    path("prescriptions/lines/check/", lookups.lines_check, name="lines-check"),
    path("prescriptions/<uuid:pk>/", prescriptions.prescription_detail, name="prescription-detail"),
    path(
        "prescriptions/<uuid:pk>/confirm-prices/",
        prescriptions.prescription_confirm_prices,
        name="prescription-confirm-prices",
    ),
    path("prescriptions/<uuid:pk>/next/", prescriptions.prescription_next_panel, name="prescription-next-panel"),
    path("prescriptions/<uuid:pk>/dispense/", prescriptions.prescription_dispense, name="prescription-dispense"),
    path("prescriptions/<uuid:pk>/cancel/", prescriptions.prescription_cancel, name="prescription-cancel"),
    path("prescriptions/<uuid:pk>/pdf/", prescriptions.prescription_pdf, name="prescription-pdf"),
    path("prescriptions/<uuid:pk>/labels/", prescriptions.prescription_labels, name="prescription-labels"),
    path("prescription-items/<uuid:pk>/label/", prescriptions.item_label, name="item-label"),
    path("portal/prescriptions/<uuid:pk>/pdf/", portal.prescription_pdf, name="portal-prescription-pdf"),
    path("medicines/", stock.stock, name="stock"),
    path("medicines/search/", lookups.medicine_search, name="medicine-search"),
    path("medicines/<uuid:pk>/", stock.medicine_detail, name="medicine-detail"),
    path("medicines/<uuid:pk>/receive/", stock.stock_receive, name="stock-receive"),
    path("batches/<uuid:pk>/adjust/", stock.batch_adjust, name="batch-adjust"),
    path("batches/<uuid:pk>/dispose/", stock.batch_dispose, name="batch-dispose"),
]

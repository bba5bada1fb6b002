from django.urls import path

from billing import portal, views

app_name = "billing"

urlpatterns = [
    path("bills/<uuid:pk>/invoice.pdf", views.invoice_pdf, name="invoice-pdf"),
    path("payments/<uuid:pk>/receipt.pdf", views.receipt_pdf, name="receipt-pdf"),
    path("portal/bills/", portal.bill_list, name="portal-bills"),
    path("portal/bills/<uuid:pk>/", portal.bill_detail, name="portal-bill"),
    path("portal/bills/<uuid:pk>/invoice.pdf", portal.bill_pdf, name="portal-invoice-pdf"),
]

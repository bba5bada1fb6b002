from django.urls import path

from workspace import cashier

urlpatterns = [
    path("cashier/", cashier.cashier_desk, name="cashier"),
    path("cashier/panel/", cashier.cashier_panel, name="cashier-panel"),
    path("bills/<uuid:pk>/", cashier.bill_detail, name="bill-detail"),
    path("bills/<uuid:pk>/payments/", cashier.payment_take, name="payment-take"),
    path("payments/<uuid:pk>/", cashier.payment_done, name="payment-done"),
    path("refunds/<uuid:pk>/pay/", cashier.refund_pay, name="refund-pay"),
]

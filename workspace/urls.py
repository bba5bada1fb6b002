from django.urls import URLPattern, URLResolver

from workspace.cashier_urls import urlpatterns as cashier_urlpatterns

app_name = "workspace"

urlpatterns: list[URLPattern | URLResolver] = [
    *cashier_urlpatterns,
]

from django.urls import path

from scheduling.views import catalogue

urlpatterns = [
    path("services/", catalogue.service_list, name="service-list"),
    path("services/add/", catalogue.service_add, name="service-add"),
    path("services/<uuid:pk>/", catalogue.service_edit, name="service-edit"),
]

"""Every row that can be traced to a patient is scoped, fails closed, and views never go round the scope."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models

from accounts.access import Role
from core import clock
from patients.models import Patient
from tests.factories.accounts import UserFactory

# Rows without `visible_to`, each with the reason. No view may read them by themselves.
INTERNAL = {
    "patients.PatientToken": "keyed search tokens, read only inside the patient search",
    "patients.CareTeamMember": "the access rule itself, read only by Patient.visible_to",
}
# Not traced to a patient by a foreign key, but about people all the same.
ALSO = {"accounts.User", "notifications.Notice", "support.SupportMessage"}
OURS = {config.label for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR}


def reaches_patient(model: type[models.Model], seen: frozenset = frozenset()) -> bool:
    """True when foreign keys lead from `model` to Patient, or it holds a plain `patient_id`."""
    if model is Patient:
        return True
    for field in model._meta.get_fields():
        if not getattr(field, "concrete", False):
            continue
        if field.name == "patient_id":
            return True
        target = field.related_model
        if field.is_relation and target and target not in seen and reaches_patient(target, seen | {model}):
            return True
    return False


MODELS = sorted(
    (m for m in apps.get_models() if m._meta.app_label in OURS and (reaches_patient(m) or m._meta.label in ALSO)),
    key=lambda m: m._meta.label,
)
SCOPED = [model for model in MODELS if model._meta.label not in INTERNAL]


def test_the_registry_finds_the_models_we_know():
    labels = {model._meta.label for model in MODELS}
    assert {"patients.Patient", "scheduling.Visit", "billing.Payment", "pharmacy.Dispense", "audit.AuditEvent",
            "notifications.Email", "consultations.Diagnosis"} <= labels  # fmt: skip
    assert set(INTERNAL) <= labels, "an exemption for a model that is gone"


def make_row(model: type[models.Model], **given) -> models.Model:
    """Return a saved row of any model with made-up values beside those given; rows it needs are made too."""
    values = dict(given)
    for field in model._meta.concrete_fields:
        if field.name in given:
            continue
        if field.generated or field.has_default() or (field.null and field.name != "patient_id"):
            continue
        if field.is_relation:
            values[field.name] = make_row(field.related_model)
        elif field.choices:
            values[field.name] = field.choices[0][0]
        elif isinstance(field, models.UUIDField):
            values[field.name] = uuid4()
        elif isinstance(field, models.EmailField):
            values[field.name] = f"{uuid4().hex}@klinik.example"
        elif isinstance(field, models.DateTimeField):
            values[field.name] = clock.now()
        elif isinstance(field, models.DateField):
            values[field.name] = date(2020, 1, 2)
        elif isinstance(field, models.JSONField):
            values[field.name] = {}
        elif isinstance(field, models.BooleanField):
            values[field.name] = True
        elif isinstance(field, models.IntegerField | models.DecimalField):
            values[field.name] = 2  # not 1: version 1 of each consent text is shipped
        elif isinstance(field, models.CharField | models.TextField):
            text = uuid4().hex
            values[field.name] = text[-field.max_length :] if field.max_length else text
    return model._default_manager.create(**values)


def outsiders() -> dict[str, object]:
    inactive = UserFactory(username="nonaktif", is_active=False, roles=list(Role))
    fresh = UserFactory(username="sandi.awal", must_change_password=True, roles=list(Role))
    return {
        "nobody": None,
        "anonymous": AnonymousUser(),
        "inactive with every role": inactive,
        "every role, one-time password not yet replaced": fresh,
        "no role": UserFactory(username="tanpa.peran"),
        "superuser without role": UserFactory(username="super", is_superuser=True, is_staff=True),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model._meta.label)
def test_visible_to_fails_closed(model):
    make_row(model)
    queryset = model._default_manager.all()
    assert hasattr(queryset, "visible_to"), f"{model._meta.label} can be traced to a patient and has no visible_to"
    assert queryset.count() >= 1
    for name, user in outsiders().items():
        assert not queryset.visible_to(user).exists(), f"{name} sees {model._meta.label}"


# --- Views start at visible_to ----------------------------------------------------------------------------------
RAW_METHODS = {
    "all", "get", "filter", "exclude", "create", "update", "delete", "first", "last", "earliest", "latest",
    "count", "exists", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "values",
    "values_list", "in_bulk", "iterator", "only", "defer", "raw", "select_related", "prefetch_related",
    "select_for_update", "order_by", "annotate", "aggregate", "using", "distinct", "aget", "acreate",
}  # fmt: skip
SHORTCUTS = {"get_object_or_404", "get_list_or_404"}


def view_modules() -> list[Path]:
    found = []
    for label in sorted(OURS):
        root = settings.BASE_DIR / apps.get_app_config(label).name
        for name in ("views", "portal"):
            found += [root / f"{name}.py", *sorted((root / name).glob("**/*.py"))]
    return [path for path in found if path.exists()]


def is_manager(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("objects", "_default_manager", "_base_manager")


def unscoped(source: str) -> list[str]:
    """Return every place where a view reads or writes a table without starting at a scope."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in RAW_METHODS and is_manager(node.value):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
            continue
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SHORTCUTS and node.args
        ):
            continue
        first = node.args[0]
        if is_manager(first) or (isinstance(first, ast.Name) and first.id[:1].isupper()):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", view_modules(), ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_views_start_at_a_scope(path):
    assert unscoped(path.read_text()) == []


def test_the_scope_lint_sees_what_it_should():
    assert unscoped("Patient.objects.get(pk=1)")
    assert unscoped("models.Patient.objects.filter(pk=1).visible_to(user)")
    assert unscoped("get_object_or_404(Patient, pk=1)")
    assert unscoped("get_object_or_404(Patient.objects, pk=1)")
    assert not unscoped("get_object_or_404(Patient.objects.visible_to(user), pk=1)")
    assert not unscoped("Patient.objects.visible_to(user).filter(pk=1)")

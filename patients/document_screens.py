"""What the screens of documents and photos share between staff and portal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.files import serve
from patients.models import PatientDocument, PatientImage
from patients.services.documents import Added


def wants_json(request: Any) -> bool:
    """True for the script that sends one file after another."""
    return bool(request.headers.get("Accept", "").startswith("application/json"))


def as_json(form: Any, results: Sequence[Added]) -> JsonResponse:
    """Return what became of each file, or what is wrong with the form, for the script."""
    if not form.is_valid():
        errors = {name: [str(one) for one in found] for name, found in form.errors.items()}
        return JsonResponse({"files": [], "errors": errors}, status=422)
    files = [{"name": one.name, "ok": one.document is not None, "message": one.error} for one in results]
    return JsonResponse({"files": files, "errors": {}}, status=200 if all(one["ok"] for one in files) else 422)


def added_words(count: int) -> str:
    return ngettext("%(count)d document was added.", "%(count)d documents were added.", count) % {"count": count}


def results_context(results: Sequence[Added]) -> dict[str, Any]:
    """Return the files of a form that was taken in part."""
    return {
        "added": [one for one in results if one.document is not None],
        "refused": [one for one in results if one.document is None],
    }


def content(document: PatientDocument, *, is_download: bool) -> Any:
    """Return the file of a document; the caller has checked the right and written the event."""
    return serve(document.file, filename=document.file_name, inline=not is_download)


def picture(image: PatientImage, *, is_small: bool = False) -> Any:
    """Return a photo or card; the caller has checked the right."""
    name = _("identity card") if image.kind == PatientImage.Kind.KTP else _("photo")
    stored = image.thumbnail if is_small and image.thumbnail else image.file
    return serve(stored, filename=f"{name}.jpg", inline=True)

"""Who may open documents, photos and identity cards."""

from patients.services.documents import make_preview
from tests.factories import documents as made
from tests.factories.patients import PatientFactory
from tests.matrix import Row


def patient(cast):
    cast.made["papers"] = cast.made.get("papers") or PatientFactory(care_team=[cast.doctor, cast.lab_officer])
    return {"pk": cast.made["papers"].pk}


def document(cast):
    if "paper" not in cast.made:
        patient(cast)
        cast.made["paper"] = made.document(cast.made["papers"], cast.doctor)
        make_preview(document_id=cast.made["paper"].pk)
    return {"pk": cast.made["paper"].pk}


def kind(cast):
    return {**patient(cast), "kind": "photo"}


def photo(cast):
    if "photo" not in cast.made:
        patient(cast)
        cast.made["photo"] = made.image(cast.made["papers"], cast.receptionist)
    return {**patient(cast), "key": cast.made["photo"].pk}


def card(cast):
    if "card" not in cast.made:
        patient(cast)
        cast.made["card"] = made.image(cast.made["papers"], cast.receptionist, kind="ktp")
    return {**patient(cast), "key": cast.made["card"].pk}


def own_document(cast):
    if "own paper" not in cast.made:
        cast.made["own paper"] = made.document(cast.patient_user.patient, cast.receptionist)
        make_preview(document_id=cast.made["own paper"].pk)
    return {"pk": cast.made["own paper"].pk}


def own_kind(cast):
    return {"kind": "ktp"}


def own_card(cast):
    if "own card" not in cast.made:
        cast.made["own card"] = made.image(cast.patient_user.patient, cast.receptionist, kind="ktp")
    return {"kind": "ktp", "key": cast.made["own card"].pk}


def new(cast):
    return {
        "papers": made.paper(),
        "category": "laboratory",
        "documented_on": "2026-03-01",
        "title": "Darah",
        "note": "x",
    }


def about(cast):
    return {
        "category": "imaging", "documented_on": "2026-03-02", "title": "Toraks", "note": "", "is_internal": "on", "version": "1",
    }  # fmt: skip


def reason(cast):
    return {"reason": "Berkas pasien lain"}


def one_picture(cast):
    return {"picture": made.picture()}


def prefixed_picture(cast):
    return {"ktp-picture": made.picture()}


PORTAL = {"holder": "patient_user", "outsider": "doctor"}

ROWS = [
    Row("patients:documents", build=patient, holder="doctor", colleague="owner"),
    Row("patients:document-add", build=patient, holder="lab_officer", colleague="cashier"),
    Row("patients:document-add", method="POST", build=patient, holder="lab_officer", colleague="cashier", data=new),
    Row("patients:document-detail", build=document, holder="doctor", colleague="owner"),
    Row("patients:document-file", build=document, holder="doctor", colleague="owner"),
    Row("patients:document-download", build=document, holder="doctor", colleague="owner"),
    Row("patients:document-preview", build=document, holder="doctor", colleague="owner"),
    Row("patients:document-edit", build=document, holder="doctor", colleague="cashier"),
    Row("patients:document-edit", method="POST", build=document, holder="doctor", colleague="cashier", data=about),
    Row("patients:document-mark-wrong", build=document, holder="doctor", colleague="cashier"),
    Row(
        "patients:document-mark-wrong", method="POST", build=document, holder="doctor", colleague="cashier", data=reason
    ),
    Row("patients:image-edit", build=kind, holder="receptionist", colleague="cashier"),
    Row("patients:image-edit", method="POST", build=kind, holder="doctor", colleague="cashier", data=one_picture),
    Row("patients:image-remove", method="POST", build=kind, holder="receptionist", colleague="cashier"),
    Row("patients:photo", build=photo, holder="cashier", colleague="owner"),
    Row("patients:photo-large", build=photo, holder="doctor", colleague="owner"),
    Row("patients:identity-card", build=card, holder="receptionist", colleague="doctor"),
    Row("patients:portal-documents", **PORTAL),
    Row("patients:portal-document-add", **PORTAL),
    Row("patients:portal-document-add", method="POST", data=new, **PORTAL),
    Row("patients:portal-document-detail", build=own_document, **PORTAL),
    Row("patients:portal-document-file", build=own_document, **PORTAL),
    Row("patients:portal-document-download", build=own_document, **PORTAL),
    Row("patients:portal-document-preview", build=own_document, **PORTAL),
    Row("patients:portal-images", **PORTAL),
    Row("patients:portal-image-set", method="POST", build=own_kind, data=prefixed_picture, **PORTAL),
    Row("patients:portal-image-remove", method="POST", build=own_kind, **PORTAL),
    Row("patients:portal-image", build=own_card, **PORTAL),
]  # fmt: skip

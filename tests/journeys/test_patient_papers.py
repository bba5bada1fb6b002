"""A patient's papers: consent by hand on a tablet, a policy, a photo, documents; what the patient sees of them; two records
that are one person."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Locator, Page, ViewportSize, expect
from reportlab.pdfgen.canvas import Canvas

from tests.journeys import steps
from tests.journeys.browsing import Person, path, pk_in, words
from tests.journeys.clinic import Clinic
from tests.journeys.steps import Case

pytestmark = pytest.mark.journey

MakePerson = Callable[..., Person]

TABLET: ViewportSize = {"width": 820, "height": 1180}
NAME, USERNAME, PASSWORD = "Sekarwangi Purbaningrum", "sekarwangi", "Melati putih di tepi laut 7"
POLICY = "0001987654321"
TITLE = "Rontgen dada sebelum berangkat"
PHOTO_SIDE = 512  # pixels, as `patients.services.images` keeps it
ACCOUNT = """
from accounts.models import RoleAssignment, User
from patients.models import Patient
user = User.objects.create_user({username!r}, "sekarwangi@surat.example", {password!r}, full_name={name!r}, kind="patient")
RoleAssignment.objects.create(user=user, role="patient")
Patient.objects.filter(pk={pk!r}).update(user=user)
answer = True
"""
STANDING = """
from patients import consents
from patients.models import PatientDocument
answer = {{
    "decisions": {{kind: row.decision for kind, row in consents.latest_of({pk!r}).items()}},
    "documents": [row.title for row in PatientDocument.objects.filter(patient_id={pk!r})],
}}
"""
PAIR = """
from patients.models import DuplicatePair
pair = DuplicatePair.objects.filter(state="open").order_by("-score").first()
answer = [str(pair.pk), str(pair.first_id), str(pair.second_id), pair.first.record_number, pair.second.record_number]
"""
STATES = """
from patients.models import Patient
answer = {{str(row.pk): row.status for row in Patient.objects.filter(pk__in={pks!r})}}
"""


def picture() -> FilePayload:
    """Return a photo that is wider than high: blue to the left, a yellow face to the right."""
    image = Image.new("RGB", (900, 600), "#1f5f8b")
    ImageDraw.Draw(image).ellipse((560, 180, 760, 420), fill="#f1cca8")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return {"name": "wajah.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def paper() -> FilePayload:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 720, "Foto toraks: jantung dan paru dalam batas normal.")
    canvas.save()
    return {"name": "rontgen.pdf", "mimeType": "application/pdf", "buffer": buffer.getvalue()}


def sign(pad: Locator) -> None:
    """Draw two strokes on a pad with the mouse."""
    sheet = pad.locator("svg.signature-sheet")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    assert box is not None
    mouse = pad.page.mouse
    for line in (((0.1, 0.7), (0.3, 0.2), (0.5, 0.7)), ((0.55, 0.4), (0.85, 0.45))):
        mouse.move(box["x"] + line[0][0] * box["width"], box["y"] + line[0][1] * box["height"])
        mouse.down()
        for x, y in line[1:]:
            mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
        mouse.up()
    expect(sheet.locator("path")).to_have_count(2)
    expect(pad.locator("[data-signature-state]")).to_have_text(pad.get_attribute("data-word-signed") or "")


def ask_general_consent(desk: Person, patient_id: str) -> None:
    """Every question is answered with yes, but for interpreter and clergy; both sign on the screen."""
    page = desk.go("patients:consent-general", patient_id)
    assert not page.locator("main input[type=radio][name^=needs_]:checked").count(), (
        "an answer is given before anybody did"
    )
    for name in sorted({box.get_attribute("name") or "" for box in page.locator(".consent-question input").all()}):
        page.check(f"input[name={name}][value={'no' if name.startswith('needs_') else 'yes'}]")
    page.check("input[name=signer_relation][value='1']")
    page.check("input[name=method][value=tablet]")
    pads = page.locator("[data-signature]")
    expect(pads).to_have_count(2)
    for pad in pads.all():
        sign(pad)
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(f"**{path('patients:consents', patient_id)}")


def add_policy(desk: Person, patient_id: str) -> None:
    page = desk.go("patients:coverage-add", patient_id)
    insurers = page.locator("select[name=insurer]")
    insurers.select_option(insurers.locator("option").filter(has_text="BPJS").first.get_attribute("value"))
    page.fill("input[name=number]", POLICY)
    page.fill("input[name=plan_class]", "2")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(f"**{path('patients:coverages', patient_id)}")
    expect(page.locator("main")).to_contain_text(POLICY)


def add_photo(desk: Person, patient_id: str) -> None:
    """Choose a file, move and enlarge the kept part by keyboard, and see the photo beside the name."""
    page = desk.go("patients:image-edit", patient_id, "photo")
    stage = page.locator("[data-crop-stage]")
    expect(stage).to_be_hidden()
    page.set_input_files("input[name=picture]", picture())
    canvas = stage.locator("canvas")
    expect(canvas).to_be_visible()
    pixel = "canvas => [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3)"
    red, _green, blue = canvas.evaluate(pixel)
    assert blue > red, "the middle of the picture is not the face yet"
    canvas.focus()
    for _press in range(8):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    red, _green, blue = canvas.evaluate(pixel)
    assert red > blue, "the face is in the frame"
    page.locator("form[data-crop] button[type=submit]").click()
    page.wait_for_url(f"**{path('patients:documents', patient_id)}")
    expect(page.locator(".patient-header img")).to_have_count(1)
    page.goto(path("patients:image-edit", patient_id, "photo"))
    shown = page.locator("img.image-photo")
    assert (
        shown.evaluate("image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])")
        == [PHOTO_SIDE] * 2
    )


def add_documents(desk: Person, patient_id: str) -> None:
    """Of two files one is no document: it is named with a sentence, and the other one is in the record."""
    address = path("patients:document-add", patient_id)
    desk.allow(422, f"^{address}$")
    page = desk.go("patients:document-add", patient_id)
    program: FilePayload = {"name": "hasil.pdf", "mimeType": "application/pdf", "buffer": b"MZ\x90\x00 a program"}
    page.set_input_files("input[name=papers]", [paper(), program])
    page.select_option("select[name=category]", "imaging")
    page.fill("input[name=title]", TITLE)
    page.locator("form[data-upload] button[type=submit]").click()
    rows = page.locator(".upload-row")
    expect(rows.filter(has_text="rontgen.pdf")).to_have_attribute("data-tone", "good")
    refused = rows.filter(has_text="hasil.pdf")
    expect(refused).to_have_attribute("data-tone", "bad")
    expect(refused.locator(".upload-text")).to_have_text(re.compile(r"^[A-Z].{20,}\.$"))
    page.locator("[data-upload-back]").click()
    page.wait_for_url(f"**{path('patients:documents', patient_id)}")
    expect(page.locator(".doc-card")).to_have_count(1)
    expect(page.locator(".doc-card")).to_contain_text(TITLE)


def read_in_the_portal(patient: Person) -> Page:
    """The patient reads the own signature and the document."""
    page = patient.go("patients:portal-consents")
    page.locator("main a[href*='/portal/consents/given/']").first.click()
    expect(page.locator("svg.signature")).to_have_count(2)
    page = patient.go("patients:portal-documents")
    page.locator(".doc-card", has_text=TITLE).click()
    expect(page.locator("h1")).to_have_text(TITLE)
    address = page.locator("iframe.doc-view-pdf").get_attribute("src") or ""
    assert patient.download(address).startswith(b"%PDF")
    return page


def test_the_papers_of_a_new_patient(person: MakePerson, clinic: Clinic) -> None:
    desk = person("resepsionis", viewport=TABLET, has_touch=True)
    desk.sign_in()
    case = Case(NAME)
    steps.register(desk, case, birth_date="1991-11-02", sex="female", phone="0812-7700-4411")
    pk = case.patient_id
    ask_general_consent(desk, pk)
    desk.page.locator(f"main a[href^='{path('patients:consent-detail', pk)[:18]}']").first.click()
    expect(desk.page.locator("svg.signature")).to_have_count(2)
    add_policy(desk, pk)
    add_photo(desk, pk)
    add_documents(desk, pk)
    standing = clinic.read(STANDING.format(pk=pk))
    assert standing["documents"] == [TITLE]
    assert {standing["decisions"][kind] for kind in ("general", "messages", "satusehat")} == {"permit"}

    clinic.read(ACCOUNT.format(username=USERNAME, password=PASSWORD, name=NAME, pk=pk))
    patient = person(USERNAME, phone=True)
    patient.sign_in(password=PASSWORD, door="accounts:portal-login")
    read_in_the_portal(patient)
    page = patient.go("patients:portal-consent-choice", "messages")
    page.locator("main a[href$='/withdraw/']").click()
    page.fill("input[name=reason]", "Cukup lewat telepon")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url(f"**{path('patients:portal-consents')}")
    expect(page.locator("main a", has_text=words("Messages and reminders"))).to_contain_text(words("Withdrawn"))
    decisions = clinic.read(STANDING.format(pk=pk))["decisions"]
    assert decisions["messages"] == "withdrawn"
    assert decisions["general"] == decisions["satusehat"] == "permit"
    expect(desk.go("patients:consents", pk).locator("main")).to_contain_text(words("Withdrawn"))


def found_by(somebody: Person, number: str) -> str:
    """Return the id of the patient to whom a record number leads."""
    page = somebody.go("patients:search")
    page.locator("#patient-q").fill(number)
    expect(page.locator(".patient-new input[name=q]")).to_have_value(number)
    expect(page.locator("[data-result]")).to_have_count(1)
    return pk_in(page.locator("[data-result]").get_attribute("href") or "")


def test_two_records_of_one_person_are_merged_and_taken_apart(person: MakePerson, clinic: Clinic) -> None:
    admin = person("admin")
    admin.sign_in()
    pair, *pks, first, second = clinic.read(PAIR)
    page = admin.go("patients:duplicate-list")
    page.locator(f"a[href='{path('patients:duplicate-detail', pair)}']").click()
    page.locator("main a[href*='/merge/']").click()
    role = page.locator(".merge-keep")
    kept, gone = (pks[0], second) if first in role.inner_text() else (pks[1], first)
    page.fill("[name=reason]", "KTP sama, orangnya membenarkan")
    page.check("input[name=compared]")
    page.locator(".merge-form button[type=submit]").click()
    page.wait_for_url(re.compile(rf"{path('patients:merge-list')}[0-9a-f-]+/$"))
    other = next(pk for pk in pks if pk != kept)
    assert clinic.read(STATES.format(pks=pks)) == {kept: "active", other: "merged"}
    merge = pk_in(page.url)
    assert found_by(admin, gone) == kept
    page.goto(path("patients:detail", other))
    expect(page).to_have_url(clinic.url + path("patients:detail", kept))

    page = admin.go("patients:merge-detail", merge)
    page.locator(f"a[href='{path('patients:merge-undo', merge)}']").click()
    page.fill("[name=reason]", "Ternyata kakak beradik")
    page.locator(".merge-form button[type=submit]").click()
    page.wait_for_url(f"**{path('patients:merge-detail', merge)}")
    assert clinic.read(STATES.format(pks=pks)) == {kept: "active", other: "active"}
    assert found_by(admin, gone) == other

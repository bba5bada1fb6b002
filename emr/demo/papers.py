"""Photos and documents of the demo: drawn here, of nobody."""

from __future__ import annotations

import io
from datetime import date, timedelta
from random import Random

from PIL import Image, ImageDraw, ImageFont

from core import files, pdf
from emr.demo.history import Team
from patients.models import Patient, PatientDocument, PatientImage, Sex
from patients.services.documents import ReadyFile, add_document
from patients.services.images import ReadyImage, set_image

PHOTOS = 24  # the other people have none, as in a real clinic
SKIN = ((241, 204, 168), (224, 177, 132), (198, 146, 101), (163, 113, 76))
BACKGROUND = ((214, 234, 230), (253, 235, 221), (225, 239, 248), (236, 232, 246))
HAIR, GREY_HAIR = (38, 30, 28), (168, 166, 164)
CLOTHES = ((15, 107, 102), (192, 86, 33), (31, 95, 139), (112, 74, 140), (90, 98, 96))
GREY_FROM_YEARS = 55

Category = PatientDocument.Category
JPEG = "image/jpeg"


class Papers:
    """Gives the first people a photo, and the patient of the demo sign-in an identity card and documents."""

    def __init__(self, random: Random, team: Team, today: date) -> None:
        self.random, self.team, self.today = random, team, today

    def build(self, people: list[Patient]) -> None:
        for patient in people[:PHOTOS]:
            self._photo(patient)
        self._card(people[0])
        for number, patient in enumerate(people[:4]):
            self._result(patient, days=20 + 17 * number)
        self._xray(people[0])
        self._letter(people[0])

    def _photo(self, patient: Patient) -> None:
        large = _portrait(self.random, patient, self.today)
        small = large.resize((96, 96), Image.Resampling.LANCZOS)
        ready = ReadyImage(PatientImage.Kind.PHOTO, _put(large), _put(small))
        set_image(patient_id=patient.pk, ready=ready, actor=self.team.receptionist)

    def _card(self, patient: Patient) -> None:
        card = Image.new("RGB", (1011, 638), (187, 215, 233))
        draw = ImageDraw.Draw(card)
        for at, words in (
            (30, "CONTOH - BUKAN KTP ASLI"),
            (120, "NIK : 2171xxxxxxxxxxxx"),
            (190, f"Nama : {patient.full_name}"),
        ):
            draw.text((40, at), words, fill=(20, 33, 30), font=ImageFont.load_default(40))
        card.paste(_portrait(self.random, patient, self.today).resize((260, 260)), (710, 190))
        set_image(
            patient_id=patient.pk, ready=ReadyImage(PatientImage.Kind.KTP, _put(card)), actor=self.team.receptionist
        )

    def _result(self, patient: Patient, *, days: int) -> None:
        values = (
            ("Hemoglobin", self.random.randint(115, 155) / 10, "g/dL", "12,0 - 16,0"),
            ("Leukosit", self.random.randint(45, 120) / 10, "10³/µL", "4,5 - 11,0"),
            ("Trombosit", self.random.randint(180, 400), "10³/µL", "150 - 450"),
            ("Glukosa puasa", self.random.randint(75, 135), "mg/dL", "70 - 100"),
        )
        rows = [[pdf.text(word, "head") for word in ("Pemeriksaan", "Hasil", "Satuan", "Rujukan")]]
        rows += [[pdf.text(str(part).replace(".", ",")) for part in row] for row in values]
        story = [pdf.text("Laboratorium Klinik Nagoya (contoh)", "clinic"), pdf.lines_table(rows, [180, 80, 80, 110])]
        data = pdf.build(title="Hasil laboratorium", story=story)
        self._add(
            patient, data, "application/pdf", "hasil-lab.pdf", Category.LABORATORY, "Darah lengkap", days, pages=1
        )

    def _xray(self, patient: Patient) -> None:
        picture = Image.new("L", (900, 1000), 12)
        draw = ImageDraw.Draw(picture)
        for side in (-1, 1):
            draw.ellipse((450 + side * 190 - 150, 200, 450 + side * 190 + 150, 820), fill=46)
            for rib in range(7):
                top = 230 + rib * 78
                draw.arc((450 + side * 180 - 190, top, 450 + side * 180 + 190, top + 150), 180, 360, fill=120, width=12)
        draw.rectangle((425, 120, 475, 900), fill=150)
        draw.text((40, 40), "CONTOH", fill=200, font=ImageFont.load_default(36))
        out = io.BytesIO()
        picture.save(out, "PNG")
        self._add(patient, out.getvalue(), "image/png", "toraks.png", Category.IMAGING, "Foto toraks PA", 41)

    def _letter(self, patient: Patient) -> None:
        story = [
            pdf.text("Surat rujukan balik (contoh)", "clinic"),
            pdf.text("Kontrol tekanan darah satu bulan lagi."),
        ]
        data = pdf.build(title="Surat rujukan balik", story=story)
        self._add(
            patient, data, "application/pdf", "rujukan-balik.pdf", Category.REFERRAL, "Rujukan balik RS", 9, pages=1,
            is_from_patient=True,
        )  # fmt: skip

    def _add(
        self,
        patient: Patient,
        data: bytes,
        content_type: str,
        name: str,
        category: str,
        title: str,
        days: int,
        *,
        pages: int | None = None,
        is_from_patient: bool = False,
    ) -> None:
        is_portal = is_from_patient and patient.user is not None
        add_document(
            patient_id=patient.pk,
            ready=ReadyFile(files.put(data, content_type=content_type), name, pages),
            category=category,
            actor=patient.user if is_portal else self.team.nurse,
            documented_on=self.today - timedelta(days=days),
            title=title,
            source=PatientDocument.Source.PORTAL if is_portal else PatientDocument.Source.STAFF,
        )


def _put(picture: Image.Image) -> files.StoredFile:
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=85)
    return files.put(out.getvalue(), content_type=JPEG)


def _portrait(random: Random, patient: Patient, today: date) -> Image.Image:
    """Return a drawn head and shoulders, 512 pixels square."""
    years = today.year - patient.birth_date.year
    hair = GREY_HAIR if years >= GREY_FROM_YEARS else HAIR
    skin, clothes = random.choice(SKIN), random.choice(CLOTHES)
    picture = Image.new("RGB", (1024, 1024), random.choice(BACKGROUND))
    draw = ImageDraw.Draw(picture)
    is_female = patient.sex == Sex.FEMALE
    if is_female:
        draw.rounded_rectangle((290, 190, 734, 800), radius=220, fill=clothes if random.random() < 0.6 else hair)
    draw.ellipse((170, 740, 854, 1500), fill=clothes)
    draw.rounded_rectangle((440, 600, 584, 800), radius=60, fill=tuple(int(part * 0.93) for part in skin))
    if not is_female:
        draw.ellipse((318, 190, 706, 600), fill=hair)
    draw.ellipse((340, 250, 684, 700), fill=skin)
    for x in (436, 588):
        draw.ellipse((x - 18, 450, x + 18, 486), fill=(40, 32, 30))
        draw.arc((x - 44, 400, x + 44, 450), 200, 340, fill=hair, width=9)
    draw.arc((450, 530, 574, 620), 20, 160, fill=(150, 62, 58), width=10)
    return picture.resize((512, 512), Image.Resampling.LANCZOS)

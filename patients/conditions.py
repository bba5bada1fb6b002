"""Long-lasting conditions as a coded list: the nine programmes of BPJS's back-referral, and what else a doctor must know.

The codes are our own; ICD-10 belongs to diagnoses. Data, not texts of the product: see `patients.substances`.

Source of the programme numbers: BPJS Kesehatan, Program Rujuk Balik (VClaim `referensi/diagnosaprb`), 01 to 09.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.utils.translation import get_language

from core.substance_names import fold

SYSTEM = "urn:emr-batam-sehat:condition"


@dataclass(frozen=True)
class Condition:
    """One entry. `is_private` ones stand in the record only, never in a header that others may see over a shoulder."""

    code: str
    label: str
    english: str
    prb: str = ""
    is_private: bool = False
    synonyms: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The word in the language of the screen."""
        return self.english if (get_language() or "id").startswith("en") else self.label

    @property
    def other_words(self) -> str:
        names = [self.label if self.shown == self.english else self.english, *self.synonyms]
        return ", ".join(name for name in names if name.casefold() != self.shown.casefold())


CONDITIONS: tuple[Condition, ...] = (
    Condition("diabetes-2", "Diabetes tipe 2", "Diabetes, type 2", "01", synonyms=("kencing manis", "DM")),
    Condition("diabetes-1", "Diabetes tipe 1", "Diabetes, type 1", "01"),
    Condition("hypertension", "Hipertensi", "Hypertension", "02", synonyms=("darah tinggi", "tekanan darah tinggi")),
    Condition("asthma", "Asma", "Asthma", "03", synonyms=("bengek",)),
    Condition(
        "coronary-heart", "Penyakit jantung koroner", "Coronary heart disease", "04", synonyms=("PJK", "jantung")
    ),
    Condition("heart-failure", "Gagal jantung", "Heart failure", "04", synonyms=("CHF",)),
    Condition("copd", "PPOK", "COPD", "05", synonyms=("penyakit paru obstruktif kronik", "bronkitis kronis")),
    Condition("schizophrenia", "Skizofrenia", "Schizophrenia", "06", is_private=True),
    Condition("stroke", "Stroke", "Stroke", "07"),
    Condition("epilepsy", "Epilepsi", "Epilepsy", "08", synonyms=("ayan", "kejang")),
    Condition("lupus", "Lupus (SLE)", "Lupus (SLE)", "09", synonyms=("SLE", "lupus")),
    Condition("tuberculosis", "Tuberkulosis", "Tuberculosis", synonyms=("TBC", "TB", "TB paru")),
    Condition("hiv", "HIV", "HIV", is_private=True, synonyms=("ODHIV", "AIDS")),
    Condition("hepatitis-b", "Hepatitis B", "Hepatitis B"),
    Condition("hepatitis-c", "Hepatitis C", "Hepatitis C"),
    Condition("cirrhosis", "Sirosis hati", "Cirrhosis of the liver"),
    Condition("kidney-failure", "Gagal ginjal kronik", "Chronic kidney failure", synonyms=("GGK", "CKD")),
    Condition("dialysis", "Cuci darah rutin", "Regular dialysis", synonyms=("hemodialisis", "HD")),
    Condition("cancer", "Kanker", "Cancer", synonyms=("tumor ganas",)),
    Condition(
        "heart-rhythm", "Gangguan irama jantung", "Heart rhythm disorder", synonyms=("aritmia", "fibrilasi atrium")
    ),
    Condition("heart-valve", "Penyakit katup jantung", "Heart valve disease"),
    Condition("pacemaker", "Memakai alat pacu jantung", "Has a pacemaker"),
    Condition("dyslipidaemia", "Kolesterol tinggi", "High cholesterol", synonyms=("dislipidemia", "kolesterol")),
    Condition("gout", "Asam urat (gout)", "Gout", synonyms=("asam urat", "gout")),
    Condition("hyperthyroidism", "Hipertiroid", "Hyperthyroidism"),
    Condition("hypothyroidism", "Hipotiroid", "Hypothyroidism"),
    Condition("peptic-ulcer", "Tukak lambung", "Peptic ulcer", synonyms=("maag kronis",)),
    Condition("thalassaemia", "Talasemia", "Thalassaemia"),
    Condition("haemophilia", "Hemofilia", "Haemophilia"),
    Condition("g6pd", "Defisiensi G6PD", "G6PD deficiency"),
    Condition("rheumatoid", "Artritis reumatoid", "Rheumatoid arthritis", synonyms=("rematik",)),
    Condition("glaucoma", "Glaukoma", "Glaucoma"),
    Condition("parkinson", "Penyakit Parkinson", "Parkinson's disease"),
    Condition("dementia", "Demensia", "Dementia", synonyms=("pikun", "Alzheimer")),
    Condition("depression", "Depresi", "Depression", is_private=True),
    Condition("bipolar", "Gangguan bipolar", "Bipolar disorder", is_private=True),
    Condition("transplant", "Pernah transplantasi organ", "Organ transplant"),
    Condition("immune-deficiency", "Daya tahan tubuh lemah", "Weak immune system", synonyms=("imunokompromais",)),
)

BY_CODE = {condition.code: condition for condition in CONDITIONS}


@cache
def _by_name() -> dict[str, Condition]:
    found: dict[str, Condition] = {}
    for condition in CONDITIONS:
        for name in (condition.label, condition.english, *condition.synonyms):
            found.setdefault(fold(name), condition)
    return found


def named(text: str) -> Condition | None:
    """Return the entry with this code, or whose name or synonym the text is in any usual spelling; else None."""
    return BY_CODE.get(text) or _by_name().get(fold(text))

"""What patients are allergic to and which medicines they take, as coded lists; and how allergies show.

Data, not texts of the product: the Indonesian word is what is stored as the display, the English one and the synonyms
(also brands sold in Indonesia) help to find it. The codes are our own: SATUSEHAT wants SNOMED CT or KFA, which are
mapped where they are sent, since neither may be shipped as a list (`docs/adr/0024-clinical-basics.md`).

Source of the groups: chemical class of the substance (WHO ATC, level 3 or 4). Iodinated contrast media have no group:
an allergy to them is no allergy to povidone iodine, nor the other way round (ACR Manual on Contrast Media, 2024).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from django.utils.translation import get_language

from core.substance_names import fold
from patients.models import Allergy

SYSTEM = "urn:emr-batam-sehat:allergen"

C, G = Allergy.Category, Allergy.Group


@dataclass(frozen=True)
class Substance:
    """One entry: a class of medicines, an active substance, a food, or something around us."""

    code: str
    label: str
    english: str
    category: str
    group: str = ""
    synonyms: tuple[str, ...] = field(default=())

    @property
    def shown(self) -> str:
        """The word in the language of the screen."""
        return self.english if (get_language() or "id").startswith("en") else self.label

    @property
    def other_words(self) -> str:
        """What else it is called, for the second line of the search box."""
        names = [self.label if self.shown == self.english else self.english, *self.synonyms]
        return ", ".join(name for name in names if name.casefold() != self.shown.casefold())

    @property
    def is_medicine(self) -> bool:
        return self.category == C.MEDICATION


def _rows(category: str, text: str, group: str = "") -> tuple[Substance, ...]:
    """Read lines of `code | Indonesian | English | synonym, synonym`."""
    found = []
    for line in text.strip().splitlines():
        code, label, english, *more = (part.strip() for part in line.split("|"))
        synonyms = tuple(word.strip() for word in more[0].split(",")) if more else ()
        found.append(Substance(code, label, english, category, group, synonyms))
    return tuple(found)


SUBSTANCES: tuple[Substance, ...] = (
    *_rows(C.MEDICATION, """
        penicillins | Golongan penisilin | Penicillins | penisilin, antibiotik penisilin
        amoxicillin | Amoksisilin | Amoxicillin | Amoxsan, Kalmoxillin, Yusimox
        amoxicillin-clav | Amoksisilin + asam klavulanat | Amoxicillin and clavulanic acid | Co-amoxiclav, Augmentin, Clavamox
        ampicillin | Ampisilin | Ampicillin | Viccillin
        benzylpenicillin | Benzilpenisilin | Benzylpenicillin | penisilin G
        benzathine-pen | Benzatin penisilin | Benzathine benzylpenicillin | penadur
        phenoxymethylpen | Fenoksimetil penisilin | Phenoxymethylpenicillin | penisilin V
        cloxacillin | Kloksasilin | Cloxacillin
        piperacillin | Piperasilin + tazobaktam | Piperacillin and tazobactam
    """, G.PENICILLIN),
    *_rows(C.MEDICATION, """
        cephalosporins | Golongan sefalosporin | Cephalosporins | sefalosporin
        cefadroxil | Sefadroksil | Cefadroxil
        cefalexin | Sefaleksin | Cefalexin | cephalexin
        cefaclor | Sefaklor | Cefaclor
        cefazolin | Sefazolin | Cefazolin
        cefixime | Sefiksim | Cefixime | Cefspan
        cefotaxime | Sefotaksim | Cefotaxime
        ceftazidime | Seftazidim | Ceftazidime
        ceftriaxone | Seftriakson | Ceftriaxone
        cefuroxime | Sefuroksim | Cefuroxime
    """, G.CEPHALOSPORIN),
    *_rows(C.MEDICATION, """
        sulfonamides | Golongan sulfa | Sulfonamides | sulfa, obat sulfa, sulfonamida
        cotrimoxazole | Kotrimoksazol | Co-trimoxazole | Bactrim, sulfametoksazol, trimetoprim, Sanprima
        sulfasalazine | Sulfasalazin | Sulfasalazine
        silver-sulfadiazine | Perak sulfadiazin | Silver sulfadiazine | Burnazin
    """, G.SULFONAMIDE),
    *_rows(C.MEDICATION, """
        nsaids | Golongan antinyeri (OAINS) | NSAIDs | OAINS, AINS, NSAID, antiinflamasi nonsteroid
        aspirin | Asam asetilsalisilat | Aspirin | asetosal, Aspilets, Miniaspi, asam salisilat
        ibuprofen | Ibuprofen | Ibuprofen | Proris, Bufect
        mefenamic-acid | Asam mefenamat | Mefenamic acid | Ponstan, mefinal
        diclofenac | Diklofenak | Diclofenac | natrium diklofenak, kalium diklofenak, Cataflam, Voltaren
        ketorolac | Ketorolak | Ketorolac
        ketoprofen | Ketoprofen | Ketoprofen | Pronalges, Kaltrofen
        meloxicam | Meloksikam | Meloxicam
        piroxicam | Piroksikam | Piroxicam | Feldene
        naproxen | Naproksen | Naproxen
        celecoxib | Selekoksib | Celecoxib | Celebrex
        etoricoxib | Etorikoksib | Etoricoxib | Arcoxia
        metamizole | Metampiron | Metamizole | antalgin, Novalgin, dipiron, metamizol
    """, G.NSAID),
    *_rows(C.MEDICATION, """
        macrolides | Golongan makrolida | Macrolides | makrolida
        erythromycin | Eritromisin | Erythromycin
        azithromycin | Azitromisin | Azithromycin | Zithromax
        clarithromycin | Klaritromisin | Clarithromycin
        spiramycin | Spiramisin | Spiramycin
    """, G.MACROLIDE),
    *_rows(C.MEDICATION, """
        quinolones | Golongan kuinolon | Quinolones | fluorokuinolon, kuinolon
        ciprofloxacin | Siprofloksasin | Ciprofloxacin
        levofloxacin | Levofloksasin | Levofloxacin
        moxifloxacin | Moksifloksasin | Moxifloxacin
        ofloxacin | Ofloksasin | Ofloxacin
    """, G.QUINOLONE),
    *_rows(C.MEDICATION, """
        tetracyclines | Golongan tetrasiklin | Tetracyclines
        tetracycline | Tetrasiklin | Tetracycline
        doxycycline | Doksisiklin | Doxycycline
        minocycline | Minosiklin | Minocycline
    """, G.TETRACYCLINE),
    *_rows(C.MEDICATION, """
        opioids | Golongan opioid | Opioids | opiat
        codeine | Kodein | Codeine
        tramadol | Tramadol | Tramadol
        morphine | Morfin | Morphine
        pethidine | Petidin | Pethidine
        fentanyl | Fentanil | Fentanyl
    """, G.OPIOID),
    *_rows(C.MEDICATION, """
        local-anaesthetics | Golongan obat bius lokal | Local anaesthetics | anestesi lokal, bius lokal
        lidocaine | Lidokain | Lidocaine | lignokain, Pehacain, Xylocaine
        articaine | Artikain | Articaine
        bupivacaine | Bupivakain | Bupivacaine
        mepivacaine | Mepivakain | Mepivacaine
        procaine | Prokain | Procaine
    """, G.LOCAL_ANAESTHETIC),
    *_rows(C.MEDICATION, "povidone-iodine | Povidon iodin | Povidone iodine | Betadine, yodium", G.IODINE),
    *_rows(C.MEDICATION, """
        paracetamol | Parasetamol | Paracetamol | asetaminofen, acetaminophen, Panadol, Sanmol, Bodrex
        clindamycin | Klindamisin | Clindamycin
        chloramphenicol | Kloramfenikol | Chloramphenicol
        thiamphenicol | Tiamfenikol | Thiamphenicol
        metronidazole | Metronidazol | Metronidazole | Flagyl
        gentamicin | Gentamisin | Gentamicin
        neomycin | Neomisin | Neomycin
        streptomycin | Streptomisin | Streptomycin
        vancomycin | Vankomisin | Vancomycin
        meropenem | Meropenem | Meropenem
        nitrofurantoin | Nitrofurantoin | Nitrofurantoin
        rifampicin | Rifampisin | Rifampicin
        isoniazid | Isoniazid | Isoniazid | INH
        pyrazinamide | Pirazinamid | Pyrazinamide
        ethambutol | Etambutol | Ethambutol
        tb-combination | OAT kombinasi | Tuberculosis medicines, combined | OAT, OAT KDT
        antiretrovirals | Antiretroviral (ARV) | Antiretrovirals | ARV, TLD
        fluconazole | Flukonazol | Fluconazole
        ketoconazole | Ketokonazol | Ketoconazole
        aciclovir | Asiklovir | Aciclovir | acyclovir
        carbamazepine | Karbamazepin | Carbamazepine | Tegretol
        phenytoin | Fenitoin | Phenytoin | Dilantin
        phenobarbital | Fenobarbital | Phenobarbital | luminal
        lamotrigine | Lamotrigin | Lamotrigine
        valproate | Asam valproat | Valproate | Depakote, Depakene
        allopurinol | Alopurinol | Allopurinol | Zyloric
        colchicine | Kolkisin | Colchicine
        captopril | Kaptopril | Captopril
        lisinopril | Lisinopril | Lisinopril
        ramipril | Ramipril | Ramipril
        candesartan | Kandesartan | Candesartan
        valsartan | Valsartan | Valsartan
        amlodipine | Amlodipin | Amlodipine | Norvasc
        nifedipine | Nifedipin | Nifedipine
        bisoprolol | Bisoprolol | Bisoprolol | Concor
        propranolol | Propranolol | Propranolol
        hydrochlorothiazide | Hidroklorotiazid | Hydrochlorothiazide | HCT
        furosemide | Furosemid | Furosemide | Lasix
        spironolactone | Spironolakton | Spironolactone
        digoxin | Digoksin | Digoxin
        isosorbide-dinitrate | Isosorbid dinitrat | Isosorbide dinitrate | ISDN, Cedocard
        clopidogrel | Klopidogrel | Clopidogrel | Plavix
        warfarin | Warfarin | Warfarin | Simarc
        heparin | Heparin | Heparin
        simvastatin | Simvastatin | Simvastatin
        atorvastatin | Atorvastatin | Atorvastatin
        metformin | Metformin | Metformin | Glucophage
        glibenclamide | Glibenklamid | Glibenclamide
        glimepiride | Glimepirid | Glimepiride | Amaryl
        gliclazide | Gliklazid | Gliclazide
        insulin | Insulin | Insulin | Lantus, Novorapid, Novomix, insulin glargin, insulin aspart
        levothyroxine | Levotiroksin | Levothyroxine | Euthyrox, Thyrax
        thiamazole | Tiamazol | Thiamazole | Thyrozol
        salbutamol | Salbutamol | Salbutamol | Ventolin
        budesonide-formot | Budesonid + formoterol | Budesonide and formoterol | Symbicort
        theophylline | Teofilin | Theophylline | aminofilin
        dexamethasone | Deksametason | Dexamethasone
        methylprednisolone | Metilprednisolon | Methylprednisolone
        prednisone | Prednison | Prednisone
        chlorphenamine | Klorfeniramin | Chlorphenamine | CTM, klorfeniramin maleat
        cetirizine | Setirizin | Cetirizine
        omeprazole | Omeprazol | Omeprazole
        lansoprazole | Lansoprazol | Lansoprazole
        ranitidine | Ranitidin | Ranitidine
        metoclopramide | Metoklopramid | Metoclopramide
        domperidone | Domperidon | Domperidone
        diazepam | Diazepam | Diazepam | Valium
        haloperidol | Haloperidol | Haloperidol
        risperidone | Risperidon | Risperidone
        amitriptyline | Amitriptilin | Amitriptyline
        sertraline | Sertralin | Sertraline
        propofol | Propofol | Propofol
        ketamine | Ketamin | Ketamine
        chlorhexidine | Klorheksidin | Chlorhexidine | Minosep
        iodinated-contrast | Zat kontras beryodium | Iodinated contrast medium | kontras CT scan, kontras rontgen
        gadolinium-contrast | Zat kontras gadolinium | Gadolinium contrast medium | kontras MRI
        antitetanus-serum | Serum antitetanus | Tetanus antitoxin | ATS
        vaccines | Vaksin | Vaccine | imunisasi
        iron | Zat besi | Iron | tablet tambah darah, sulfas ferosus
        folic-acid | Asam folat | Folic acid
        vitamin-b-complex | Vitamin B kompleks | Vitamin B complex
        contraceptive-pill | Pil KB | Contraceptive pill
        contraceptive-inj | Suntik KB | Contraceptive injection
        herbal-medicine | Jamu atau obat herbal | Herbal medicine | jamu, herbal
    """),
    *_rows(C.FOOD, """
        seafood | Makanan laut | Seafood | boga bahari
        shrimp | Udang | Shrimp | terasi, belacan, ebi
        crab | Kepiting | Crab | rajungan
        squid | Cumi-cumi | Squid | sotong
        shellfish | Kerang | Clams and mussels | gonggong, tiram
        fish | Ikan | Fish
        tuna-mackerel | Ikan tongkol dan tuna | Tuna and mackerel | tongkol, tuna, tenggiri
        egg | Telur | Egg | telur ayam
        cow-milk | Susu sapi | Cow's milk | susu, susu formula, laktosa
        peanut | Kacang tanah | Peanut | kacang
        tree-nuts | Kacang mete dan almon | Tree nuts | kacang mede, mete, almon, kenari
        soy | Kedelai | Soy | tahu, tempe, kecap
        wheat | Gandum | Wheat | tepung terigu, gluten
        sesame | Wijen | Sesame
        corn | Jagung | Corn
        chicken | Daging ayam | Chicken | ayam
        beef | Daging sapi | Beef
        chocolate | Cokelat | Chocolate
        tomato | Tomat | Tomato
        strawberry | Stroberi | Strawberry
        pineapple | Nanas | Pineapple
        mango | Mangga | Mango
        banana | Pisang | Banana
        durian | Durian | Durian
        honey | Madu | Honey
        msg | Penyedap rasa (MSG) | Monosodium glutamate | micin, vetsin, MSG
        food-colouring | Pewarna makanan | Food colouring | tartrazin
        preservatives | Pengawet makanan | Food preservatives | sulfit, benzoat
    """),
    *_rows(C.ENVIRONMENT, """
        house-dust | Debu rumah | House dust | debu
        dust-mite | Tungau debu rumah | House dust mite | tungau
        pollen | Serbuk sari | Pollen | serbuk bunga
        mould | Jamur dan kapang | Mould | spora jamur
        cat | Bulu kucing | Cat dander | kucing
        dog | Bulu anjing | Dog dander | anjing
        feathers | Bulu unggas | Feathers
        cockroach | Kecoak | Cockroach | kecoa
        bee-sting | Sengatan lebah | Bee or wasp sting | lebah, tawon
        ant-sting | Gigitan semut | Ant bite | semut
        mosquito | Gigitan nyamuk | Mosquito bite | nyamuk
        cold | Udara dingin | Cold | dingin
        heat | Udara panas | Heat | panas, keringat
        sunlight | Sinar matahari | Sunlight | matahari
        smoke | Asap | Smoke | asap rokok
        latex | Lateks | Latex | karet, sarung tangan
        adhesive | Plester | Adhesive plaster | hansaplast
        nickel | Nikel | Nickel | logam, perhiasan
        perfume | Parfum | Perfume | pewangi
        hair-dye | Cat rambut | Hair dye | PPD
        cosmetics | Kosmetik | Cosmetics
        detergent | Sabun dan deterjen | Soap and detergent | sabun cuci
        wool | Wol | Wool
        cement | Semen | Cement
    """),
)  # fmt: skip


@dataclass(frozen=True)
class Reaction:
    """One way in which an allergy shows."""

    code: str
    label: str
    english: str

    @property
    def shown(self) -> str:
        return self.english if (get_language() or "id").startswith("en") else self.label


REACTIONS: tuple[Reaction, ...] = (
    Reaction("rash", "Ruam", "Rash"),
    Reaction("itching", "Gatal", "Itching"),
    Reaction("hives", "Biduran", "Hives"),
    Reaction("swelling", "Bengkak (wajah, bibir, kelopak mata)", "Swelling (face, lips, eyelids)"),
    Reaction("breathlessness", "Sesak napas", "Breathlessness"),
    Reaction("anaphylaxis", "Anafilaksis (syok)", "Anaphylaxis (shock)"),
    Reaction("vomiting", "Mual atau muntah", "Nausea or vomiting"),
    Reaction("diarrhoea", "Diare", "Diarrhoea"),
    Reaction("sneezing", "Bersin atau pilek", "Sneezing or runny nose"),
    Reaction("stevens-johnson", "Kulit melepuh (Stevens-Johnson)", "Blistering skin (Stevens-Johnson)"),
    Reaction("other", "Lainnya", "Other"),
)

BY_CODE = {substance.code: substance for substance in SUBSTANCES}
REACTION_BY_CODE = {reaction.code: reaction for reaction in REACTIONS}
MEDICINES = tuple(substance for substance in SUBSTANCES if substance.is_medicine)


@cache
def _by_name() -> dict[str, Substance]:
    found: dict[str, Substance] = {}
    for substance in SUBSTANCES:
        for name in (substance.label, substance.english, *substance.synonyms):
            found.setdefault(fold(name), substance)
    return found


def named(text: str) -> Substance | None:
    """Return the entry with this code, or whose name or synonym the text is in any usual spelling; else None."""
    return BY_CODE.get(text) or _by_name().get(fold(text))


def reaction_words(codes: Iterable[str], words: str) -> str:
    """Return what is stored as the reaction: the words of the codes, then what was typed."""
    return "; ".join(part for part in (", ".join(REACTION_BY_CODE[code].label for code in codes), words) if part)

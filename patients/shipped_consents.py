# ruff: noqa: E501 - a paragraph is one line
"""The first version of each consent text, as shipped. Patients sign these words: they are never changed here.

A clinic publishes further versions itself (`services.consents.publish_text`). Migration 0010 reads this module; a change
of a word would give two installations different texts under one version number.

Source: KMK HK.01.07/MENKES/1423/2022, general consent variables; UU 27/2022 articles 5-13 and 20-25; PMK 24/2022
articles 26-35.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ShippedText:
    """One text in both languages. Blank lines part paragraphs."""

    kind: str
    title_id: str
    body_id: str
    title_en: str
    body_en: str


GENERAL = ShippedText(
    kind="general",
    title_id="Persetujuan umum (general consent)",
    body_id="""Bacalah halaman ini dengan tenang. Tanyakan kepada petugas jika ada yang belum jelas. Dengan tanda tangan di bawah, pasien atau penanggung jawabnya menyatakan hal-hal berikut.

1. Waktu. Persetujuan ini diberikan pada tanggal dan jam yang tercatat di bawah, dan berlaku untuk semua kunjungan sampai dicabut atau diganti.

2. Persetujuan perawatan. Dokter, perawat, dan tenaga kesehatan klinik ini boleh memeriksa dan merawat pasien: wawancara, pemeriksaan fisik, tindakan perawatan biasa, pemeriksaan penunjang, dan pemberian obat. Pembedahan, pembiusan, dan tindakan berisiko tinggi selalu memerlukan persetujuan tersendiri. Pasien boleh bertanya dan boleh menolak tindakan apa pun.

3. Ketentuan pembayaran. Petugas telah menjelaskan perkiraan biaya, cara membayar, dan siapa yang menanggung biaya.

4. Hak dan kewajiban. Petugas telah menjelaskan hak dan kewajiban pasien, termasuk hak atas penjelasan, pendapat kedua, isi rekam medis, dan penyampaian keluhan.

5. Tata tertib. Petugas telah menjelaskan tata tertib klinik bagi pasien, keluarga, dan pengunjung.

6. Penerjemah. Pasien boleh meminta penerjemah, termasuk juru bahasa isyarat.

7. Rohaniawan. Pasien boleh meminta pendampingan rohaniawan sesuai agama atau kepercayaannya.

8. Kerahasiaan. Isi rekam medis dirahasiakan, juga setelah pasien meninggal. Petugas telah menjelaskan kapan isi itu boleh dibuka: dengan persetujuan pasien, atau jika diwajibkan oleh undang-undang, misalnya atas perintah pengadilan atau pelaporan penyakit wabah.

9. Penjamin. Pasien memilih apakah hasil pemeriksaan boleh diberikan kepada pihak yang menanggung biaya.

10. Peserta didik. Pasien memilih apakah hasil pemeriksaan boleh diakses oleh peserta didik yang belajar di klinik dengan bimbingan.

11. Keluarga. Pasien menyebut anggota keluarga yang boleh menerima penjelasan tentang keadaannya. Orang lain tidak diberi penjelasan.

12. Rujukan. Pasien memilih apakah informasi boleh diteruskan ke fasilitas kesehatan tempat ia dirujuk.

13. Penanggung jawab. Yang menandatangani adalah pasien sendiri. Untuk anak di bawah 18 tahun, atau pasien yang tidak dapat memutuskan, yang menandatangani adalah orang tua, wali, atau keluarga terdekat.

14. Petugas. Petugas yang memberi penjelasan ikut menandatangani.

Data pribadi. Klinik mencatat identitas dan data kesehatan pasien untuk perawatan, penagihan, dan kewajiban hukum, dan menyimpannya paling sedikit 25 tahun sejak kunjungan terakhir. Setiap pembacaan rekam medis dicatat. Pasien berhak meminta salinan, perbaikan, pembatasan, dan penjelasan tentang siapa yang membaca datanya.

Pencabutan. Persetujuan ini dapat dicabut kapan saja di pendaftaran atau di portal pasien. Pencabutan berlaku ke depan: perawatan yang sudah diberikan dan catatannya tetap sah.""",
    title_en="General consent",
    body_en="""Please read this page calmly. Ask the officer if anything is unclear. With the signature below, the patient or the person responsible states the following.

1. Time. This consent is given on the date and at the time recorded below, and holds for all visits until it is withdrawn or replaced.

2. Consent to care. Doctors, nurses and health workers of this clinic may examine and treat the patient: interview, physical examination, ordinary care, tests and medicines. Surgery, anaesthesia and acts of high risk always need a consent of their own. The patient may ask, and may refuse any act.

3. Payment. The officer has explained the expected costs, how to pay, and who bears the costs.

4. Rights and duties. The officer has explained the rights and duties of patients, among them the right to explanations, to a second opinion, to the content of the medical record, and to complain.

5. House rules. The officer has explained the rules of the clinic for patients, families and visitors.

6. Interpreter. The patient may ask for an interpreter, also for sign language.

7. Clergy. The patient may ask for the company of clergy of their religion or belief.

8. Confidentiality. The content of the medical record is confidential, also after death. The officer has explained when it may be disclosed: with the patient's consent, or where the law demands it, for instance by order of a court or for reportable diseases.

9. Payer. The patient chooses whether results may be given to whoever bears the costs.

10. Trainees. The patient chooses whether results may be seen by trainees who learn at the clinic under guidance.

11. Family. The patient names the members of the family who may be told about their condition. Nobody else is told.

12. Referral. The patient chooses whether information may be passed on to the facility they are referred to.

13. Person responsible. The patient signs. For a child under 18, or a patient who cannot decide, a parent, guardian or the closest relative signs.

14. Officer. The officer who explained signs as well.

Personal data. The clinic records identity and health data for care, billing and duties of the law, and keeps them for at least 25 years after the last visit. Each reading of the record is logged. The patient may ask for a copy, for correction, for restriction, and who read the data.

Withdrawal. This consent can be withdrawn at any time at the front desk or in the patient portal. Withdrawal works from then on: care given before and its record stay valid.""",
)

SATUSEHAT = ShippedText(
    kind="satusehat",
    title_id="Pertukaran data melalui SATUSEHAT",
    body_id="""Klinik mengirim rekam medis saya ke SATUSEHAT, platform data kesehatan Kementerian Kesehatan, agar dokter di fasilitas kesehatan lain yang merawat saya dapat melihatnya.

Yang dikirim: identitas, kunjungan, diagnosis, obat, alergi, hasil pemeriksaan, dan tanda vital. Manfaatnya: pemeriksaan tidak perlu diulang dan pengobatan lebih aman.

Jika saya menolak, perawatan saya di klinik ini tidak berubah. Pelaporan yang diwajibkan oleh undang-undang tetap dilakukan. Pilihan ini dapat saya ubah kapan saja; data yang sudah dikirim diatur oleh Kementerian Kesehatan.""",
    title_en="Exchange of data through SATUSEHAT",
    body_en="""The clinic sends my medical record to SATUSEHAT, the health data platform of the Ministry of Health, so that doctors of other facilities who treat me can see it.

What is sent: identity, visits, diagnoses, medicines, allergies, results and vital signs. The benefit: tests need not be repeated and treatment is safer.

If I refuse, my care at this clinic does not change. Reports that the law demands are still made. I can change this choice at any time; data sent before are governed by the Ministry of Health.""",
)

INSURER = ShippedText(
    kind="insurer",
    title_id="Informasi kepada penjamin biaya",
    body_id="""Klinik boleh memberikan informasi tentang kunjungan saya kepada pihak yang menanggung biaya: BPJS Kesehatan, perusahaan asuransi, atau pemberi kerja yang menjamin.

Yang diberikan hanya yang diperlukan untuk memeriksa dan membayar klaim: identitas, tanggal kunjungan, diagnosis, tindakan, obat, hasil pemeriksaan, dan biaya.

Jika saya menolak, penjamin mungkin tidak membayar dan biaya menjadi tanggungan saya. Pilihan ini dapat saya ubah kapan saja untuk klaim berikutnya.""",
    title_en="Information for whoever bears the costs",
    body_en="""The clinic may give information about my visits to whoever bears the costs: BPJS Kesehatan, an insurance company, or an employer who pays.

Only what is needed to check and pay the claim is given: identity, date of the visit, diagnosis, procedures, medicines, results and costs.

If I refuse, the payer may not pay, and I bear the costs myself. I can change this choice at any time for later claims.""",
)

EDUCATION = ShippedText(
    kind="education",
    title_id="Pendidikan dan penelitian",
    body_id="""Peserta didik tenaga kesehatan yang belajar di klinik ini boleh melihat hasil pemeriksaan saya di bawah bimbingan, dan data saya boleh dipakai untuk penelitian setelah nama dan nomor identitas dihapus.

Peserta didik terikat kerahasiaan yang sama dengan petugas klinik. Penelitian memerlukan izin komite etik.

Jika saya menolak, perawatan saya tidak berubah. Pilihan ini dapat saya ubah kapan saja.""",
    title_en="Education and research",
    body_en="""Trainees of health professions who learn at this clinic may see my results under guidance, and my data may be used for research after names and identity numbers are removed.

Trainees are bound to the same confidentiality as the staff of the clinic. Research needs the approval of an ethics committee.

If I refuse, my care does not change. I can change this choice at any time.""",
)

MESSAGES = ShippedText(
    kind="messages",
    title_id="Pesan dan pengingat",
    body_id="""Klinik boleh mengirim pengingat kepada saya: janji temu besok, tagihan yang belum dibayar, dan ajakan kontrol.

Pesan dikirim ke surel saya dan ke portal pasien. Isi medis tidak pernah ditulis dalam pesan.

Jika saya menolak, pengingat berhenti. Konfirmasi atas hal yang saya minta sendiri, misalnya pemesanan jadwal, kuitansi, atau keamanan akun, tetap dikirim karena diperlukan. Pilihan ini dapat saya ubah kapan saja.""",
    title_en="Messages and reminders",
    body_en="""The clinic may send me reminders: tomorrow's appointment, unpaid bills, and invitations to a check-up.

Messages go to my e-mail and to the patient portal. Medical details are never written in a message.

If I refuse, reminders stop. Confirmations of what I asked for myself, for instance bookings, receipts or the security of my account, are still sent because they are needed. I can change this choice at any time.""",
)

SHIPPED = (GENERAL, SATUSEHAT, INSURER, EDUCATION, MESSAGES)

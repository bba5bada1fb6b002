"""Requests about personal data: one nearly due, one fresh from the portal, two that were answered."""

from __future__ import annotations

from datetime import timedelta

from accounts.models import User
from core import clock
from core.models import Counter
from patients.models import DataRequest, Patient, ProcessingLimit
from patients.rights import ANSWER_WITHIN, facts_of

Kind, Status, Channel = DataRequest.Kind, DataRequest.Status, DataRequest.Channel


class Rights:
    """What the one who answers finds in the morning."""

    def __init__(self, admin: User, receptionist: User) -> None:
        self.admin, self.receptionist = admin, receptionist
        self.number = 0

    def build(self, people: list[Patient]) -> None:
        """Write the requests; the first of `people` has a portal account."""
        adults = [one for one in people[1:] if 20 <= clock.age_parts(one.birth_date, clock.today())[0] < 75]
        child = next(one for one in people if 2 <= clock.age_parts(one.birth_date, clock.today())[0] < 15)
        portal, letter, moved = people[0], adults[2], adults[3]
        limited = self._request(
            moved, Kind.RESTRICTION, Channel.DESK, 240, proof="KTP dilihat", details="Tidak mau menerima pesan pengingat.",
            facts={"scopes": ["messages"]},
        )  # fmt: skip
        self._answer(limited, Status.FULFILLED, "Sejak hari ini kami tidak mengirim pengingat lagi.")
        ProcessingLimit.objects.create(
            patient=moved, request=limited, scope="messages", since=limited.decided_at, since_by=self.admin
        )
        erased = self._request(
            child, Kind.ERASURE, Channel.LETTER, 160, name=child.mother_name or "Orang tua", relation="Ibu",
            proof="Kartu keluarga dan akta kelahiran", details="Mohon hapus seluruh rekam medis.",
        )  # fmt: skip
        words = "Rekam medis wajib disimpan 25 tahun sejak kunjungan terakhir. Foto boleh dihapus bila diminta."
        self._answer(erased, Status.REFUSED, words, ground="retention")
        self._request(
            letter, Kind.CORRECTION, Channel.LETTER, 61, proof="Salinan KTP terlampir",
            details="Alamat saya sudah pindah, tertulis alamat lama.", facts={"before": facts_of(letter)},
        )  # fmt: skip
        self._request(
            portal, Kind.COPY, Channel.PORTAL, 5, recorded_by=portal.user, proof="Masuk ke portal dan memastikan lagi"
        )
        Counter.objects.create(name=f"patients.data_request.{clock.local(clock.now()).year}", value=self.number)

    def _request(self, patient: Patient, kind: str, channel: str, hours_ago: int, name: str = "", relation: str = "",
                 recorded_by: User | None = None, **fields: object) -> DataRequest:  # fmt: skip
        self.number += 1
        at = clock.now() - timedelta(hours=hours_ago)
        return DataRequest.objects.create(
            number=f"PDP-{clock.local(clock.now()).year}-{self.number:04d}", patient=patient, kind=kind, channel=channel,
            requester_name=name or patient.full_name, requester_relation=relation, received_at=at,
            due_at=at + ANSWER_WITHIN, recorded_by=recorded_by or self.receptionist, **fields,
        )  # fmt: skip

    def _answer(self, request: DataRequest, status: str, words: str, ground: str = "") -> None:
        request.status, request.decision, request.ground = status, words, ground
        request.decided_at, request.decided_by = request.received_at + timedelta(hours=26), self.admin
        request.save(update_fields=["status", "decision", "ground", "decided_at", "decided_by"])

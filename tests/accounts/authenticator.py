"""An authenticator made of software, for tests: it answers questions as browsers send the answers on, or in any wrong way."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def data(text: str) -> bytes:
    return urlsafe_b64decode(text + "===")


@dataclass
class Authenticator:
    """One passkey on one device. `counter` None: a device without counter, as phones are."""

    origin: str
    counter: int | None = 0
    flags: int = PRESENT | VERIFIED
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""
    rp_id: str = ""

    def create(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        self.handle, self.rp_id = data(options["user"]["id"]), options["rp"]["id"]
        numbers = self.key.public_key().public_numbers()
        public_key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor2.dumps(public_key)
        auth_data = self._auth_data(self.flags | ATTESTED, 0, wrong) + attested
        return self._answer(
            {
                "clientDataJSON": text(self._client_data("webauthn.create", options, wrong)),
                "attestationObject": text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": auth_data})),
                "transports": ["internal", "hybrid"],
            },
            {"credProps": {"rk": True}},
        )

    def get(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """Answer `navigator.credentials.get`. `wrong`: challenge, origin, type, rp_id, flags, counter, handle, signature."""
        if self.counter is not None:
            self.counter += 1
        counter = wrong.get("counter", self.counter or 0)
        auth_data = self._auth_data(wrong.get("flags", self.flags), counter, wrong)
        client_data = self._client_data("webauthn.get", options, wrong)
        signature = self.key.sign(auth_data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": text(client_data),
                "authenticatorData": text(auth_data),
                "signature": text(wrong.get("signature", signature)),
                "userHandle": text(wrong.get("handle", self.handle)),
            },
            {},
        )

    def _auth_data(self, flags: int, counter: int, wrong: dict[str, Any]) -> bytes:
        rp_id = wrong.get("rp_id", self.rp_id)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", counter)

    def _client_data(self, kind: str, options: dict[str, Any], wrong: dict[str, Any]) -> bytes:
        return json.dumps(
            {
                "type": wrong.get("type", kind),
                "challenge": wrong.get("challenge", options["challenge"]),
                "origin": wrong.get("origin", self.origin),
                "crossOrigin": wrong.get("cross_origin", False),
            }
        ).encode()

    def _answer(self, response: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": text(self.credential_id),
            "rawId": text(self.credential_id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": results,
            "authenticatorAttachment": "platform",
        }

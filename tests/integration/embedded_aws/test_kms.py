"""The stand-in for KMS: what it encrypts is bound to its context and outlives a restart."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from embedded_aws.emulator import database
from embedded_aws.kms import MOST_PLAINTEXT_BYTES, Kms, KmsError
from rigs.emulated import Emulated

CONTEXT = {"app": "ticktape", "channel": "a"}


def test_a_text_comes_back_under_its_context_alone(emulated: Emulated) -> None:
    kms = emulated.clients.kms
    sealed = kms.encrypt(KeyId="alias/any", Plaintext=b"secret", EncryptionContext=CONTEXT)
    blob = sealed["CiphertextBlob"]
    assert b"secret" not in blob
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == b"secret"
    for blob_, context in ((blob, {**CONTEXT, "channel": "b"}), (blob[:-1], CONTEXT), (b"", {})):
        with pytest.raises(ClientError) as raised:
            kms.decrypt(CiphertextBlob=blob_, EncryptionContext=context)
        assert raised.value.response["Error"]["Code"] == "InvalidCiphertextException"


def test_a_long_text_and_another_operation_are_refused(emulated: Emulated) -> None:
    kms = emulated.clients.kms
    with pytest.raises(ClientError, match="ValidationException"):
        kms.encrypt(KeyId="alias/any", Plaintext=b"x" * (MOST_PLAINTEXT_BYTES + 1))
    with pytest.raises(ClientError, match="InvalidAction"):
        kms.create_key()


def test_the_key_is_kept_in_the_file(tmp_path: Path) -> None:
    def kms() -> Kms:
        return Kms(database.connect(tmp_path / "a.db"), threading.Lock())

    sealed = kms()._encrypt({"Plaintext": "c2VjcmV0"})["CiphertextBlob"]
    assert kms()._decrypt({"CiphertextBlob": sealed})["Plaintext"] == "c2VjcmV0"
    with pytest.raises(KmsError):
        Kms(database.connect(None), threading.Lock())._decrypt({"CiphertextBlob": sealed})

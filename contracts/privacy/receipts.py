"""Receipts: what was erased, where and when, without the ids themselves, signed with the installation's secret.

The signature is a keyed BLAKE2b hash: this installation can verify its own receipts, and nobody can forge one without
the secret.
"""

import hmac
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from contracts.errors import InputError

SIGNATURE: Final = "signature"
_PURPOSE: Final = b"receipt"  # BLAKE2b's personalization: a receipt's signature is no tombstone


def signed(receipt: Mapping[str, Any], secret: bytes) -> dict[str, Any]:
    """The receipt with its signature."""
    return {**receipt, SIGNATURE: _signature(receipt, secret)}


def verify(raw: bytes, secret: bytes) -> dict[str, Any]:
    """The receipt, if this installation has signed it as it is; raises InputError."""
    try:
        receipt = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InputError(f"this is not a receipt: it is not JSON ({error}).") from None
    if not isinstance(receipt, dict) or not isinstance(receipt.get(SIGNATURE), str):
        raise InputError("this is not a receipt: it has no signature.")
    told = {name: value for name, value in receipt.items() if name != SIGNATURE}
    if not hmac.compare_digest(receipt[SIGNATURE].encode(), _signature(told, secret).encode()):
        raise InputError("the receipt was changed, or another installation has signed it.")
    return receipt


def _signature(receipt: Mapping[str, Any], secret: bytes) -> str:
    canonical = orjson.dumps(dict(receipt), option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
    return blake2b(canonical, digest_size=32, key=secret, person=_PURPOSE).hexdigest()

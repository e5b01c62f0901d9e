"""Erasure of a person: who is erased, what every store must be able to do, tombstones, receipts."""

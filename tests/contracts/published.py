"""A small bundle, published."""

import numpy as np
import pyarrow as pa

from contracts.bundle import write_arrays, write_table
from contracts.bundle_store import BundlePointer, FileBundleStore
from tests.bare_bundles import bare_manifest


def publish(store: FileBundleStore, version: str) -> BundlePointer:
    with store.draft() as draft:
        write_arrays(draft / "recommend", {"scores": np.arange(6, dtype=np.float32).reshape(2, 3)})
        write_table(draft / "tables" / "items.arrow", pa.table({"item_id": ["a", "b"], "price": [1.0, None]}))
        (draft / "recommend" / "parameters.json").write_text('{"k": 20}')
        return store.publish(draft, bare_manifest(draft, version))

"""Every id of the customers whom campaigns hold out, by the identities that are known now.

A list is made from a bundle, whose customers may have been merged since, as may those of a campaign since its draw.
So a held-out customer is known by all ids that could be a customer id in any of them.
"""

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather

from contracts import columns as c
from contracts.campaigns import DRAWN_ID, HELD_OUT, HELD_OUT_IDS, campaigns_folder
from contracts.customer_id import customer_id_of_anonymous, customer_id_of_user, user_id_of
from contracts.files.atomic import PRIVATE, replace_file
from contracts.settings import Settings
from pipelines.warehouse.schemas import IS_USER_ID, PERSON_ID
from pipelines.warehouse.warehouse import Warehouse


def write_held_out_ids(settings: Settings, warehouse: Warehouse, assigned: pa.Table) -> None:
    """Replace <home>/campaigns/held_out_ids.arrow; `assigned` has the assignments of every campaign, or none."""
    drawn = pc.unique(assigned.filter(pc.equal(assigned[c.ARM], HELD_OUT))[c.CUSTOMER_ID])
    if not len(drawn):
        return
    user_ids = pa.array(map(user_id_of, drawn.to_pylist()), pa.string())
    people, held_out = warehouse.identity_map(), warehouse.register(pa.table({DRAWN_ID: drawn, PERSON_ID: user_ids}))
    customers = people.filter(people[IS_USER_ID]).join(held_out, PERSON_ID).select(DRAWN_ID, c.CUSTOMER_ID)
    ids = people.select(IS_USER_ID, PERSON_ID, c.CUSTOMER_ID).join(customers, c.CUSTOMER_ID)
    found = ids.select(DRAWN_ID, IS_USER_ID, PERSON_ID).to_pyarrow().to_pylist()
    rows = [{DRAWN_ID: row[DRAWN_ID], c.CUSTOMER_ID: _own_id(row[PERSON_ID], row[IS_USER_ID])} for row in found]
    content = io.BytesIO()
    schema = pa.schema([(DRAWN_ID, pa.string()), (c.CUSTOMER_ID, pa.string())])
    feather.write_feather(pa.Table.from_pylist(rows, schema=schema), content)
    replace_file(campaigns_folder(settings) / HELD_OUT_IDS, content.getvalue(), PRIVATE)


def _own_id(person_id: str, is_user_id: bool) -> str:
    """The customer id of a person who was merged with nobody."""
    return customer_id_of_user(person_id) if is_user_id else customer_id_of_anonymous(person_id)

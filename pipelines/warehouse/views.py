"""What readers see of the stored tables: events with their customers, the catalogue, and one currency for both."""

import ibis
import pyarrow as pa

from contracts import columns as c
from pipelines.warehouse.catalogue import catalogue_of_events, merged_catalogue, with_attributes
from pipelines.warehouse.currency import AcceptedCurrencies, converted, daily_rates, stated_currencies, store_currency
from pipelines.warehouse.item_aliases import ALIAS, item_aliases, with_item_ids
from pipelines.warehouse.page_orders import without_unconfirmed
from pipelines.warehouse.schemas import IS_USER_ID, PERSON_ID
from pipelines.warehouse.warehouse import Warehouse


def lines(warehouse: Warehouse) -> ibis.Table:
    """Every line that counts, without its customer: `columns.EVENT_LINES`, with one id for each item and one currency.

    Orders that only a page has told are left out, as the setting `page_orders` says.

    Raises SettingsError where an exchange rate is missing.
    """
    stored = _with_item_ids(warehouse, without_unconfirmed(warehouse, warehouse.lines()))
    stated = stated_currencies(stored)
    rates = daily_rates(stated, warehouse.rates)
    if not rates.num_rows:
        return stored
    return converted(stored, warehouse.register(rates), str(store_currency(stated, warehouse.rates)))


def events(warehouse: Warehouse) -> ibis.Table:
    """Every stored line with its customer: `columns.EVENTS`, all amounts in the store's currency.

    Raises SettingsError where an exchange rate is missing.
    """
    joined = with_customer(lines(warehouse), warehouse.identity_map())
    return warehouse.connection.create_view("events", joined.select(c.EVENTS.names), overwrite=True)


def catalogue(warehouse: Warehouse) -> ibis.Table:
    """Every item of any product line or catalogue file: `columns.CATALOGUE`, computed once for each call.

    The catalogue file's values take precedence; where it has none, the values that events stated last are used.
    Raises SettingsError where an exchange rate is missing.
    """
    return warehouse.cache(merged_catalogue(warehouse.table("catalogue"), catalogue_of_events(lines(warehouse))))


def described_items(warehouse: Warehouse) -> ibis.Table:
    """What catalogue files and updates told, and when: rows of `columns.CATALOGUE`, several for an item."""
    tables = (warehouse.table("descriptions"), warehouse.table("catalogue"))
    return warehouse.cache(ibis.union(*(with_attributes(table) for table in tables)))


def currency(warehouse: Warehouse) -> str | None:
    """The store's currency: the setting, else the one that its events state; None before any event states one.

    Raises SettingsError where the events state several and the setting is missing.
    """
    return store_currency(stated_currencies(warehouse.lines()), warehouse.rates)


def accepted_currencies(warehouse: Warehouse) -> AcceptedCurrencies:
    """The currencies that new events may state."""
    return AcceptedCurrencies(currency(warehouse), warehouse.rates.first_days())


def _with_item_ids(warehouse: Warehouse, stored: ibis.Table) -> ibis.Table:
    skus = warehouse.table("skus").to_pyarrow()
    if not skus.num_rows:
        return stored
    aliases = item_aliases(skus, set(warehouse.table("catalogue")[c.ITEM_ID].to_pyarrow().to_pylist()))
    if not aliases:
        return stored
    table = pa.table({ALIAS: list(aliases), c.ITEM_ID: list(aliases.values())})
    return with_item_ids(stored, warehouse.register(table))


def with_customer(table: ibis.Table, identity_map: ibis.Table) -> ibis.Table:
    """The table with the columns of the identity map for each row: by the user id, else by the anonymous id."""
    return with_person_id(table).left_join(identity_map, [IS_USER_ID, PERSON_ID]).drop(IS_USER_ID, PERSON_ID)


def with_person_id(table: ibis.Table) -> ibis.Table:
    """The table with the key of the identity map for each row: the user id, else the anonymous id."""
    person = ibis.coalesce(table[c.USER_ID], table[c.ANONYMOUS_ID])
    return table.mutate(**{IS_USER_ID: table[c.USER_ID].notnull(), PERSON_ID: person})

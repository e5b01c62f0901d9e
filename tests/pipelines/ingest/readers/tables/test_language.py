from pipelines.ingest.readers.tables.language import (
    CarryDown,
    Fields,
    ItemRule,
    Items,
    Joined,
    Mapping,
    Parent,
    Rule,
    field_columns,
    listed,
    template_columns,
)


def test_a_mapping_knows_every_column_of_the_file_that_it_names() -> None:
    mapping = Mapping(
        fields=Fields("time", item_id=["sku", "name"], refunded="back"),
        rules=[Rule({"state": "paid"}, "Order Completed")],
        items=Items(
            "sku",
            attributes={"colour": "hue"},
            attribute_pairs=[("a name", "a value")],
            category_list=";",
            parent=Parent("of", {"id": "id:"}, ["brand"]),
            rules=[ItemRule({"kind": "x"}, leave_out=True)],
        ),
        anonymous_id="order-{number}",
        carry_down=CarryDown(["place"], key="order", copies={"first": "line"}),
        joined={"name": Joined(["title", "size"], [" "])},
    )
    assert mapping.columns() == {
        *("time", "sku", "back", "state", "hue", "a name", "a value", "of", "id", "brand", "kind", "number"),
        *("place", "order", "line", "title", "size"),
    }


def test_fields_have_a_column_or_several() -> None:
    assert field_columns(Fields("time", item_id=["a", "b"])) == {"timestamp": "time", "item_id": ["a", "b"]}
    assert field_columns(Items("a", category_list=";")) == {"item_id": "a"}
    assert field_columns(None) == {}
    assert (listed("a"), listed(["a", "b"])) == (["a"], ["a", "b"])


def test_a_template_names_columns() -> None:
    assert template_columns("order-{Name} at {Time}") == ["Name", "Time"]

from contracts.logs.sources import log_key, source_of_key


def test_a_page_and_a_server_have_keys_of_their_own_whatever_they_are_called() -> None:
    page, server = source_of_key("web", is_trusted=False), source_of_key("web", is_trusted=True)
    assert page != server
    assert source_of_key("server:web", is_trusted=False) not in (page, server)
    pages = {log_key(page, message_id) for message_id in ("order-1", "server:order-1")}
    assert log_key(server, "order-1") not in pages
    assert log_key(source_of_key("other", is_trusted=False), "order-1") in pages  # page keys share their ids

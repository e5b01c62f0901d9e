from pipelines.simulate.assortment import CATEGORIES


def test_categories_are_complete_and_go_with_each_other() -> None:
    names = {category.name for category in CATEGORIES}
    assert len(names) == len(CATEGORIES)
    for category in CATEGORIES:
        assert category.goes_with in names - {category.name}
        assert all(word == word.strip() != "" for word in (*category.styles, *category.nouns))
        assert 0 <= category.return_rate < 0.5
        assert 0 <= category.amplitude < 1

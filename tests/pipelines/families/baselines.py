"""What every customer family's baseline must do where it answers instead of the model."""

from pathlib import Path

from pipelines.families.family import Family, FittedFamily, TrainingData


def check_baseline(family: Family, data: TrainingData, fitted: FittedFamily, folder: Path) -> FittedFamily:
    """It fills the columns of the model otherwise, is stored, and scores the same from its files."""
    assert family.fit_baseline is not None
    assert family.rescore is not None
    assert fitted.table is not None
    baseline = family.fit_baseline(data)
    assert baseline.table is not None
    assert baseline.table.schema == fitted.table.schema
    assert baseline.table.num_rows == fitted.table.num_rows
    assert not baseline.table.equals(fitted.table)
    assert baseline.columns.keys() == fitted.columns.keys()
    baseline.write_files(folder)
    rescored = family.rescore(data, folder)
    assert rescored.table.equals(baseline.table)
    assert rescored.replays == baseline.replays
    return baseline

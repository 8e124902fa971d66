"""Walk forward: labelled bars, purged folds, everything fitted a fold, decided, simulated and measured."""

"""What several tests of `diagnose` share."""

from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from striate import diagnose


def subjects(*args, **settings):
    return [each.subject for each in diagnose(*args, **settings)]


def split(X, y, n_train=None):
    """Return training rows, their targets, and the other rows as arguments of `diagnose`."""
    X_train, X_val, y_train, y_val = train_test_split(X, y, train_size=n_train, random_state=0)
    return X_train, y_train, {"X_val": X_val, "y_val": y_val}


def scaled_targets(regressor):
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())

"""
What is wrong with this training?
=================================

:func:`~striate.diagnose` looks at a fitted network, tells what is wrong with its training, and what
to do.
"""

# %%
# Thirteen chemical measurements of 178 wines from three growers. A network with default settings
# learns nothing from them:
import warnings

from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from striate import DiagnosisDisplay, MLPClassifier, diagnose

warnings.simplefilter("ignore", ConvergenceWarning)  # the diagnosis says it in more words

X, y = load_wine(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
classifier = MLPClassifier((20,), random_state=0).fit(X_train, y_train)
classifier.score(X_test, y_test)

# %%
# The columns have different units, from fractions of 1 to thousands.
diagnose(classifier, X_train, y_train, X_val=X_test, y_val=y_test)

# %%
# The same as a picture:
display = DiagnosisDisplay.from_estimator(classifier, X_train, y_train)

# %%
# What it advises: scaled columns, and smaller batches.
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

settings = {"batch_size": 16, "max_iter": 500, "random_state": 0}
model = make_pipeline(StandardScaler(), MLPClassifier((20,), **settings))
model.fit(X_train, y_train).score(X_test, y_test)

# %%
diagnose(model, X_train, y_train, X_val=X_test, y_val=y_test)

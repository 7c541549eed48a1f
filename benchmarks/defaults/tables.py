"""The results as Markdown."""

from benchmarks.defaults.data_sets import RAW
from benchmarks.defaults.methods import (
    CYMLP,
    INGREDIENTS,
    LABEL_METHODS,
    METHODS,
    ON_LARGE_SETS,
    WITH_REALMLP,
)
from benchmarks.defaults.parts import PARTS
from benchmarks.defaults.regression import summary_of_values
from benchmarks.defaults.regressors import REGRESSORS, WITH_CHANGES
from benchmarks.defaults.summaries import MARGIN, column, difference, summary

TITLES = {
    name: method.title
    for name, method in (INGREDIENTS | ON_LARGE_SETS | WITH_REALMLP | METHODS).items()
}
TITLES_OF_REGRESSORS = {
    name: method.title for name, method in (WITH_CHANGES | REGRESSORS).items()
}
TITLES_FOR_LABELS = {name: method.title for name, method in LABEL_METHODS.items()}
SMALL = 400
NOTES = f"""\
Accuracy and log loss are those of the test rows: means over the data sets, each with
the mean over its seeds. Differences have the standard error over the data sets. Seconds
are processor time of `fit`, on one thread. The worst set is the one on which the
accuracy is lowest relative to the best other method of the table. A fit collapses if
its accuracy is at most that of the commonest class where another method is better than
this by more than {MARGIN:.0%} of the rows. A fit that raises an error counts as one
that predicts the frequencies of the classes.
"""


NOTES_ON_REGRESSION = """\
R² is that of the test rows; its mean counts negative values as 0. The error is the root
mean square error on the test rows in standard deviations of the target. Both are means
over the outputs, the seeds and the data sets. Differences have the standard error over
the data sets. Seconds are processor time of `fit`, on one thread. A fit that raises an
error counts as one that predicts the mean of the target.
"""
NOTES_ON_LABELS = """\
Accuracy is the share of the test rows of which all labels are predicted right, the
Hamming loss the share of all labels that are predicted wrong, and the log loss the mean
over all labels. All are means over the data sets, each with the mean over its seeds.
Differences have the standard error over the data sets. Seconds are processor time of
`fit`, on one thread. A fit that raises an error counts as one that predicts the
frequencies of the labels.
"""
DOCUMENTS = {
    "defaults": ("# Default settings", NOTES),
    "labels": ("# Default settings for several labels per sample", NOTES_ON_LABELS),
    "regression": ("# Default settings for regression", NOTES_ON_REGRESSION),
}


def document(results, name="defaults"):
    """Write the results of the parts of a document as Markdown.

    Parameters
    ----------
    results : dict of str to dict
        For each part that was measured, what `__main__.run` returned.
    name : str
        Key of `DOCUMENTS`.
    """
    lines = [DOCUMENTS[name][0], "", DOCUMENTS[name][1]]
    for part in PARTS:
        if part in results and PARTS[part].document == name:
            lines += [f"## {PARTS[part].title}", "", heading(results[part])]
            lines += [section(part, results[part])]
    return "\n".join(lines)


def of_the_page(results):
    """Give the tables of the page on choosing settings."""
    stress = stress_tables(results["stress"])
    return [
        methods_table(results["suite"]),
        methods_table(results["realmlp"]),
        large_table(results["large"]),
        stress["accuracy"],
        stress["collapses"],
        ingredients_table(results["ingredients"]),
    ]


def heading(result):
    """Describe the data sets, the machine and the versions."""
    machine, sets = result["machine"], result["sets"]
    (by_set, *_), *_ = (fits.values() for fits in result["fits"].values())
    n_seeds = len(next(iter(by_set.values()))["seconds"])
    versions = [f"{name} {one}" for name, one in machine["versions"].items()]
    return (
        f"{count(len(sets), 'data set')}, {count(n_seeds, 'seed')}. "
        f"{machine['processor']}, {machine['processors']} processors, shared with "
        f"other programs; {machine['system']}; Python {machine['python']}; "
        f"{', '.join(versions)}.\n"
    )


def count(n, noun):
    """Write a number of things."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def section(part, result):
    """Write the tables of one part."""
    if part == "ingredients":
        return "\n".join(ingredients_tables(result))
    if part == "labels":
        by_set = sets_table(result, TITLES_FOR_LABELS, "accuracy", "labels")
        return "\n".join([labels_table(result), by_set])
    if part == "regression":
        by_set = sets_table(result, TITLES_OF_REGRESSORS, "r2", "outputs")
        tables = regressors_table(result), by_set
        return "\n".join(tables)
    if part == "regression-ingredients":
        return regressors_table(result)
    if part == "large":
        return large_table(result)
    if part == "stress":
        return "\n".join(stress_tables(result).values())
    tables = [methods_table(result)]
    if part == "suite":
        tables.append(sets_table(result, TITLES, "accuracy", "classes"))
    return "\n".join(tables)


def methods_table(result):
    """Compare the methods."""
    fits, sets = result["fits"][RAW], result["sets"]
    rows = []
    for method in fits:
        one = summary(method, fits, sets)
        rows.append(
            (
                TITLES[method],
                f"{one.accuracy:.4f}",
                ""
                if method == CYMLP
                else signed(*difference(fits[method], fits[CYMLP], "accuracy")),
                f"{one.log_loss:.3f}",
                f"{one.median_log_loss:.3f}",
                f"{one.seconds:.3f}",
                f"{one.warned:.1%}",
                str(one.collapses),
                f"{one.worst_set} {one.worst_difference:+.3f}",
            )
        )
    header = (
        "",
        "accuracy",
        "difference",
        "log loss",
        "median log loss",
        "seconds",
        "fits that warn",
        "collapses",
        "worst set",
    )
    return table(header, rows)


def sets_table(result, titles, measure, targets):
    """Write a measure of every method on each data set, of so many `targets`."""
    fits = result["fits"][RAW]
    sizes = ("training rows", "features", targets)
    rows = [
        (
            name,
            *(str(one[key]) for key in sizes),
            *(f"{column(fits[m], measure)[i].mean():.3f}" for m in fits),
        )
        for i, (name, one) in enumerate(result["sets"].items())
    ]
    return table(("", *sizes, *(titles[m] for m in fits)), rows)


def large_table(result):
    """Compare the methods on each large set."""
    fits = result["fits"][RAW]
    rows = [
        (
            f"{name}, {one['training rows']} × {one['features']}",
            TITLES[method],
            *(
                f"{column(fits[method], key)[i].mean():.{digits}f}"
                for key, digits in (("accuracy", 4), ("log_loss", 3), ("seconds", 1))
            ),
        )
        for i, (name, one) in enumerate(result["sets"].items())
        for method in fits
    ]
    return table(("", "", "accuracy", "log loss", "seconds"), rows)


def stress_tables(result):
    """Compare the methods after each change of the features: a table by measure."""
    sets = result["sets"]
    summaries = {
        change: {method: summary(method, fits, sets) for method in fits}
        for change, fits in result["fits"].items()
    }
    methods = next(iter(summaries.values()))
    tables = {}
    for title, write in {
        "accuracy": lambda one: f"{one.accuracy:.4f}",
        "log loss": lambda one: f"{one.log_loss:.3f}",
        "collapses": lambda one: str(one.collapses),
        "fits that warn": lambda one: f"{one.warned:.1%}",
        "fits that fail": lambda one: f"{one.failed:.1%}",
    }.items():
        rows = [
            (change, *(write(one) for one in by_method.values()))
            for change, by_method in summaries.items()
        ]
        tables[title] = table((title, *(TITLES[method] for method in methods)), rows)
    return tables


def ingredients_tables(result):
    """Write the table of all data sets, and a table of the small ones if there are."""
    small = on_small_sets(result)
    n_small = len(small["sets"])
    tables = [ingredients_table(result)]
    if n_small:
        title = f"The {count(n_small, 'data set')} of fewer than {SMALL} training rows:"
        tables += [f"{title}\n", ingredients_table(small)]
    return tables


def on_small_sets(result):
    """Leave out the data sets of at least `SMALL` training rows."""
    names = [k for k, one in result["sets"].items() if one["training rows"] < SMALL]
    sets = {name: result["sets"][name] for name in names}
    fits = {
        method: {name: own[name] for name in names}
        for method, own in result["fits"][RAW].items()
    }
    return result | {"sets": sets, "fits": {RAW: fits}}


def ingredients_table(result):
    """Compare cymlp with one default changed with its defaults."""
    fits = result["fits"][RAW]
    rows = []
    for method, own in fits.items():
        losses = column(own, "log_loss").mean(axis=1)
        changes = [
            "" if method == CYMLP else signed(*difference(own, fits[CYMLP], name))
            for name in ("accuracy", "log_loss")
        ]
        rows.append(
            (
                TITLES[method],
                f"{column(own, 'accuracy').mean():.4f}",
                changes[0],
                f"{losses.mean():.3f}",
                changes[1],
                f"{column(own, 'seconds').mean():.3f}",
                f"{column(own, 'warned').mean():.1%}",
            )
        )
    header = (
        "",
        "accuracy",
        "difference",
        "log loss",
        "difference",
        "seconds",
        "fits that warn",
    )
    return table(header, rows)


def labels_table(result):
    """Compare classifiers of samples with several labels over all data sets."""
    fits = result["fits"][RAW]
    rows = []
    for method, own in fits.items():
        accuracy, hamming, log_loss = (
            [
                f"{column(own, name).mean():.4f}",
                "" if method == CYMLP else signed(*difference(own, fits[CYMLP], name)),
            ]
            for name in ("accuracy", "hamming", "log_loss")
        )
        seconds = f"{column(own, 'seconds').mean():.3f}"
        warned = f"{column(own, 'warned').mean():.1%}"
        title = TITLES_FOR_LABELS[method]
        rows.append((title, *accuracy, *hamming, *log_loss, seconds, warned))
    header = (
        "",
        "accuracy",
        "difference",
        "Hamming loss",
        "difference",
        "log loss",
        "difference",
        "seconds",
        "fits that warn",
    )
    return table(header, rows)


def regressors_table(result):
    """Compare regressors over all data sets."""
    fits = result["fits"][RAW]
    rows = []
    for method in fits:
        one = summary_of_values(method, fits)
        rows.append(
            (
                TITLES_OF_REGRESSORS[method],
                f"{one.r2:.4f}",
                f"{one.median_r2:.4f}",
                f"{one.worst_set} {one.worst_r2:.3f}",
                f"{one.error:.4f}",
                ""
                if method == CYMLP
                else signed(*difference(fits[method], fits[CYMLP], "error")),
                "" if method == CYMLP else str(one.n_better),
                f"{one.seconds:.3f}",
                f"{one.warned:.1%}",
            )
        )
    header = (
        "",
        "R²",
        "median",
        "worst set",
        "error",
        "minus cymlp's",
        "sets with a lower error",
        "seconds",
        "fits that warn",
    )
    return table(header, rows)


def signed(mean, error):
    """Write a difference and its standard error over the data sets."""
    return f"{mean:+.4f} ± {error:.4f}"


def table(header, rows):
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)

"""The report on a published experiment, the speed benchmark, and their data sets."""

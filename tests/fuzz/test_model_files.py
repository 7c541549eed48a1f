"""A few hundred damaged model files; ``make fuzz`` tries as many as asked."""

from fuzz.model_files import mutate_files


def test_a_damaged_file_is_refused_or_works(tmp_path):
    n_accepted = mutate_files(400, 0, tmp_path)
    assert 10 < n_accepted < 200

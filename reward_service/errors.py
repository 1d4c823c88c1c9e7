"""Why the service does not start: each is a mistake of whoever starts it, told in one line, exit code 2.

    StartError
    |-- BadSettings   a variable or option is out of range or malformed (settings.py)
    |-- BadProfile    a profile file cannot be used (profiles/)
    `-- CannotListen  the address or port cannot be had (serving.py)

Errors of a request are in problems.py, those of an item in rewards/score.py.
"""


class StartError(Exception):
    """Base of what keeps the service from starting."""

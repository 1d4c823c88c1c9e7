"""Everything the trainer raises on purpose. Each class has one meaning and one exit code of the command line.

TrainerError
|-- ConfigError              2  the run configuration or a command line argument is wrong
|-- DataError                2  a data file, row or image is wrong (names file and line)
|-- ServiceError             4  the reward service was reached, but cannot serve this run
|   |-- ServiceUnreachable   3  no usable answer within the retry budget
|   |-- ServiceRefused       4  the service says that the request is wrong (401, 404, 409, 413, 422)
|   `-- ContractMismatch     4  the answer is not what contract 1 promises
|-- TooManyUnscored          5  too large a share of a step could not be judged
|-- CheckpointError          6  a run folder or checkpoint is damaged or belongs to another run
`-- Interrupted            130  somebody asked the run to stop, and it did, with a checkpoint
"""


class TrainerError(Exception):
    """Base of all: its text is one line that says what came, what was expected and what to do."""

    exit_code = 1


class ConfigError(TrainerError):
    """The run configuration or a command line argument is wrong; the text names the field."""

    exit_code = 2


class DataError(TrainerError):
    """A data file, a row or an image is wrong; the text names file and line."""

    exit_code = 2


class ServiceError(TrainerError):
    """The reward service cannot serve this run."""

    exit_code = 4


class ServiceUnreachable(ServiceError):
    """No usable answer came within the retry budget; the same command may succeed later."""

    exit_code = 3


class ServiceRefused(ServiceError):
    """The service refused the request for good. `status` is the HTTP status, `detail` the service's words."""

    def __init__(self, message: str, status: int, detail: str) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail


class ContractMismatch(ServiceError):
    """The service answered, but not as the contract says: nothing of that answer may be used."""


class TooManyUnscored(TrainerError):
    """A larger share of a step than `reward.max_unscored` could not be judged."""

    exit_code = 5


class CheckpointError(TrainerError):
    """A run folder or checkpoint is damaged or belongs to another run."""

    exit_code = 6


class Interrupted(TrainerError):
    """Somebody asked the run to stop, and it did, with a checkpoint."""

    exit_code = 130  # what a shell reports for Ctrl-C

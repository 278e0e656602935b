"""Runs a model's network (ONNX), which is data: loading it executes no code of the model's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from presage.errors import CorruptArtifactError

OUTPUT = "probabilities"
ONNX_ERRORS = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoSuchFile,
    failures.NotImplemented,
    failures.RuntimeException,
    ValueError,
)


class Network:
    """A loaded network, safe to run from many threads. One core a run: requests are what runs in parallel."""

    def __init__(self, path: str, *, columns: int, classes: int) -> None:
        """Load the file at `path`, whose bytes were checked before, and run it once on zeros.

        Raises:
            CorruptArtifactError: It is not a network of that shape.
        """
        self._classes = classes
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except ONNX_ERRORS as error:
            raise CorruptArtifactError(f"The network cannot be loaded: {error}") from error
        self._input = self._session.get_inputs()[0].name
        self.run(np.zeros((1, columns), dtype=np.float32))

    def run(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the classes' probabilities. Shape: (n, columns) → (n, classes).

        Raises:
            CorruptArtifactError: The network fails, or what it gives are no probabilities.
        """
        try:
            (output,) = self._session.run([OUTPUT], {self._input: rows})
        except ONNX_ERRORS as error:
            raise CorruptArtifactError(f"The network cannot be run: {error}") from error
        probabilities: npt.NDArray[np.float32] = output
        if probabilities.shape != (len(rows), self._classes) or not np.isfinite(probabilities).all():
            raise CorruptArtifactError(f"The network gave {probabilities.shape} for {len(rows)} rows, or not only finite numbers")
        return probabilities

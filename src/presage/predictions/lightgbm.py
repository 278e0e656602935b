"""LightGBM's C interface, of which only the running of trees is used. Its Python package is never imported (docs/adr/0016)."""

from __future__ import annotations

import ctypes
import weakref
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import local
from typing import cast

import numpy as np
import numpy.typing as npt

from presage.errors import CorruptArtifactError
from presage.predictions.lightgbm_text import write_text
from presage.training.compiled import Forest

FloatArray = npt.NDArray[np.float64]
MOST_ROWS_HOLDING_THE_LOCK = 1_000
"""Some milliseconds. Below, the interpreter's lock is kept: who lets go of it for microseconds waits for milliseconds to have it back."""
FEWEST_ROWS_AT_ONCE = 8
"""Below, rows are run one by one, which costs less than setting a run of many up."""

_FLOAT64, _ROW_MAJOR, _RAW_SCORE, _ALL_TREES = 1, 1, 1, -1
_PARAMETERS = b"num_threads=1 verbosity=-1"
_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_SIGNATURES = {
    "LGBM_BoosterLoadModelFromString": (ctypes.c_char_p, _POINTER, _POINTER),
    "LGBM_BoosterFree": (_POINTER,),
    "LGBM_FastConfigFree": (_POINTER,),
    "LGBM_BoosterPredictForMat": (*(_POINTER, _POINTER, *[_INT] * 7), ctypes.c_char_p, _POINTER, _POINTER),
    "LGBM_BoosterPredictForMatSingleRowFastInit": (_POINTER, *[_INT] * 5, ctypes.c_char_p, _POINTER),
    "LGBM_BoosterPredictForMatSingleRowFast": (*[_POINTER] * 4,),
}


class _Buffers(local):
    """One thread's row and its sums, where the library finds and leaves them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.row = np.zeros(inputs)
        self.sums = np.zeros(outputs)
        self._length = ctypes.c_int64()
        self.pointers = (self.row.ctypes.data, ctypes.addressof(self._length), self.sums.ctypes.data)


class TreeRunner:
    """Trees in the library's form, safe to run from many threads."""

    def __init__(self, forest: Forest, *, inputs: int, outputs: int) -> None:
        """Hand a checked forest over to the library."""
        self._kept, self._freeing = _load_library(ctypes.PyDLL), _load_library(ctypes.CDLL)
        self._buffers = _Buffers(inputs, outputs)
        self._inputs, self._outputs = inputs, outputs
        booster, config = ctypes.c_void_p(), ctypes.c_void_p()
        text = write_text(forest, inputs=inputs, outputs=outputs)
        self._check(self._kept.LGBM_BoosterLoadModelFromString(text, ctypes.byref(_INT()), ctypes.byref(booster)))
        weakref.finalize(self, self._kept.LGBM_BoosterFree, booster)
        options = (booster, _RAW_SCORE, 0, _ALL_TREES, _FLOAT64, inputs, _PARAMETERS)
        self._check(self._kept.LGBM_BoosterPredictForMatSingleRowFastInit(*options, ctypes.byref(config)))
        weakref.finalize(self, self._kept.LGBM_FastConfigFree, config)
        self._booster, self._config = booster, config
        self._run_row = self._kept.LGBM_BoosterPredictForMatSingleRowFast

    def run_row(self, row: FloatArray) -> FloatArray:
        """Return the sums of one row, in a buffer that this thread's next call writes to. Shape: (inputs,) or (1, inputs) → (outputs,)."""
        buffers = self._buffers
        buffers.row[:] = row
        if self._run_row(self._config, *buffers.pointers):
            self._check(-1)
        return buffers.sums

    def run(self, rows: FloatArray) -> FloatArray:
        """Return the sums. Shape: (n, inputs) → (n, outputs)."""
        sums = np.empty((len(rows), self._outputs))
        if len(rows) < FEWEST_ROWS_AT_ONCE:
            for number, row in enumerate(rows):
                sums[number] = self.run_row(row)
            return sums
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        if rows.shape != (len(rows), self._inputs):
            raise ValueError(f"Expected {self._inputs} inputs, got {rows.shape}")
        library = self._kept if len(rows) <= MOST_ROWS_HOLDING_THE_LOCK else self._freeing
        options = (_FLOAT64, len(rows), self._inputs, _ROW_MAJOR, _RAW_SCORE, 0, _ALL_TREES, _PARAMETERS)
        length = ctypes.c_int64()
        self._check(library.LGBM_BoosterPredictForMat(self._booster, rows.ctypes.data, *options, ctypes.byref(length), sums.ctypes.data))
        return sums

    def _check(self, status: int) -> None:
        if status:
            raise CorruptArtifactError(f"The trees cannot be run: {self._kept.LGBM_GetLastError().decode()}")


@cache
def _load_library(kind: type[ctypes.CDLL]) -> ctypes.CDLL:
    """Return the library; by `PyDLL` its calls keep the interpreter's lock, by `CDLL` they let go of it."""
    package = find_spec("lightgbm")
    if package is None:
        raise ImportError("lightgbm is not installed")
    library = kind(str(Path(cast("str", package.origin)).parent / "lib" / "lib_lightgbm.so"))
    for name, arguments in _SIGNATURES.items():
        getattr(library, name).argtypes = arguments
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library

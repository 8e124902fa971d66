"""Types of the arrays that pass between the parts."""

import numpy as np
import numpy.typing as npt

type FloatArray = npt.NDArray[np.float64]
type Float32Array = npt.NDArray[np.float32]
type IntArray = npt.NDArray[np.int64]
type BoolArray = npt.NDArray[np.bool_]
type MonthArray = npt.NDArray[np.datetime64]
"""Calendar months, `datetime64[M]`."""

"""What sizes and counts usually are, in a few numbers: a histogram whose buckets grow by a quarter,
so a quantile is right to a quarter and takes no more room after a year than after a day.
"""

import math
from collections.abc import Mapping, MutableMapping

STEP = 1.25


def bucket_of(size: float) -> int:
    """The number of the first bucket that holds `size`; each is a quarter wider than the last."""
    return 0 if size < 1 else math.ceil(math.log(size, STEP))


def add_to(counted: MutableMapping[str, float], size: float) -> None:
    """One more sample."""
    bucket = str(bucket_of(size))
    counted[bucket] = counted.get(bucket, 0.0) + 1


def quantile(counted: Mapping[str, float], part: float, samples: int) -> float:
    """The upper end of the bucket in which `part` of all samples has been passed; 0 while there are
    fewer than `samples`.
    """
    total = sum(counted.values())
    if total < samples:
        return 0.0
    seen = 0.0
    for bucket in sorted(map(int, counted)):
        seen += counted[str(bucket)]
        if seen >= part * total:
            return float(STEP**bucket)
    return 0.0

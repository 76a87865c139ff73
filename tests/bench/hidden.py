"""What a development environment has and the image has not; redis and DRF load what they find."""

import sys

sys.modules |= dict.fromkeys(("opentelemetry", "psutil", "pygments"))

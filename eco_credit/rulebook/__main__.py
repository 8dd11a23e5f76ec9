"""``python -m eco_credit.rulebook``: lint the shipped rules; exit 1 and one line per defect.

With ``--page`` it writes the page of estimates and figures to verify to stdout instead.
"""

import sys

from eco_credit.rulebook.book import load
from eco_credit.rulebook.lint import lint
from eco_credit.rulebook.page import to_verify

if "--page" in sys.argv[1:]:
    sys.stdout.write(to_verify(load()))
    sys.exit(0)
findings = lint()
sys.stderr.writelines(f"{finding}\n" for finding in findings)
sys.exit(bool(findings))

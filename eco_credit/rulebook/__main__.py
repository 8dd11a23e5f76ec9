"""``python -m eco_credit.rulebook``: lint the shipped rules; exit 1 and one line per defect."""

import sys

from eco_credit.rulebook.lint import lint

findings = lint()
sys.stderr.writelines(f"{finding}\n" for finding in findings)
sys.exit(bool(findings))

# SPDX-License-Identifier: Apache-2.0
"""Run the tests of a component in an environment with a real release.

    python run_real.py COMPONENT RESULT

matrix.py starts this with the environment's own Python, 2.7.  RESULT is the
file to write the numbers to.
"""

from __future__ import absolute_import
from __future__ import print_function

import json
import os
import sys
import unittest
import warnings


def main(component, result_path):
    """Run the tests, and return whether they passed."""
    here = os.path.dirname(os.path.abspath(__file__))
    warnings.simplefilter('ignore')
    suite = unittest.TestLoader().discover(
        here, 'test_%s*.py' % component, here)
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    skipped = [reason for _test, reason in result.skipped]
    with open(result_path, 'w') as opened:
        json.dump({
            'passed': result.testsRun - failed - len(skipped),
            'failed': failed,
            'skipped': skipped,
        }, opened)
    return result.wasSuccessful()


if __name__ == '__main__':
    sys.exit(0 if main(*sys.argv[1:]) else 1)

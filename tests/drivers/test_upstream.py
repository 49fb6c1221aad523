# SPDX-License-Identifier: Apache-2.0
"""Tests of how results of upstream's tests are judged (upstream.py)."""

import sys
import unittest

if sys.version_info[0] == 3:
    import upstream
    import upstream_reasons


@unittest.skipIf(sys.version_info[0] == 2, 'upstream.py is for Python 3')
class Judging(unittest.TestCase):
    """A failure needs a reason, a reason needs a failure."""

    def setUp(self):
        self._reasons = upstream_reasons.REASONS
        upstream_reasons.REASONS = [upstream_reasons.Reason(
            'nova', 'test_a(_b)?', 'no such', 'ours', 'because')]
        self._say, self._said = upstream.matrix.say, []
        upstream.matrix.say = self._said.append

    def tearDown(self):
        upstream_reasons.REASONS = self._reasons
        upstream.matrix.say = self._say

    @staticmethod
    def failure(name, error, component='nova'):
        """Return a failure."""
        tests = upstream.Tests(component, '17.0.0', '18.3.0', 2, b'')
        return upstream.Failure(tests, name, error)

    def judge(self, *failures, **kwargs):
        """Return how many things are wrong, and what was said of them."""
        wrong = upstream.judge(list(failures), kwargs.get('complete', True))
        return wrong, [text.partition(':')[0] for text in self._said]

    def test_explained(self):
        """A failure with a reason is all right."""
        self.assertEqual((0, []), self.judge(
            self.failure('test_a', 'there is no such thing'),
            self.failure('test_a_b', 'no such thing')))

    def test_another_error(self):
        """A reason is for one error; without it, it is not needed."""
        self.assertEqual(
            (2, ['no reason for', 'no failure for the reason']),
            self.judge(self.failure('test_a', 'no')))

    def test_another_test(self):
        """A reason is for the tests that it names."""
        for name, component in (('test_a_c', 'nova'), ('test_a', 'cinder')):
            self.assertEqual(1, self.judge(
                self.failure(name, 'no such thing', component),
                self.failure('test_a', 'no such thing'))[0])

    def test_not_complete(self):
        """What was not run may be what a reason is for."""
        self.assertEqual((0, []), self.judge(complete=False))
        self.assertEqual((1, ['no failure for the reason']), self.judge())

    def test_versions(self):
        """Betas and candidates come before what they become."""
        versions = ['9.0.0', '12.0.0.0b3', '12.0.0.0rc1', '12.0.0.0rc2',
                    '12.0.0', '12.0.10', '13.0.0.0b1']
        self.assertEqual(versions, sorted(sorted(versions),
                                          key=upstream.version_key))


@unittest.skipIf(sys.version_info[0] == 2, 'upstream.py is for Python 3')
class Reasons(unittest.TestCase):
    """The table of reasons."""

    def test_verdicts(self):
        """Each has a verdict that upstream.md knows, and says why."""
        for reason in upstream_reasons.REASONS:
            self.assertIn(reason.component, upstream.COMPONENTS)
            self.assertIn(reason.verdict, ('ours', 'theirs', 'neither'))
            self.assertTrue(reason.why)


if __name__ == '__main__':
    unittest.main()

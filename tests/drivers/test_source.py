# SPDX-License-Identifier: Apache-2.0
"""The source of the drivers keeps its promises."""

from __future__ import absolute_import

import ast
import os
import unittest

from standins import DRIVERS

MODULES = ('cinder/storpool.py', 'nova/storpool.py', 'os_brick/storpool.py')

HEADER = [
    '# SPDX-License-Identifier: Apache-2.0',
    '# Installed by sp-openstack; edits here are lost when it is upgraded or '
    'taken out.',
]


class SourceTest(unittest.TestCase):
    """Each of the modules."""

    def each(self):
        """Return path, lines and syntax tree of the modules."""
        for name in MODULES:
            path = os.path.join(DRIVERS, name)
            with open(path) as opened:
                text = opened.read()
            yield path, text.splitlines(), ast.parse(text, path)

    def test_header(self):
        for path, lines, _tree in self.each():
            self.assertEqual(HEADER, lines[:2], path)

    def test_lines(self):
        for path, lines, _tree in self.each():
            for number, line in enumerate(lines[2:], 3):
                self.assertLessEqual(len(line), 79, (path, number))
                self.assertEqual(line.rstrip(), line, (path, number))

    def test_future(self):
        for path, _lines, tree in self.each():
            names = [alias.name for node in tree.body
                     if isinstance(node, ast.ImportFrom) and
                     node.module == '__future__' for alias in node.names]
            self.assertEqual(['absolute_import', 'division'], names, path)

    def test_docstrings(self):
        for path, _lines, tree in self.each():
            for cls in tree.body:
                if isinstance(cls, ast.ClassDef):
                    self.check_class(path, cls)

    def check_class(self, path, cls):
        """See that a class and its public methods say what they do."""
        where = '%s: %s' % (path, cls.name)
        self.assertTrue(ast.get_docstring(cls), where)
        for method in cls.body:
            if (isinstance(method, ast.FunctionDef) and
                    not method.name.startswith('_')):
                self.check_method(where + '.' + method.name, method)

    def check_method(self, where, method):
        """See that a public method tells about all of its parameters."""
        text = ast.get_docstring(method)
        self.assertTrue(text, where)
        if where.partition(': ')[2].startswith('_'):
            return
        names = [getattr(arg, 'arg', getattr(arg, 'id', None))
                 for arg in method.args.args]
        for name in names:
            if name not in ('self', 'root_helper'):
                self.assertIn(':param %s:' % name, text, where)

    def test_old_translation_functions_are_not_used(self):
        for path, lines, _tree in self.each():
            for name in ('_LE', '_LI', '_LW'):
                self.assertNotIn(name, '\n'.join(lines), path)


if __name__ == '__main__':
    unittest.main()

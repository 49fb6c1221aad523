# SPDX-License-Identifier: Apache-2.0
"""Call functions in another process.

One source for both sides: the test (Python 3) and the processes with nova
and cinder (Python 2.7).  A call is a line of JSON on a connection of its own
to a socket in the file system: {"call": NAME, "with": {...}}; the answer is
another: {"value": ...} or {"error": TYPE, "text": ...}.
"""

from __future__ import absolute_import

import json
import os
import socket
import sys
import threading
import traceback


class Failed(Exception):
    """The function raised an exception.

    :param kind: the name of its type
    """

    def __init__(self, kind, text):
        super(Failed, self).__init__('%s: %s' % (kind, text))
        self.kind = kind
        self.text = text


class Died(Exception):
    """The process ended before it answered."""


def call(path, name, arguments, timeout=None):
    """Call a function of the process that serves a socket.

    :returns: what the function returned
    :raises Failed: it raised an exception
    :raises Died: there was no answer
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    try:
        connection.connect(path)
        connection.sendall((json.dumps({'call': name, 'with': arguments}) +
                            '\n').encode('utf-8'))
        line = connection.makefile('rb').readline()
    except socket.timeout:
        raise Died('%s: no answer after %s seconds' % (name, timeout))
    except socket.error as exc:
        raise Died('%s: %s' % (name, exc))
    finally:
        connection.close()
    if not line.endswith(b'\n'):
        raise Died('%s: the process ended' % name)
    answer = json.loads(line.decode('utf-8'))
    if 'error' in answer:
        raise Failed(answer['error'], answer['text'])
    return answer['value']


def serve(path, functions):
    """Answer calls to functions, a dictionary, until the process ends."""
    listener = socket.socket(socket.AF_UNIX)
    temporary = path + '.new'
    if os.path.exists(temporary):
        os.unlink(temporary)
    listener.bind(temporary)
    listener.listen(16)
    os.rename(temporary, path)
    while True:
        connection, _address = listener.accept()
        thread = threading.Thread(target=_answer,
                                  args=(connection, functions))
        thread.daemon = True
        thread.start()


def _answer(connection, functions):
    """Answer the call of one connection."""
    try:
        request = json.loads(
            connection.makefile('rb').readline().decode('utf-8'))
        try:
            value = functions[request['call']](**request['with'])
            answer = {'value': value}
        except Exception as exc:  # pylint: disable=broad-except
            traceback.print_exc()
            sys.stderr.flush()
            answer = {'error': type(exc).__name__, 'text': '%s' % (exc,)}
        connection.sendall((json.dumps(answer) + '\n').encode('utf-8'))
    finally:
        connection.close()

# SPDX-License-Identifier: Apache-2.0
"""What a directory tree is like, to tell later whether it still, or again, is like that."""

import collections
import hashlib
import os
import stat

# state: what makes a file what it is. stamp: what changes whenever it is written to or replaced,
# even if it looks the same afterwards.
Entry = collections.namedtuple("Entry", "state stamp")
State = collections.namedtuple("State", "kind mode owner group time attributes content")


def attributes(path):
    """The extended ones; none on a file system without them."""
    try:
        return tuple((name, os.getxattr(path, name, follow_symlinks=False))
                     for name in sorted(os.listxattr(path, follow_symlinks=False)))
    except OSError:
        return ()


def content(path, info):
    """A digest of a file, the target of a link, None of anything else."""
    if stat.S_ISREG(info.st_mode):
        try:
            with open(path, "rb") as file:
                return hashlib.sha256(file.read()).digest()
        except PermissionError:
            return "not readable"
    return os.readlink(path) if stat.S_ISLNK(info.st_mode) else None


def names_in(directory):
    try:
        return os.listdir(directory)
    except PermissionError:
        return []


def snapshot(top, earlier=None):
    """{relative path: Entry}; "" is the top itself.

    Contents are read again only where an earlier snapshot does not vouch for them: a file that
    was written to, or put in place of another, has another change time or inode.
    """
    found = {}

    def visit(path, name):
        info = os.lstat(path)
        stamp = info.st_ino, info.st_ctime_ns, info.st_size
        before = earlier.get(name) if earlier else None
        if before and before.stamp == stamp:
            found[name] = before
        else:
            found[name] = Entry(State(
                stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid,
                info.st_mtime_ns, attributes(path), content(path, info)), stamp)
        if stat.S_ISDIR(info.st_mode):
            for entry in names_in(path):
                visit(path + "/" + entry, name + "/" + entry if name else entry)

    visit(top, "")
    return found


def states(snap):
    """{relative path: State}: the snapshot without what tells that something was touched."""
    return {name: entry.state for name, entry in snap.items()}


def difference(before, after, fields=State._fields, touched=False):
    """The first few differences between two snapshots, in words; "" if there is none.

    fields: of the state, those that matter. touched: also what was written to and looks the same.
    """
    texts = []
    for name in sorted(set(before) | set(after)):
        shown = name or "the top"
        if name not in after:
            texts.append("%s is gone" % shown)
        elif name not in before:
            texts.append("%s is new" % shown)
        else:
            one, other = before[name], after[name]
            changed = [field for field in fields
                       if getattr(one.state, field) != getattr(other.state, field)]
            if changed:
                texts.append("%s: %s changed" % (shown, ", ".join(changed)))
            elif touched and one.stamp != other.stamp:
                texts.append("%s was touched" % shown)
    more = ["and %d more" % (len(texts) - 6)] if len(texts) > 6 else []
    return "; ".join(texts[:6] + more)

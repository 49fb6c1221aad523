#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Checks the documents against the program: every command and option of `sp-openstack help` is in
# the man page, and the other way round (tests/cli/test_completion.py has the completion); what
# README and the man page name exists; the man page is clean.
#
#     tests/test_docs.sh [PROGRAM]

set -u

top=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$top/sp-openstack}
page=$top/doc/sp-openstack.8
completion=$top/completions/sp-openstack
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
passed=0 failed=0 skipped=0

ok() {
    passed=$((passed + 1))
}

bad() {
    failed=$((failed + 1))
    echo "FAILED $*"
}

# same NAME A B: the two lists of lines hold the same
same() {
    if [ -s "$2" ] && diff "$2" "$3" >differ; then
        ok
    else
        bad "$1"
        cat differ
    fi
}

"$program" help >help || bad "the program does not run"

# commands
awk '/^Commands/ { on = 1; next } /^$/ { on = 0 } on { print $1 }' help | sort >commands
sed -n '/^\.Sh COMMANDS/,/^\.Sh OPTIONS/s/^\.It Cm \([a-z]*\).*/\1/p' "$page" | sort >page-commands
same "the commands of help (<) and of the man page (>)" commands page-commands
sed -n "s/.*local commands='\(.*\)'.*/\1/p" "$completion" | tr ' ' '\n' | sort >completed
same "the commands of help (<) and of the completion (>)" commands completed

# options: "-L --path value"
sed -n 's/^  \(-[A-Za-z]\),* *\(--[a-z-]*\) *\([A-Z]\{3,\}\)\{0,1\}.*/\1 \2 \3/p
        s/^      \(--[a-z-]*\) *\([A-Z]\{3,\}\)\{0,1\}.*/- \1 \2/p' help |
    sed 's/ *$//' | sort >options
sed -n '/^\.Sh OPTIONS/,/^\.Sh STATES/{
        s/^\.It Fl \([A-Za-z]\) , Fl Fl \([a-z-]*\) Ar \([A-Z]*\).*/-\1 --\2 \3/p;t
        s/^\.It Fl \([A-Za-z]\) , Fl Fl \([a-z-]*\)$/-\1 --\2/p;t
        s/^\.It Fl Fl \([a-z-]*\) Ar \([A-Z]*\).*/- --\1 \2/p;t
        s/^\.It Fl Fl \([a-z-]*\)$/- --\1/p;}' "$page" | sort >page-options
same "the options of help (<) and of the man page (>)" options page-options
grep ' [A-Z]' options | tr ' ' '\n' | grep '^-.' | sort -u >flags
sed -n "/local with_value=/,/'\$/p" "$completion" | tr " '" '\n\n' | grep '^-' | sort -u >completed
same "the options with a value of help (<) and of the completion (>)" flags completed

# what the man page says of an option where it is used
for flag in $(sed -n 's/^.*Fl Fl \([a-z-]*\).*/\1/p' "$page" | sort -u); do
    if grep -q -e " --$flag\$" -e " --$flag " options; then ok; else bad "the man page: --$flag"; fi
done

# the man page itself
if command -v mandoc >/dev/null 2>&1; then
    mandoc -T lint -W style "$page" 2>/dev/null | grep -v ': referenced manual not found' >lint
    if [ -s lint ]; then
        bad "the man page is not clean"
        cat lint
    else
        ok
    fi
elif command -v groff >/dev/null 2>&1; then
    if [ -z "$(groff -ww -mdoc -Tutf8 "$page" 2>&1 >/dev/null)" ]; then
        ok
    else
        bad "the man page is not clean: $(groff -ww -mdoc -Tutf8 "$page" 2>&1 >/dev/null | head -n 3)"
    fi
else
    skipped=$((skipped + 1))
    echo "skipped: neither mandoc nor groff is here"
fi

# `make TARGET` in the documents, and what `make help` lists
for target in $( { cat "$top/README.md" "$top"/doc/*.md | sed 's/`make/\n    make/g' |
        sed -n 's/^    make \([a-z][a-z-]*\).*/\1/p'
        sed -n 's/^#: make \([a-z][a-z-]*\) .*/\1/p' "$top/Makefile" "$top"/*/*.mk "$top"/*/*/*.mk; } | sort -u); do
    if grep -qhE "^([a-z -]+ )?$target( [a-z -]+)?:" "$top/Makefile" "$top"/*/*.mk "$top"/*/*/*.mk; then ok; else bad "make $target: no such target"; fi
done

# files that are linked to or named
for document in README.md SECURITY.md doc/manifests.md; do
    base=$(dirname "$top/$document")
    for link in $(grep -o '](\([^)#:]*\))' "$top/$document" | tr -d '])('); do
        if [ -e "$base/$link" ]; then ok; else bad "$document: $link is not there"; fi
    done
done
for name in $(grep -oh '`[a-z/.]*/[a-z_.-]*\.\(py\|sh\|md\|c\|yaml\)`' "$top/README.md" \
        "$top"/doc/*.md | tr -d '`' | sort -u); do
    case $name in
    cinder/* | nova/* | os_brick/* | drivers/nova/storpool_queens.py) continue ;; # in packages
    esac
    if [ -e "$top/$name" ]; then ok; else bad "$name is named, and is not there"; fi
done

# the tests that SECURITY.md names, each in the file before it
file=
for word in $(grep -o 'tests/[a-z_/]*\.[a-z]*\|`test_[a-z_]*`\|class[es]* [A-Z][A-Za-z]*\( and [A-Z][A-Za-z]*\|, [A-Z][A-Za-z]*\)*' \
        "$top/SECURITY.md" | tr -d '`,' | tr ' ' '\n'); do
    case $word in
    class | classes | and) continue ;;
    tests/*)
        file=$word
        if [ -e "$top/$file" ]; then ok; else bad "SECURITY.md: there is no $file"; fi
        ;;
    *)
        # a unit test is TEST(name), TEST_IN_DIR(name), ...
        if grep -q -e "^ *\(def\|class\) $word(" -e "^TEST[A-Z_]*(${word#test_}[,)]" \
                "$top/$file" 2>/dev/null; then
            ok
        else
            bad "SECURITY.md: $file has no $word"
        fi
        ;;
    esac
done

# the test command of README is what CI runs
if grep -q '^    make check$' "$top/README.md" && grep -q "make check'" "$top/.ci/run"; then
    ok
else
    bad "README's test command is not the one in .ci/run"
fi

# the commands of README's first screen, and the version
for words in 'check' 'install cinder os_brick' 'install nova' 'uninstall'; do
    if head -n 20 "$top/README.md" | grep -q "^    sp-openstack $words"; then
        ok
    else
        bad "README's first screen does not have: sp-openstack $words"
    fi
done
version=$("$program" --version | sed 's/^sp-openstack //')
if grep -q "^## $version" "$top/CHANGELOG.md"; then ok; else bad "CHANGELOG has no $version"; fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

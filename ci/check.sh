#!/bin/sh
# cg check as a step of any CI: fetches what the clone lacks, checks, writes the reports asked for, and on the target branch
# records which pull request landed what. Needs `cg` and `git` on PATH.
#
#   sh check.sh [RANGE]
#
#   TARGET      the branch that the change is for (default: what the remote's HEAD names)
#   FORMAT      text, github, … on stdout            SUMMARY   file that gets the Markdown report added
#   SARIF       file for SARIF 2.1.0                 QUALITY   file for GitLab's code quality report
#   STRICT      1: warnings fail too                 INCOMPLETE  say: blindness (exit code 3) is said and does not fail the step
#   LANDED      1: RANGE has landed: record its pull requests, track, push the notes
set -u
range=${1-}
if [ -n "${TARGET-}" ]; then
    CG_TRACK_BRANCH=$TARGET
    export CG_TRACK_BRANCH
fi
markdown=$(mktemp) || exit 2
trap 'rm -f "$markdown"' EXIT
set -- --fetch --format "${FORMAT:-text}" --save "markdown=$markdown"
[ -z "${SARIF-}" ] || set -- "$@" --save "sarif=$SARIF"
[ -z "${QUALITY-}" ] || set -- "$@" --save "gitlab=$QUALITY"
[ "${STRICT-}" != 1 ] || set -- "$@" --strict
[ -z "$range" ] || set -- "$@" "$range"
cg check "$@"
code=$?
[ -z "${SUMMARY-}" ] || cat "$markdown" >>"$SUMMARY"
if [ "${LANDED-}" = 1 ]; then
    cg merged ${range:+"$range"} && cg track
    cg sync || echo "the notes were not pushed: this step may not write to the repository" >&2
fi
if [ "$code" -eq 3 ] && [ "${INCOMPLETE-}" = say ]; then
    echo "cg check could not see everything (exit code 3, above); this step lets it pass" >&2
    code=0
fi
exit "$code"

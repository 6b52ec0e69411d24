# Shared by all hooks of contextgraph; `cg init` puts it into each of them. POSIX sh only, and builtins wherever they do:
# a process costs as much as the whole rest of this file.
cg_python='@PYTHON@'
cg_dir=${GIT_DIR:-.git}
[ -d "$cg_dir" ] || cg_dir=$(git rev-parse --git-dir 2>/dev/null)
cg_common=$cg_dir
cg_tree=main
if [ -f "$cg_dir/commondir" ]; then
	IFS= read -r cg_common <"$cg_dir/commondir"
	case $cg_common in
	/*) ;;
	*) cg_common=$cg_dir/$cg_common ;;
	esac
	cg_tree=worktree-${cg_dir##*/}
fi
cg_home=$cg_common/contextgraph
# The hook that was there before ours. pre-commit renames ours to NAME.legacy, and goes on calling it.
cg_before=${0%.legacy}.before-contextgraph

# The commit and the branch of HEAD. Right after a commit its ref is a loose file; where it is not (reftable), git is asked.
cg_head() {
	cg_ref='' cg_sha=''
	IFS= read -r cg_line <"$cg_dir/HEAD"
	case $cg_line in
	'ref: refs/heads/.invalid') ;;
	'ref: '*)
		cg_ref=${cg_line#ref: }
		[ -f "$cg_common/$cg_ref" ] && IFS= read -r cg_sha <"$cg_common/$cg_ref"
		;;
	*) cg_sha=$cg_line ;;
	esac
	case $cg_sha in
	'' | *[!0-9a-f]*)
		cg_sha=$(git rev-parse --verify -q HEAD)
		cg_ref=$(git symbolic-ref -q HEAD)
		;;
	esac
}

cg_spool() {
	[ -d "$cg_home" ] || mkdir -p "$cg_home"
	printf '%s\n' "$1" >>"$cg_home/spool"
}

# What is staged belongs to the commit that has just been made.
cg_bind() {
	if [ -f "$cg_home/staged/$cg_tree" ]; then
		if [ -e "$cg_home/staged/$cg_sha" ]; then
			mv "$cg_home/staged/$cg_tree" "$cg_home/staged/$cg_sha.$$"
		else
			mv "$cg_home/staged/$cg_tree" "$cg_home/staged/$cg_sha"
		fi
	fi
}

# One waiting worker at most: whoever creates the marker starts it, and writes its number there (0: for the microseconds in
# between), so that a marker whose worker died is seen. All three streams are redirected: who holds git's stderr keeps
# `git commit | cat` waiting. The worker has GIT_DIR and the rest of git's variables: it finds the same repository.
cg_wake() {
	[ "${CG_WORKER-}" = off ] && return
	[ -x "$cg_python" ] || return
	if [ -f "$cg_home/waiting" ]; then
		cg_pid=0
		IFS= read -r cg_pid <"$cg_home/waiting"
		# A dead worker that nobody has reaped (a container without init) still takes signals; it runs no program any more.
		kill -0 "${cg_pid:-0}" && { [ ! -e /proc/self/exe ] || [ "${cg_pid:-0}" = 0 ] || [ -e "/proc/$cg_pid/exe" ]; } && return
		rm -f "$cg_home/waiting"
	fi
	set -C
	if echo 0 >"$cg_home/waiting"; then
		set +C
		if command -v setsid >/dev/null; then
			setsid "$cg_python" -I -m contextgraph.worker "$PWD" </dev/null >/dev/null 2>&1 &
			echo "$!" >"$cg_home/waiting"
		else
			(
				"$cg_python" -I -m contextgraph.worker "$PWD" </dev/null >/dev/null 2>&1 &
				echo "$!" >"$cg_home/waiting"
			)
		fi
	fi
	set +C
}

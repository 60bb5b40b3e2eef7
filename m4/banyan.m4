# BANYAN_CC_FLAG(VARIABLE, FLAG): appends FLAG where the compiler takes it.
AC_DEFUN([BANYAN_CC_FLAG], [
AS_VAR_PUSHDEF([cache], [banyan_cv_cflag_$2])
AC_CACHE_CHECK([whether $CC takes $2], [cache], [
	banyan_saved="$CFLAGS"
	CFLAGS="$CFLAGS -Werror $2"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
		[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
	CFLAGS="$banyan_saved"
])
AS_VAR_IF([cache], [yes], [$1="$$1 $2"])
AS_VAR_POPDEF([cache])
])

# BANYAN_LD_FLAG(VARIABLE, FLAG): appends FLAG where the linker takes it.
AC_DEFUN([BANYAN_LD_FLAG], [
AS_VAR_PUSHDEF([cache], [banyan_cv_ldflag_$2])
AC_CACHE_CHECK([whether linking takes $2], [cache], [
	banyan_saved="$LDFLAGS"
	banyan_saved_cflags="$CFLAGS"
	CFLAGS="$CFLAGS -Werror $HARDEN_CFLAGS"
	LDFLAGS="$LDFLAGS $2"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
	CFLAGS="$banyan_saved_cflags"
	LDFLAGS="$banyan_saved"
])
AS_VAR_IF([cache], [yes], [$1="$$1 $2"])
AS_VAR_POPDEF([cache])
])

# BANYAN_NEED(VARIABLE, PKG-CONFIG MODULES, DEBIAN PACKAGE): a library that
# the server cannot do without. All that are missing are reported at the end.
AC_DEFUN([BANYAN_NEED], [
PKG_CHECK_MODULES([$1], [$2], [
	DEP_CFLAGS="$DEP_CFLAGS $$1_CFLAGS"
	DEP_LIBS="$DEP_LIBS $$1_LIBS"
], [
	banyan_missing="$banyan_missing $3"
	AC_MSG_WARN([$2 is missing: install the Debian package $3])
])
])

# SPDX-License-Identifier: MIT
# A thin front to meson. `make help` says what it can do; CONTRIBUTING.md says more.

BUILD ?= build
MESON ?= meson
# Given to meson when BUILD is made, such as MESON_OPTIONS='-Dprograms=shared -Dwerror=true'.
MESON_OPTIONS ?=
# Given to bench/run, such as BENCH_OPTIONS='--quick --json results.json'.
BENCH_OPTIONS ?=
# How long `make fuzz` tries each target.
SECONDS ?= 60
# Where to install; without it, where BUILD was set up for: /usr/local.
PREFIX ?=
DESTDIR ?=

programs := FDSEND='$(abspath $(BUILD))/tools/fdsend' FDRECV='$(abspath $(BUILD))/tools/fdrecv' \
	FDFWD='$(abspath $(BUILD))/tools/fdfwd'
prefix := $(if $(PREFIX),-Dprefix='$(abspath $(PREFIX))')
# Debian's linker looks in lib/MULTIARCH. Meson asks dpkg-architecture for that and, when a fresh system has none, takes
# lib64. A libdir in MESON_OPTIONS counts: it comes after this one.
libdir = $(if $(shell command -v dpkg-query),$(if $(shell dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null),,\
	-Dlibdir=lib/$(shell $(CC) -print-multiarch)))
# Debian and its relatives have every tool that the tests need: there, none may be left out.
tests := -Dtests=$(if $(shell command -v dpkg-query),enabled,auto)

.PHONY: all check static demo bench fuzz install deb dist format clean help mine localhost configured

all: mine configured
	@$(MESON) compile -C '$(BUILD)'

check: mine localhost
	@ci/builddeps --install-missing build check
	@$(MAKE) --no-print-directory configured
	@$(MESON) configure $(tests) '$(BUILD)'
	@$(MESON) compile -C '$(BUILD)'
	@rm -f '$(BUILD)/meson-logs/testlog.json'
	@$(MESON) test -C '$(BUILD)' --no-rebuild --print-errorlogs; status=$$?; \
		tests/figures.py '$(BUILD)'; exit $$status

# Programs that need no other file, with musl as their C library, in BUILD/static/tools.
static: mine
	@ci/builddeps --install-missing build static
	@test -e '$(BUILD)/static/build.ninja' || MESON='$(MESON)' ci/setup-musl '$(BUILD)/static' \
		$(MESON_OPTIONS) $(prefix) -Dprograms=alone -Dtests=disabled
	@$(MESON) compile -C '$(BUILD)/static'

demo: mine
	@ci/builddeps --install-missing build
	@$(MAKE) --no-print-directory all
	@$(programs) examples/demo

bench: mine
	@ci/builddeps --install-missing build
	@$(MAKE) --no-print-directory all
	@$(MESON) compile -C '$(BUILD)' benchmarks
	@! command -v musl-gcc >/dev/null || { $(MAKE) --no-print-directory static && \
		$(MESON) compile -C '$(BUILD)/static' nothing; }
	@test ! -e '$(BUILD)/static/bench/nothing' || export STATIC='$(abspath $(BUILD))/static'; \
		$(programs) BENCH='$(abspath $(BUILD))/bench' bench/run $(BENCH_OPTIONS)

fuzz: mine
	@ci/builddeps --install-missing build flavours
	@FUZZ_SECONDS='$(SECONDS)' ci/run fuzz

# Root may install what a user has built; what is written in BUILD stays the user's.
install:
	@test "$$(id -u)" = 0 || $(MAKE) --no-print-directory mine
	@$(MAKE) --no-print-directory configured
	@$(if $(prefix),$(MESON) configure $(prefix) '$(BUILD)')
	@$(MESON) compile -C '$(BUILD)'
	@$(MESON) install -C '$(BUILD)' --no-rebuild $(if $(DESTDIR),--destdir '$(abspath $(DESTDIR))')
	@test "$$(id -u)" != 0 || chown -R --reference='$(BUILD)/meson-private' '$(BUILD)'
	@test "$$(id -u)" != 0 || test -n '$(DESTDIR)' || ldconfig

# Packages for Debian and its relatives, in BUILD/deb.
deb: mine
	@ci/builddeps --install-missing build check packages
	@packaging/build-deb '$(BUILD)/deb'

# A tarball of what is committed, in BUILD/meson-dist.
dist: mine
	@ci/builddeps --install-missing build
	@$(MAKE) --no-print-directory configured
	@$(MESON) dist -C '$(BUILD)' --formats xztar --no-tests

format:
	find . -path './build*' -prune -o -name '*.[ch]' -print0 | xargs -0 clang-format -i

clean: mine
	rm -rf '$(BUILD)'

help:
	@echo "make                            build in $(BUILD)/"
	@echo "make check                      build and run every test"
	@echo "make static                     build programs that need no other file in $(BUILD)/static/"
	@echo "make demo                       see it work"
	@echo "make install [PREFIX=] [DESTDIR=]"
	@echo "                                install, in /usr/local unless PREFIX says otherwise"
	@echo "make bench                      compare with what the kernel costs"
	@echo "make deb                        build Debian packages"
	@echo "make dist                       make a tarball of what is committed"
	@echo "make fuzz [SECONDS=60]          try made-up input, so long for each kind"
	@echo "make format                     format the C sources"
	@echo "make clean                      remove $(BUILD)/"
	@echo "Variables: BUILD, PREFIX, DESTDIR, MESON_OPTIONS, BENCH_OPTIONS."
	@echo "check, static, demo, bench, deb and dist install missing packages."

configured:
	@command -v $(MESON) >/dev/null || \
		{ echo "make: there is no $(MESON); ci/builddeps --install-missing build installs it" >&2; exit 1; }
	@test -e '$(BUILD)/build.ninja' || $(MESON) setup $(libdir) $(MESON_OPTIONS) $(prefix) '$(BUILD)'

# Two users cannot share a build folder: what one has written the other cannot replace.
mine:
	@owner="$$(stat -c %u '$(BUILD)' 2>/dev/null || id -u)"; test "$$owner" = "$$(id -u)" || { \
		echo "make: $(BUILD)/ belongs to $$(stat -c %U '$(BUILD)') and you are $$(id -un):" \
			"remove it as that user, or build elsewhere with 'make BUILD=FOLDER ...'" >&2; exit 1; }

# A system that debootstrap has just made has no /etc/hosts, and tests look that name up.
localhost:
	@getent hosts localhost >/dev/null || { \
		echo "make: localhost has no address here: put the line '127.0.0.1 localhost' into /etc/hosts" >&2; exit 1; }

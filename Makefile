# SPDX-License-Identifier: Apache-2.0
# make help lists the targets.  CFLAGS, CPPFLAGS and LDFLAGS are the packager's: we never assign them.
VERSION    := 0.1.0
PKG_CONFIG ?= pkg-config
CUPS_CONFIG ?= cups-config
SANITIZE   ?=
# FAULTS=1 builds the points at which tests kill the daemon; never in what is installed.
FAULTS     ?=
WERROR     ?=
OUT        ?= build$(if $(SANITIZE),/san)$(if $(FAULTS),/faults)

prefix       ?= /usr
bindir       ?= $(prefix)/bin
sbindir      ?= $(prefix)/sbin
libexecdir   ?= $(prefix)/libexec
datadir      ?= $(prefix)/share
mandir       ?= $(datadir)/man
sysconfdir   ?= /etc
localstatedir ?= /var
runstatedir  ?= /run
unitdir      ?= $(prefix)/lib/systemd/system
userunitdir  ?= $(prefix)/lib/systemd/user
sysusersdir  ?= $(prefix)/lib/sysusers.d
tmpfilesdir  ?= $(prefix)/lib/tmpfiles.d
dbusdir      ?= $(datadir)/dbus-1
autostartdir ?= $(sysconfdir)/xdg/autostart
pamdir       ?= $(prefix)/lib/security
# Where pam-auth-update looks, on distributions that have it; empty: the profiles are examples only.
pamconfigsdir ?=
completiondir ?= $(datadir)/bash-completion/completions
docdir       ?= $(datadir)/doc/stillprint
cups_serverbin ?= $(eval cups_serverbin := $$(shell $$(CUPS_CONFIG) --serverbin))$(cups_serverbin)
cups_datadir   ?= $(eval cups_datadir := $$(shell $$(CUPS_CONFIG) --datadir))$(cups_datadir)
INSTALL      ?= install

# Asked only when something is compiled: `make deps` and `make help` need none of it.
pc_libs   = $(shell $(PKG_CONFIG) --libs $(1))
cups_libs = $(shell $(CUPS_CONFIG) --libs)

WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes \
        -Wno-missing-field-initializers -Wno-format-truncation
DEFS = -DSTILLPRINT_VERSION='"$(VERSION)"' -DSTILLPRINT_SYSCONFDIR='"$(sysconfdir)/stillprint"' \
        -DSTILLPRINT_STATEDIR='"$(localstatedir)/lib/stillprint"' \
        -DSTILLPRINT_SPOOLDIR='"$(localstatedir)/spool/stillprint"' \
        -DSTILLPRINT_RUNDIR='"$(runstatedir)/stillprint"' \
        -DSTILLPRINT_DATADIR='"$(datadir)/stillprint"' \
        -DSTILLPRINT_CUPS_SERVERBIN='"$(cups_serverbin)"'
# libcups 2.4 marks the IPP codec's neighbours deprecated in favour of names that CUPS 3 has and 2.4 lacks.
# What we compile with when the packager says nothing.
PLAIN := -O2 -g -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=2
SAN   := -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
OURS = -std=gnu17 -D_GNU_SOURCE -Ilib -Itests $(DEFS) $(WARN) -Wno-deprecated-declarations -MMD -MP \
        $(if $(FAULTS),-DSTILLPRINT_FAULTS) $(if $(WERROR),-Werror) \
        $(if $(SANITIZE),$(SAN),$(if $(CFLAGS),,$(PLAIN))) -fPIE
OUR_LD := -pie -Wl,-z,relro,-z,now -Wl,--as-needed

# What the linker takes for each program; the archive gives only the objects that a program needs.
LIBS_filter  := zlib libdeflate libjpeg
LATE_filter  := libsodium json-c
LIBS_backend := libsodium
LIBS_daemon  := sqlite3 libsodium libcurl gnutls dbus-1 libsystemd json-c
LIBS_cli     := libsodium libcurl gnutls dbus-1 json-c libsystemd
LIBS_agent   := dbus-1 libsystemd
LIBS_server  := sqlite3 libsodium libcurl gnutls libmicrohttpd json-c libsystemd libcrypt
LIBS_verifier := libsodium libcrypt libsystemd
# Whose headers alone are needed: it is loaded when a document asks for it.
LIBS_loaded  := libopenjp2
LIBS_all     := $(sort $(LIBS_filter) $(LATE_filter) $(LIBS_backend) $(LIBS_daemon) $(LIBS_cli) $(LIBS_agent) $(LIBS_server) $(LIBS_verifier))
PC_CFLAGS     = $(eval PC_CFLAGS := $$(shell $$(PKG_CONFIG) --cflags $$(LIBS_all) $$(LIBS_loaded)))$(PC_CFLAGS)

LIB_SRC   := $(sort $(wildcard lib/*/*.c))
TEST_SRC  := $(sort $(wildcard tests/test-*.c tests/fault-*.c))
TOOL_SRC  := $(sort $(wildcard tests/tools/*.c))
TESTS     := $(TEST_SRC:tests/%.c=$(OUT)/tests/%)
UNIT      := $(filter $(OUT)/tests/test-%,$(TESTS))
TOOLS     := $(TOOL_SRC:tests/tools/%.c=$(OUT)/tools/%)
OBJ        = $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard $(1)/*.c)))
ARCHIVE   := $(OUT)/libstillprint.a

BACKEND := $(OUT)/backend/stillprint
FILTER  := $(OUT)/bin/stillprint-ticket
DAEMON  := $(OUT)/bin/stillprintd
CLI     := $(OUT)/bin/stillprint
SERVER  := $(OUT)/bin/stillprint-server
AGENT   := $(if $(wildcard dbus/agent/main.c),$(OUT)/bin/stillprint-agent)
VERIFIER := $(OUT)/bin/stillprint-verifier
PAM     := $(OUT)/pam/pam_stillprint.so
PPD     := $(OUT)/ppd/stillprint-queue.ppd
PROGRAMS := $(BACKEND) $(FILTER) $(DAEMON) $(CLI) $(AGENT) $(SERVER) $(VERIFIER) $(PAM)

Q := $(if $(V),,@)
say = $(if $(Q),@printf '  %-5s %s\n' $(1) $(2))

all: $(PROGRAMS) $(PPD)		## build every program and the PPD

# Objects are made again when the flags change: `make`, then `make CFLAGS=-O0`, is no mixture.
FLAGS := $(OUT)/.flags
flags = $(subst ','\'',$(filter-out -Werror,$(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)))
$(FLAGS): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(flags)' | cmp -s - $@ || printf '%s\n' '$(flags)' >$@

$(OUT)/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(OURS) $(LATE) $(PC_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(ARCHIVE): $(patsubst %.c,$(OUT)/%.o,$(LIB_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

link_only = $(CC) $(OURS) $(CFLAGS) $(OUR_LD) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call pc_libs,$(1))
link = $(link_only) $(cups_libs) -lm -lpthread $(LINK_MORE)

$(BACKEND): $(call OBJ,backend) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_backend))
# The filter starts without libcups, libsodium and json-c: see filter/late.h.
soname = $(shell LC_ALL=C readelf -d "$$($(CC) -print-file-name=lib$(1).so)" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
$(OUT)/filter/late.o $(OUT)/lint/filter/late.ok: LATE = -DLATE_CUPS='"$(call soname,cups)"' \
	-DLATE_SODIUM='"$(call soname,sodium)"' -DLATE_JSON='"$(call soname,json-c)"'
$(FILTER): $(call OBJ,filter) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link_only,$(LIBS_filter)) -lm -ldl
$(DAEMON): $(call OBJ,dbus/daemon) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_daemon))
$(CLI): $(call OBJ,dbus/cli) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_cli))
$(OUT)/bin/stillprint-agent: $(call OBJ,dbus/agent) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_agent))

$(SERVER): LINK_MORE := -lpam
$(SERVER): $(call OBJ,server) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_server))
$(VERIFIER): $(call OBJ,dbus/verifier) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_verifier))

# A module is loaded into others' programs: its own objects, position-independent, nothing exported but what PAM calls.
# Not with AddressSanitizer: that wants to be first in the program, which is pamtester or a login, and breaks pam_unix.
PAM_SRC := pam/pam_stillprint.c lib/auth/login.c lib/auth/login-call.c
PAM_OURS = $(filter-out -fPIE -fsanitize=%,$(OURS)) -fPIC -fvisibility=hidden $(if $(SANITIZE),-fsanitize=undefined)
$(OUT)/pam/obj/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(PAM_OURS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(PAM): $(PAM_SRC:%.c=$(OUT)/pam/obj/%.o) pam/pam_stillprint.map
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -shared $(PAM_OURS) $(CFLAGS) $(filter-out -pie,$(OUR_LD)) -Wl,-z,defs \
		-Wl,--version-script=pam/pam_stillprint.map $(LDFLAGS) -o $@ $(filter %.o,$^) -lpam

# The bus without the engine: what tests link to a fake one.
BUS_OBJ := $(patsubst %.c,$(OUT)/%.o,$(wildcard dbus/daemon/bus*.c dbus/daemon/rows.c))
$(OUT)/tools/fake-engine: $(BUS_OBJ)
$(OUT)/tests/test-rows: $(OUT)/dbus/daemon/rows.o
$(OUT)/tools/crowd: $(patsubst %.c,$(OUT)/%.o,$(wildcard server/ca*.c)) $(OUT)/server/files.o
$(OUT)/tests/test-verify: $(OUT)/dbus/daemon/verify.o
LEDGER_OBJ := $(OUT)/server/ledger.o $(OUT)/server/ledger-read.o $(OUT)/server/ledger-schema.o
$(OUT)/tests/test-server-ledger: $(LEDGER_OBJ)
$(OUT)/tests/test-settle: $(LEDGER_OBJ) $(OUT)/dbus/daemon/settle.o $(OUT)/dbus/daemon/worker.o
$(OUT)/tests/test-bus $(OUT)/tests/test-bus-rights $(OUT)/tests/test-bus-signals: | $(OUT)/tools/fake-engine

# The server's jobs, without its network.
JOBS_OBJ := $(patsubst %.c,$(OUT)/%.o,server/db.c server/turn.c server/audit.c server/holders.c server/printers-schema.c server/printers-offer.c server/accounts-schema.c server/sync-schema.c server/ledger-schema.c server/delegates.c $(wildcard server/jobs*.c server/events*.c))
$(addprefix $(OUT)/tests/test-server-,jobs jobs-record holders events delegates): $(JOBS_OBJ)
$(OUT)/tests/test-server-csv: $(OUT)/server/csv.o
# All of the server but main().
ROOMS_OBJ := $(filter-out $(OUT)/server/main.o,$(call OBJ,server))
ROOMS_TESTS := $(patsubst %,$(OUT)/tests/test-server-%,ca config accounts credentials logins)
$(ROOMS_TESTS): $(ROOMS_OBJ)
$(ROOMS_TESTS): LINK_MORE := -lpam

$(TESTS): $(OUT)/tests/%: $(OUT)/tests/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_all))
$(OUT)/tests/test-backend: | $(BACKEND)
$(OUT)/tests/test-pam $(OUT)/tests/test-pam-peers: | $(VERIFIER) $(PAM)
$(OUT)/tests/test-pam $(OUT)/tests/test-pam-peers: LINK_MORE := -lpam
$(OUT)/tests/test-filter: | $(FILTER)
$(TOOLS): $(OUT)/tools/%: $(OUT)/tests/tools/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_all))

$(PPD): filter/stillprint.drv
	@mkdir -p $(@D)
	$(call say,PPD,$@)
	$(Q)ppdc -d $(@D) $< && mv $(@D)/queue.ppd $@

tools: $(TOOLS)			## build the tests' own programs


# ---------------------------------------------------------------- installation

MAN       := $(sort $(wildcard *.[158] */*.[158] */*/*.[158]))
MIME      := $(wildcard filter/*.types filter/*.convs)
SAMPLE    := $(firstword $(wildcard dbus/daemon/stillprint.conf dbus/stillprint.conf lib/core/stillprint.conf))
UNITS     := $(wildcard dbus/daemon/*.service server/*.service dbus/verifier/*.service)
PAM_PROFILES := $(wildcard pam/debian-*)
PAM_SAMPLES  := $(wildcard server/*.pam) $(PAM_PROFILES) $(wildcard pam/authselect-*) dbus/verifier/login.conf
SYSUNITS  := $(filter-out dbus/daemon/org.%,$(UNITS))
USERUNITS := $(wildcard dbus/agent/*.service)
AUTOSTART := $(wildcard dbus/agent/*.desktop)
COMPLETE  := $(firstword $(wildcard dbus/cli/*completion* dbus/cli/stillprint.bash))
D          = $(DESTDIR)

# What names a program or a folder names it as @bindir@ and is told here where that is.
put = $(INSTALL) -d $(D)$(2) && \
	sed -e 's|@bindir@|$(bindir)|g' -e 's|@sbindir@|$(sbindir)|g' \
	    -e 's|@libexecdir@|$(libexecdir)|g' -e 's|@sysconfdir@|$(sysconfdir)|g' -e 's|@localstatedir@|$(localstatedir)|g' \
	    -e 's|@runstatedir@|$(runstatedir)|g' $(1) >$(D)$(2)/$(or $(3),$(notdir $(1))) && \
	chmod 644 $(D)$(2)/$(or $(3),$(notdir $(1)))
define newline


endef
each = $(foreach f,$(1),$(call put,$(f),$(2))$(newline)	$(Q))

install: all				## install below DESTDIR; every folder can be set, as prefix= or bindir=
	$(Q)$(INSTALL) -d $(D)$(bindir) $(D)$(sbindir) $(D)$(cups_serverbin)/backend \
		$(D)$(cups_serverbin)/filter $(D)$(cups_datadir)/drv $(D)$(datadir)/stillprint \
		$(D)$(sysconfdir)/stillprint/stillprint.conf.d $(D)$(sysconfdir)/stillprint/server.conf.d $(D)$(docdir)
	$(Q)$(INSTALL) -m 755 $(CLI) $(D)$(bindir)/
	$(Q)$(INSTALL) -m 755 $(DAEMON) $(SERVER) $(VERIFIER) $(D)$(sbindir)/
	$(Q)$(INSTALL) -d $(D)$(pamdir) && $(INSTALL) -m 644 $(PAM) $(D)$(pamdir)/
	$(Q)$(if $(AGENT),$(INSTALL) -d $(D)$(libexecdir) && $(INSTALL) -m 755 $(AGENT) $(D)$(libexecdir)/)
	$(Q)$(INSTALL) -m 755 $(BACKEND) $(D)$(cups_serverbin)/backend/
	$(Q)$(INSTALL) -m 755 $(FILTER) $(D)$(cups_serverbin)/filter/
	$(Q)$(call each,$(MIME),$(cups_datadir)/mime):
	$(Q)$(INSTALL) -m 644 filter/stillprint.drv $(D)$(cups_datadir)/drv/
	$(Q)$(INSTALL) -m 644 $(PPD) $(D)$(datadir)/stillprint/
	$(Q)$(call put,dbus/daemon/org.stillprint.conf,$(dbusdir)/system.d)
	$(Q)$(call put,dbus/daemon/org.stillprint.service,$(dbusdir)/system-services)
	$(Q)$(call put,dbus/daemon/org.stillprint.policy,$(datadir)/polkit-1/actions)
	$(Q)$(call put,dbus/daemon/stillprint.sysusers,$(sysusersdir),stillprint.conf)
	$(Q)$(call put,dbus/daemon/stillprint.tmpfiles,$(tmpfilesdir),stillprint.conf)
	$(Q)$(call each,$(SYSUNITS),$(unitdir)):
	$(Q)$(call each,$(USERUNITS),$(userunitdir)):
	$(Q)$(call each,$(AUTOSTART),$(autostartdir)):
	$(Q)$(foreach m,$(MAN),$(call put,$(m),$(mandir)/man$(subst .,,$(suffix $(m))))$(newline)	$(Q)):
	$(Q)$(if $(COMPLETE),$(call put,$(COMPLETE),$(completiondir),stillprint))
	$(Q)$(if $(SAMPLE),$(call put,$(SAMPLE),$(docdir)/examples))
	$(Q)$(call each,$(PAM_SAMPLES),$(docdir)/examples):
	$(Q)$(if $(pamconfigsdir),$(foreach f,$(PAM_PROFILES),$(call put,$(f),$(pamconfigsdir),$(patsubst debian-%,%,$(notdir $(f))))$(newline)	$(Q)):)
	$(Q)$(if $(SAMPLE),test -e $(D)$(sysconfdir)/stillprint/stillprint.conf || \
		$(call put,$(SAMPLE),$(sysconfdir)/stillprint))
	$(Q)$(call put,server/server.conf,$(docdir)/examples)
	$(Q)test -e $(D)$(sysconfdir)/stillprint/server.conf || { $(call put,server/server.conf,$(sysconfdir)/stillprint); }
	$(Q)$(INSTALL) -m 644 README.md $(wildcard NOTICE) docs/ARCHITECTURE.md $(D)$(docdir)/

uninstall:				## remove what install put there; configuration, state and spool stay
	$(RM) $(D)$(bindir)/stillprint $(D)$(sbindir)/stillprintd $(D)$(sbindir)/stillprint-server $(D)$(libexecdir)/stillprint-agent \
		$(D)$(sbindir)/stillprint-verifier $(D)$(pamdir)/pam_stillprint.so \
		$(if $(pamconfigsdir),$(patsubst pam/debian-%,$(D)$(pamconfigsdir)/%,$(PAM_PROFILES))) \
		$(D)$(cups_serverbin)/backend/stillprint $(D)$(cups_serverbin)/filter/stillprint-ticket \
		$(addprefix $(D)$(cups_datadir)/mime/,$(notdir $(MIME))) \
		$(D)$(cups_datadir)/drv/stillprint.drv $(D)$(dbusdir)/system.d/org.stillprint.conf \
		$(D)$(dbusdir)/system-services/org.stillprint.service \
		$(D)$(datadir)/polkit-1/actions/org.stillprint.policy $(D)$(sysusersdir)/stillprint.conf \
		$(D)$(tmpfilesdir)/stillprint.conf $(addprefix $(D)$(unitdir)/,$(notdir $(SYSUNITS))) \
		$(addprefix $(D)$(userunitdir)/,$(notdir $(USERUNITS))) \
		$(addprefix $(D)$(autostartdir)/,$(notdir $(AUTOSTART))) \
		$(foreach m,$(MAN),$(D)$(mandir)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) $(D)$(completiondir)/stillprint
	$(RM) -r $(D)$(datadir)/stillprint $(D)$(docdir)

# ---------------------------------------------------------------- tests

# `make check` brings what it lacks where it may (root, apt); NOINSTALL=1 forbids it, and what cannot run is a skip.
NOINSTALL ?=
JOBS      ?= 2
SYSTEM    := $(sort $(wildcard tests/system/t[0-9]*.sh))
deps       = tests/deps $(if $(NOINSTALL),--only-say) $(1)

# LeakSanitizer cannot see through what a program still holds when it is told to end at once; tests end ours in order.
SAN_ENV := ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:suppress_equal_pcs=1 \
           LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0 \
           UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

check:				## unit and system tests; as root it installs what it lacks (NOINSTALL=1: skips)
	$(Q)$(call deps,build test)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools tests faults
	$(Q)STILLPRINT_OUT=$(abspath $(OUT)) tests/run-tests -j $(JOBS) $(UNIT) $(SYSTEM)

check-sanitize:			## the same under AddressSanitizer and UndefinedBehaviorSanitizer
	$(Q)$(call deps,build test)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) SANITIZE=address,undefined all tools tests faults
	$(Q)$(SAN_ENV) $(MAKE) --no-print-directory SANITIZE=address,undefined check-built

check-built:
	$(Q)STILLPRINT_OUT=$(abspath $(OUT)) tests/run-tests -j $(JOBS) -t 3 $(UNIT) $(SYSTEM)

unit: $(UNIT)			## the unit tests alone
	$(Q)tests/run-tests -j $(JOBS) $(UNIT)

system: all tools faults		## the system tests alone; ONLY='t1000 t11' picks some
	$(Q)STILLPRINT_OUT=$(abspath $(OUT)) tests/run-tests -j $(JOBS) \
		$(or $(foreach t,$(ONLY),$(wildcard tests/system/$(t)*.sh)),$(SYSTEM))

SWEEPS := $(addprefix tests/system/,t7260-replies.sh t7261-octets.sh)
sweep: all tools			## cut what workstation and server say at many more positions (5 min)
	$(Q)SWEEP=1 STILLPRINT_OUT=$(abspath $(OUT)) tests/run-tests -j $(JOBS) -t 5 $(SWEEPS)

check-server: all tools tests faults	## what concerns the server, by itself
	$(Q)STILLPRINT_OUT=$(abspath $(OUT)) tests/run-tests -j $(JOBS) \
		$(filter $(addprefix $(OUT)/tests/test-,server-% serve% request holder site record settle enrol identity \
			client-identity store-ledger),$(UNIT)) $(wildcard tests/system/t7*.sh)

IDENTITY := $(filter $(OUT)/tests/test-auth-% $(OUT)/tests/test-pam% $(OUT)/tests/test-who,$(UNIT)) $(filter tests/system/t6%,$(SYSTEM))
check-identity:			## the tests of who it is alone: logins, PAM, offline cache, who printed
	$(Q)$(call deps,build test)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools $(filter $(OUT)/%,$(IDENTITY))
	$(Q)STILLPRINT_OUT=$(abspath $(OUT)) tests/run-tests -j $(JOBS) $(IDENTITY)

fault: $(filter $(OUT)/tests/fault-%,$(TESTS))	## the n-th write or sync fails, n = 1, 2, … (minutes)
	$(Q)tests/run-tests -t 10 -j $(JOBS) $^

tests: $(TESTS)

faults: all				## the daemon with the points at which tests kill it, in $(OUT)/faults
	$(Q)$(MAKE) --no-print-directory OUT=$(OUT)/faults FAULTS=1 $(patsubst $(OUT)/%,$(OUT)/faults/%,$(DAEMON))

# ---------------------------------------------------------------- for developers

C_FILES  := $(sort $(wildcard lib/*/*.[ch] backend/*.[ch] filter/*.[ch] pam/*.[ch] dbus/*/*.[ch] server/*.[ch] tests/*.[ch] tests/*/*.[ch] bench/*.[ch]))
SCRIPTS  := $(filter-out %.md,$(sort $(shell grep -lE '^(\#!/bin/(ba)?sh|\# shellcheck shell)' tests/* tests/*/* bench/* demo/* .ci/* .githooks/* \
              debian/* rpm/* dbus/cli/* 2>/dev/null)))
OUR_SRC  := $(filter-out tests/%,$(filter %.c,$(C_FILES)))
ANALYZED := $(OUR_SRC:%.c=$(OUT)/lint/%.ok)

lint: lint-floors lint-format lint-shell lint-man lint-analyze	## format, analyzer, shellcheck, man pages, floors

lint-floors:
	$(Q)tests/lint-floors.sh
lint-format:
	$(Q)bad=; for f in $(C_FILES); do clang-format "$$f" | cmp -s - "$$f" || { echo "$$f: not as .clang-format"; bad=1; }; done; \
		[ -z "$$bad" ] || { echo "'make format' mends it" && false; }
lint-shell:
	$(Q)shellcheck -x -S warning $(SCRIPTS)
lint-man:
	$(Q)$(if $(MAN),mandoc -Tlint -W warning $(MAN))
lint-analyze: $(ANALYZED)
$(OUT)/lint/%.ok: %.c $(FLAGS)
	@mkdir -p $(@D)
	$(call say,LINT,$<)
	$(Q)$(CC) $(filter-out -MMD -MP,$(OURS)) -MMD -MP -MT $@ -MF $(@:.ok=.d) $(LATE) $(PC_CFLAGS) $(CPPFLAGS) \
		-Werror -fanalyzer $(ANALYZER_OFF) -c -o /dev/null $< && touch $@
# gcc 12's analyzer does not understand our cleanup attributes nor a result handed out by pointer: these four cry wolf.
ANALYZER_OFF := $(addprefix -Wno-analyzer-,malloc-leak file-leak null-dereference null-argument)

format:				## clang-format all C files in place
	clang-format -i $(C_FILES)

hooks:				## let git check each commit (lint, subject line)
	git config core.hooksPath .githooks

deps:				## install what building, testing and packaging need (Debian, as root)
	$(Q)tests/deps build test lint demo package

demo:				## tell the whole story with real parts, in a temporary folder
	$(Q)$(call deps,build test demo)
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools
	$(Q)demo/demo.sh

bench:				## figures beside stock CUPS: metric, ours, stock, ratio
	$(Q)$(call deps,build test bench) >&2
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools >&2
	$(Q)bench/bench.sh

bench-server:			## figures of client spooling: octets, release to first octet, CPU of the server
	$(Q)$(call deps,build test bench) >&2
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools >&2
	$(Q)bench/server.sh

bench-online:			## figures of logins by PAM: online, offline with 10,000 accounts, D-Bus beside fifty of them
	$(Q)$(call deps,build test bench) >&2
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools >&2
	$(Q)bench/online.sh

# ---------------------------------------------------------------- packages

DIST := $(OUT)/stillprint-$(VERSION).tar.gz
PACK := $(abspath $(OUT))/package

dist:				## the source as one tar file
	@mkdir -p $(OUT)
	$(Q)tar --exclude-vcs --exclude=./build --exclude=./$(OUT) --transform 's,^\.,stillprint-$(VERSION),' -czf $(DIST) .
	@echo $(DIST)

# The packagers' own builds run `make check`; here it has its own target.
deb: dist			## a Debian package, in $(OUT)
	$(Q)$(call deps,build package)
	$(Q)rm -rf $(PACK)/deb && mkdir -p $(PACK)/deb && tar -xzf $(DIST) -C $(PACK)/deb
	$(Q)cd $(PACK)/deb/stillprint-$(VERSION) && env -u MAKEFLAGS -u MAKELEVEL DEB_BUILD_OPTIONS="nocheck parallel=$(JOBS)" \
		dpkg-buildpackage -b -us -uc >../log 2>&1 || { tail -n 30 ../log; exit 1; }
	$(Q)mv $(PACK)/deb/stillprint_*.deb $(OUT)/ && ls $(OUT)/stillprint_*.deb

rpm: dist			## an RPM package, in $(OUT)
	$(Q)$(call deps,build package)
	$(Q)rm -rf $(PACK)/rpm && mkdir -p $(PACK)/rpm/SOURCES && cp $(DIST) $(PACK)/rpm/SOURCES/
	$(Q)env -u MAKEFLAGS -u MAKELEVEL rpmbuild -bb $(if $(wildcard /etc/debian_version),--nodeps) --nocheck \
		--define '_topdir $(PACK)/rpm' rpm/stillprint.spec >$(PACK)/rpm/log 2>&1 || { tail -n 30 $(PACK)/rpm/log; exit 1; }
	$(Q)mv $(PACK)/rpm/RPMS/*/stillprint-*.rpm $(OUT)/ && ls $(OUT)/stillprint-*.rpm

# What the parser must survive. CORPUS: documents to start from; FUZZ_S: seconds for each libFuzzer target.
CORPUS   ?= ../shared/corpus
FUZZ_S   ?= 60
FUZZ_CC  ?= clang
PARSE_SRC := $(filter-out lib/parse/inspect.c,$(sort $(wildcard lib/parse/*.c)))
parse_link = -std=gnu17 -D_GNU_SOURCE -Ilib $(PC_CFLAGS) $(PARSE_SRC) $(call pc_libs,zlib libdeflate libjpeg) -lm

$(OUT)/fuzz/mutate-%: tests/fuzz/mutate.c tests/fuzz/fuzz-%.c $(PARSE_SRC) $(wildcard lib/parse/*.h)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(filter tests/%,$^) $(parse_link)
$(OUT)/fuzz/fuzz-%: tests/fuzz/fuzz-%.c $(PARSE_SRC) $(wildcard lib/parse/*.h)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $(parse_link)

$(OUT)/fuzz/fuzz-ticket: tests/fuzz/fuzz-ticket.c lib/core/ticket.c lib/core/wire.c lib/core/ticket.h lib/core/wire.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -std=gnu17 -D_GNU_SOURCE -Ilib \
		-o $@ $(filter %.c,$^) $(cups_libs)

$(OUT)/fuzz/fuzz-request: tests/fuzz/fuzz-request.c lib/ipp/request.c lib/core/wire.c lib/base/text.c lib/ipp/request.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -std=gnu17 -D_GNU_SOURCE -Ilib \
		-o $@ $(filter %.c,$^) $(cups_libs)

$(OUT)/fuzz/fuzz-login: tests/fuzz/fuzz-login.c lib/auth/login.c lib/auth/login.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -std=gnu17 -D_GNU_SOURCE -Ilib \
		-o $@ $(filter %.c,$^)

mutate: $(OUT)/fuzz/mutate-parse	## cut the corpus' files at 20 places, change 10,000 single octets
	$(Q)$< 20 10000 $$(find $(CORPUS) tests/fuzz/seeds -type f ! -name '*.tsv' ! -name '*.md' 2>/dev/null)

fuzz: $(patsubst %,$(OUT)/fuzz/fuzz-%,parse record ticket request login)	## libFuzzer, FUZZ_S seconds for each format, tickets, requests, logins; ONLY=ps
	$(Q)tests/fuzz/run $(OUT)/fuzz $(FUZZ_S) $(CORPUS) $(ONLY)

$(OUT)/bench/parse-cost: $(OUT)/bench/parse-cost.o
	$(Q)$(CC) $(OURS) $(CFLAGS) $(LDFLAGS) -o $@ $<
$(OUT)/bench/parse-make: $(OUT)/bench/parse-make.o
	$(Q)$(call link_only,zlib libjpeg)
$(OUT)/bench/parse-floor: $(OUT)/bench/parse-floor.o $(ARCHIVE)
	$(Q)$(call link_only,zlib libdeflate libjpeg) -lm
$(OUT)/bench/jobs-cost: $(OUT)/bench/jobs-cost.o $(JOBS_OBJ) $(ARCHIVE)
	$(Q)$(call link,$(LIBS_all))
$(OUT)/bench/login-cost: $(OUT)/bench/login-cost.o $(ARCHIVE)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_all))
bench-login: $(OUT)/bench/login-cost	## how long logins without the server take, for known and unknown accounts
	$(Q)$(OUT)/bench/login-cost
bench-crowd:			## ten thousand parked workstations, and several that print at once
	$(Q)$(call deps,build test bench) >&2
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) all tools >&2
	$(Q)bench/crowd.sh
bench-jobs: $(OUT)/bench/jobs-cost	## CPU of the server's handlers for the whole life of a job
	$(Q)$<
bench-parse: $(FILTER) $(patsubst %,$(OUT)/bench/parse-%,cost floor make)	## parsing beside gs, mutool, pdftoppm, qpdf; DOCS=folder of PDFs
	$(Q)bench/parse.sh $(OUT) $(CORPUS) $(DOCS)

clean:				## remove what was built
	$(RM) -r $(OUT)

help:				## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18
	@echo 'V=1 shows the commands. CFLAGS, CPPFLAGS, LDFLAGS, DESTDIR and all folders are yours to set; WERROR=1 is strict.'

FORCE:
.PHONY: bench-online bench-server all tools tests unit system sweep check check-server check-identity check-built check-sanitize fault faults install uninstall lint lint-floors \
	lint-format lint-shell lint-man lint-analyze format hooks deps demo bench dist deb rpm clean help mutate fuzz bench-parse bench-jobs bench-crowd bench-login FORCE
.SECONDARY:
-include $(patsubst %.c,$(OUT)/%.d,$(filter %.c,$(C_FILES))) $(PAM_SRC:%.c=$(OUT)/pam/obj/%.d) $(ANALYZED:.ok=.d)

# SPDX-License-Identifier: Apache-2.0
# make help lists the targets.  CFLAGS, CPPFLAGS and LDFLAGS are the packager's: we never assign them.
VERSION    := 0.1.0
PKG_CONFIG ?= pkg-config
CUPS_CONFIG ?= cups-config
OUT        ?= build
SANITIZE   ?=
# FAULTS=1 builds the points at which tests kill the daemon; never in what is installed.
FAULTS     ?=

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
cups_serverbin ?= $(shell $(CUPS_CONFIG) --serverbin)
cups_datadir   ?= $(shell $(CUPS_CONFIG) --datadir)
INSTALL      ?= install

pc_cflags = $(shell $(PKG_CONFIG) --cflags $(1))
pc_libs   = $(shell $(PKG_CONFIG) --libs $(1))
cups_libs = $(shell $(CUPS_CONFIG) --libs)

WARN := -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes \
        -Wno-missing-field-initializers
DEFS := -DSTILLPRINT_VERSION='"$(VERSION)"' -DSTILLPRINT_SYSCONFDIR='"$(sysconfdir)/stillprint"' \
        -DSTILLPRINT_STATEDIR='"$(localstatedir)/lib/stillprint"' \
        -DSTILLPRINT_SPOOLDIR='"$(localstatedir)/spool/stillprint"' \
        -DSTILLPRINT_RUNDIR='"$(runstatedir)/stillprint"' \
        -DSTILLPRINT_DATADIR='"$(datadir)/stillprint"'
# libcups 2.4 marks the IPP codec's neighbours deprecated in favour of names that CUPS 3 has and 2.4 lacks.
OURS := -std=gnu17 -D_GNU_SOURCE -Ilib -Itests $(DEFS) $(WARN) -Wno-deprecated-declarations -MMD -MP \
        $(if $(FAULTS),-DSTILLPRINT_FAULTS) \
        $(if $(SANITIZE),-g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all)

# What the linker takes for each program; the archive gives only the objects that a program needs.
LIBS_filter  := libsodium zlib libdeflate libjpeg json-c
LIBS_backend := libsodium
LIBS_daemon  := sqlite3 libsodium libcurl gnutls dbus-1 libsystemd
LIBS_cli     := libsodium libcurl gnutls dbus-1 json-c libsystemd
LIBS_agent   := dbus-1 libsystemd
LIBS_all     := $(sort $(LIBS_filter) $(LIBS_backend) $(LIBS_daemon) $(LIBS_cli) $(LIBS_agent))
PC_CFLAGS    := $(call pc_cflags,$(LIBS_all))

LIB_SRC   := $(sort $(wildcard lib/*/*.c))
TEST_SRC  := $(sort $(wildcard tests/test-*.c))
TOOL_SRC  := $(sort $(wildcard tests/tools/*.c))
TESTS     := $(TEST_SRC:tests/%.c=$(OUT)/tests/%)
TOOLS     := $(TOOL_SRC:tests/tools/%.c=$(OUT)/tools/%)
OBJ        = $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard $(1)/*.c)))
ARCHIVE   := $(OUT)/libstillprint.a

BACKEND := $(OUT)/backend/stillprint
FILTER  := $(OUT)/bin/stillprint-ticket
DAEMON  := $(OUT)/bin/stillprintd
CLI     := $(OUT)/bin/stillprint
AGENT   := $(OUT)/bin/stillprint-agent
PPD     := $(OUT)/ppd/stillprint-queue.ppd
PROGRAMS := $(BACKEND) $(FILTER) $(DAEMON) $(CLI) $(AGENT)

Q := $(if $(V),,@)
say = $(if $(Q),@printf '  %-5s %s\n' $(1) $(2))

all: $(PROGRAMS) $(PPD)		## build every program and the PPD

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(OURS) $(PC_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(ARCHIVE): $(patsubst %.c,$(OUT)/%.o,$(LIB_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

link = $(CC) $(OURS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call pc_libs,$(1)) $(cups_libs) -lm -lpthread

$(BACKEND): $(call OBJ,backend) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_backend))
$(FILTER): $(call OBJ,filter) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_filter))
$(DAEMON): $(call OBJ,dbus/daemon) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_daemon))
$(CLI): $(call OBJ,dbus/cli) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_cli))
$(AGENT): $(call OBJ,dbus/agent) $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_agent))

$(TESTS): $(OUT)/tests/%: $(OUT)/tests/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_all))
# The inspector's main is the filter's in what is installed; here it stands alone.
$(OUT)/tools/inspect: $(OUT)/filter/inspect.o
$(TOOLS): $(OUT)/tools/%: $(OUT)/tests/tools/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(call link,$(LIBS_all))

$(PPD): filter/stillprint.drv
	@mkdir -p $(@D)
	$(call say,PPD,$@)
	$(Q)ppdc -d $(@D) $<

tools: $(TOOLS)			## build the tests' own programs

unit: $(TESTS)			## run the unit tests alone
	$(Q)tests/run-tests $(TESTS)

# What the parser must survive. CORPUS: documents to start from; FUZZ_S: seconds for each libFuzzer target.
CORPUS   ?= ../shared/corpus
FUZZ_S   ?= 60
FUZZ_CC  ?= clang
PARSE_SRC := $(sort $(wildcard lib/parse/*.c))
parse_link = -std=gnu17 -D_GNU_SOURCE -Ilib $(PARSE_SRC) $(call pc_libs,zlib libdeflate libjpeg) -lm

$(OUT)/fuzz/mutate-%: tests/fuzz/mutate.c tests/fuzz/fuzz-%.c $(PARSE_SRC) $(wildcard lib/parse/*.h)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(filter tests/%,$^) $(parse_link)
$(OUT)/fuzz/fuzz-%: tests/fuzz/fuzz-%.c $(PARSE_SRC) $(wildcard lib/parse/*.h)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $(parse_link)

mutate: $(OUT)/fuzz/mutate-parse	## cut the corpus' files at 20 places, change 10,000 single octets
	$(Q)$< 20 10000 $$(find $(CORPUS) tests/fuzz/seeds -type f ! -name '*.tsv' ! -name '*.md' 2>/dev/null)

fuzz: $(OUT)/fuzz/fuzz-parse $(OUT)/fuzz/fuzz-record	## libFuzzer, FUZZ_S seconds for each format
	$(Q)tests/fuzz/run $(OUT)/fuzz $(FUZZ_S) $(CORPUS)

$(OUT)/bench/parse-cost: $(OUT)/bench/parse-cost.o
	$(Q)$(CC) $(OURS) $(CFLAGS) $(LDFLAGS) -o $@ $<
$(OUT)/bench/parse-floor: $(OUT)/bench/parse-floor.o $(ARCHIVE)
	$(Q)$(call link,zlib libdeflate libjpeg)
bench-parse: $(OUT)/tools/inspect $(OUT)/bench/parse-cost $(OUT)/bench/parse-floor	## parsing beside gs, mutool, pdftoppm, qpdf; DOCS=folder of PDFs
	$(Q)bench/parse.sh $(OUT) $(CORPUS) $(DOCS)

clean:				## remove what was built
	$(RM) -r $(OUT)

help:				## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: all tools unit mutate fuzz bench-parse clean help
.SECONDARY:
-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

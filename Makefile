# SPDX-License-Identifier: Apache-2.0
# One Makefile for everything. `make help` lists the targets.
#
#   BUILD=dir  where to build (default build)      SAN=1  ASan + UBSan
#   CC=clang   the other compiler                  V=1    show the commands

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

BUILD ?= $(if $(SAN),build/san,build/rel)
PREFIX ?= /usr/local
DESTDIR ?=
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
Q := $(if $(V),,@)

, := ,
WARN := -Wall -Wextra -Wshadow -Wvla -Wundef -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wformat=2 $(if $(NOWERROR),,-Werror)
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined$(if $(FUZZING),$(,)fuzzer-no-link) \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer)
PKGS := libevent_core libprotobuf-c libnl-3.0 libmnl libnftnl jansson libcap-ng libcurl libcares libcrypto libssl libseccomp libpcap libpsl
CPPFLAGS += -D_GNU_SOURCE -I. -I$(BUILD) -DEDGEWAY_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARN) $(HARDEN) $(SANFLAGS) -ffunction-sections -fdata-sections -MMD -MP
LDFLAGS += -pie -Wl,-z,relro,-z,now -Wl,--gc-sections -Wl,--as-needed $(SANFLAGS)
LDLIBS += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm

# A folder is a library; a folder under cmd/ a program; a test_*.c, fuzz_*.c, bench_*.c one too.
LIBDIRS := base pubsub dataplane dnsrelay conntest bootstrap nim usb zedrouter domainmgr zedagent
DAEMONS := zedagent nim zedrouter domainmgr
PROTOS := $(wildcard api/bus/*.proto api/eve/*.proto)
GEN_C := $(PROTOS:%.proto=$(BUILD)/%.pb-c.c) $(BUILD)/api/topics.c
GEN_H := $(GEN_C:.c=.h)
LIB_C := $(foreach d,$(LIBDIRS),$(wildcard $(d)/*.c $(d)/*/*.c))
LIB_O := $(LIB_C:%.c=$(BUILD)/%.o) $(GEN_C:.c=.o)
LIB := $(BUILD)/libedgeway.a
PROGRAMS := $(patsubst cmd/%/main.c,$(BUILD)/bin/%,$(wildcard cmd/*/main.c))
UNIT := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
ITEM := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/item/test_*.c))
FUZZ := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))

.PHONY: all
all: $(PROGRAMS)

$(BUILD)/api/bus/%.pb-c.c $(BUILD)/api/bus/%.pb-c.h: api/bus/%.proto
	@mkdir -p $(@D)
	$(Q)protoc-c -I api/bus --c_out=$(BUILD)/api/bus $<

$(BUILD)/api/eve/%.pb-c.c $(BUILD)/api/eve/%.pb-c.h: api/eve/%.proto
	@mkdir -p $(@D)
	$(Q)protoc-c -I api/eve --c_out=$(BUILD)/api/eve $<

# Messages of tests only.
$(BUILD)/tests/proto/%.pb-c.c $(BUILD)/tests/proto/%.pb-c.h: tests/proto/%.proto
	@mkdir -p $(@D)
	$(Q)protoc-c -I tests/proto -I api/eve --c_out=$(BUILD)/tests/proto $<

$(BUILD)/tests/proto/%.o: $(BUILD)/tests/proto/%.c $(GEN_H)
	$(Q)$(CC) $(CPPFLAGS) -I$(BUILD)/api/eve $(ALL_CFLAGS) -Wno-missing-prototypes -c -o $@ $<

$(BUILD)/tests/unit/test_pbjson.o $(BUILD)/tests/fuzz/fuzz_pbjson.o: $(BUILD)/tests/proto/sample.pb-c.h
$(BUILD)/tests/unit/test_pbjson $(BUILD)/tests/fuzz/fuzz_pbjson: $(BUILD)/tests/proto/sample.pb-c.o

$(BUILD)/api/topics.c $(BUILD)/api/topics.h &: api/bus/topics api/gen-topics
	@mkdir -p $(@D)
	$(Q)api/gen-topics $< $(BUILD)/api

$(BUILD)/api/%.o: $(BUILD)/api/%.c $(GEN_H)
	@echo "  CC  $(<F)"
	$(Q)$(CC) $(CPPFLAGS) -I$(BUILD)/api/bus -I$(BUILD)/api/eve $(ALL_CFLAGS) -Wno-missing-prototypes -c -o $@ $<

$(BUILD)/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	@echo "  CC  $<"
	$(Q)$(CC) $(CPPFLAGS) -I$(BUILD)/api/bus -I$(BUILD)/api/eve $(ALL_CFLAGS) -c -o $@ $<

$(LIB): $(LIB_O)
	@rm -f $@
	$(Q)ar crs $@ $^

# All of cmd/NAME/*.c is one program.
$(foreach p,$(notdir $(PROGRAMS)),$(eval \
	$(BUILD)/bin/$(p): $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/$(p)/*.c))))
$(BUILD)/bin/%: $(LIB)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter $(BUILD)/cmd/$*/%.o,$^) $(LIB) $(LDLIBS)

# Foreign programs run in it: it alone has the engine.
$(BUILD)/bin/pac-eval: LDLIBS += -lpacparser

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIB)
	@echo "  LD  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LDLIBS) $(TEST_LDLIBS)
$(addprefix $(BUILD)/tests/unit/test_dp_,engine random): $(BUILD)/tests/unit/world.o
$(addprefix $(BUILD)/tests/unit/test_,$(addprefix dpc_,verify rank layers time beside) lps): \
	$(BUILD)/tests/unit/dpc_sim.o
CLI_O := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/main.c,$(wildcard cmd/edgeway/*.c)))
$(addprefix $(BUILD)/tests/unit/test_,status meter_view ports_view radio_view bond_table diag redact netdump): $(CLI_O)
$(UNIT) $(ITEM): TEST_LDLIBS := -lcmocka
ITEM_HARNESS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/item/test_%.c,$(wildcard tests/item/*.c)))
$(ITEM): $(ITEM_HARNESS)
$(BUILD)/tests/item/test_dhcpcd: | $(BUILD)/bin/dhcp-hook
$(BUILD)/tests/unit/test_pac: | $(BUILD)/bin/pac-eval
$(BUILD)/tests/fuzz/fuzz_redact: $(BUILD)/cmd/edgeway/redact.o
$(BUILD)/tests/fuzz/fuzz_pac: $(BUILD)/cmd/pac-eval/ask.o
$(FUZZ): TEST_LDLIBS := -fsanitize=fuzzer
BENCH_TOOLS := $(addprefix $(BUILD)/tests/bench/,udp_stream raw_failover raw_send)
$(BENCH) $(BENCH_TOOLS): $(BUILD)/tests/bench/bench.o
$(BUILD)/tests/bench/bench_apply: $(BUILD)/tests/bench/raw_apply.o

.PHONY: deps
deps:	## install the Debian packages of packages.txt that are missing
	$(Q)tools/deps packages.txt

# Each target below installs what is missing and builds first; another make does it, as this one
# may have asked pkg-config before the packages were there.
REMAKE := $(MAKE) --no-print-directory -j$(shell nproc)
.PHONY: check check-unit check-item check-netns check-lab tests
check: deps	## build, run every test (unit, item, netns, lab), end with "N passed, N failed"
	$(Q)$(REMAKE) all tests && $(REMAKE) SAN=1 BUILD=build/san tests
	$(Q)EDGEWAY_BUILD=$(BUILD) tests/run-all
check-unit: deps	## the cmocka programs that need no kernel, plain and with sanitizers
	$(Q)$(REMAKE) tests && $(REMAKE) SAN=1 BUILD=build/san tests
	$(Q)EDGEWAY_BUILD=$(BUILD) tests/run-all unit
check-item: deps	## the item types, each in network namespaces of its own
	$(Q)$(REMAKE) tests
	$(Q)EDGEWAY_BUILD=$(BUILD) tests/run-all item
check-netns: deps	## whole nodes in network namespaces (pytest)
	$(Q)$(REMAKE) all
	$(Q)EDGEWAY_BUILD=$(BUILD) tests/run-all netns
check-lab: deps	## items and nodes that this kernel cannot run, in the virtual machine
	$(Q)$(REMAKE) all tests
	$(Q)EDGEWAY_BUILD=$(BUILD) tests/run-all lab
tests: $(UNIT) $(if $(SAN),,$(ITEM))

LIBEXEC := $(PREFIX)/libexec/edgeway
.PHONY: install
install: all	## programs, systemd units, man pages and bash completion, below DESTDIR= and PREFIX=
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBEXEC) $(DESTDIR)$(PREFIX)/lib/systemd/system \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 docs/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -s $(PROGRAMS) $(DESTDIR)$(LIBEXEC)
	ln -sf $(LIBEXEC)/edgeway $(DESTDIR)$(PREFIX)/bin/edgeway
	$(Q)for unit in systemd/*; do \
		sed 's,@LIBEXEC@,$(LIBEXEC),' $$unit >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; \
	done
	$(BUILD)/bin/edgeway completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/edgeway

.PHONY: demo
demo: deps	## the main job, from a config file to applications that talk; KEEP=1 leaves it running
	$(Q)$(REMAKE) all
	$(Q)$(AS_ROOT) env EDGEWAY_BUILD=$(BUILD) KEEP=$(KEEP) tools/demo

.PHONY: fuzz fuzzers analyze format bench benches lab
fuzz: deps	## run each tests/fuzz/fuzz_*.c for FUZZ_SECONDS (30)
	$(Q)$(REMAKE) SAN=1 FUZZING=1 CC=clang BUILD=build/fuzz fuzzers
	$(Q)tools/fuzz build/fuzz $(or $(FUZZ_SECONDS),30)
fuzzers: $(FUZZ)
analyze: deps	## clang-tidy, cppcheck, gcc -fanalyzer, shellcheck: clean, or it fails
	$(Q)tools/analyze
format: deps	## clang-format all C files in place
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i
bench: deps	## measure against raw programs, into build/bench.json
	$(Q)$(REMAKE) all benches
	$(Q)tools/bench $(BUILD)
benches: $(BENCH) $(BENCH_TOOLS)
lab: deps	## prepare the kernel of tests/lab/run (the lab tests do it too)
	$(Q)tests/lab/prepare >/dev/null

.PHONY: help generated
generated: $(GEN_C) $(GEN_H) $(BUILD)/tests/proto/sample.pb-c.h
help:	## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 16

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# make help says what there is. Settings: CXX, SANITIZE (address,undefined or thread), STRICT, SERVER, CLIENT, SCENE, FILTER.
CXX      ?= g++
CPPFLAGS := -I.
CXXFLAGS ?= -O2 -g
override CXXFLAGS += -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -pthread $(if $(STRICT),-Werror)
comma    := ,
ifdef SANITIZE
override CXXFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
BIN      := build/$(subst $(comma),-,$(SANITIZE))
else
BIN      := .
endif
OUT      := $(if $(SANITIZE),$(BIN),build)
OBJ      := $(OUT)/tests

programs := $(BIN)/server $(BIN)/client
lessons  := $(patsubst %.cpp,$(BIN)/%,$(wildcard lessons/*.cpp)) $(BIN)/lessons/wire/wire
code     := $(wildcard *.?pp common/*.?pp lessons/*.?pp lessons/wire/*.?pp lessons/exercise/starters/*.?pp tests/checks/*.?pp tests/watch/*.?pp tests/lab/*.?pp)
FILTER   ?= *

# With libdw, which has to be there for the machine that is compiled for, the lines of programs that are watched are known.
dw       := $(if $(findstring /,$(shell $(CXX) -print-file-name=libdw.so)),-ldw)
CPPFLAGS += $(if $(dw),,-DWITHOUT_LIBDW)

# What is compiled together, in one file that includes the others: it is the headers that take the compiler long.
of/judge      := tests/checks/check.cpp tests/checks/further_test.cpp
of/checks_a-l := $(filter-out $(of/judge),$(wildcard tests/checks/[a-l]*.cpp))
of/checks_m-z := $(wildcard tests/checks/[m-z]*.cpp)
of/watch      := $(wildcard tests/watch/*.cpp)
of/tests_a-l  := $(wildcard tests/lab/[a-l]*_test.cpp)
of/tests_m-z  := $(wildcard tests/lab/[m-z]*_test.cpp)
of/wire_a-l   := $(wildcard lessons/wire/[a-l]*.cpp)
of/wire_m-z   := $(wildcard lessons/wire/[m-z]*.cpp)
groups   := judge checks_a-l checks_m-z watch tests_a-l tests_m-z wire_a-l wire_m-z
checks   := $(OUT)/checks_a-l.o $(OUT)/checks_m-z.o $(OUT)/watch.o
tests    := $(OUT)/tests_a-l.o $(OUT)/tests_m-z.o $(checks)
wire     := $(OUT)/wire_a-l.o $(OUT)/wire_m-z.o $(OUT)/watch.o
judge    := $(OUT)/judge.o $(checks)


# What can be built at the same time is; -j on the command line overrides it.
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

.DEFAULT_GOAL := all
.PHONY: all objects test bench fuzz soak demo wire handout autograder mistakes mutants format lint clean help FORCE
.DELETE_ON_ERROR:

all: $(programs) $(lessons) ## build the programs: ./server, ./client, and those in lessons/

headers  := common.hpp $(wildcard common/*.hpp lessons/*.hpp lessons/wire/*.hpp)

$(BIN)/lessons/%: override CXXFLAGS += -O0 # compiled sooner, and easier to step through
$(BIN)/%: %.cpp $(headers)
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(LDFLAGS) $< -o $@

$(BIN)/lessons/wire/wire: $(wire)
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) $^ $(dw) -o $@

.SECONDEXPANSION:
.SECONDARY:
$(OUT)/%.cpp: FORCE # written anew only if its list is another one
	@mkdir -p $(@D)
	@printf '#include "%s"\n' $(of/$*) | cmp -s - $@ || printf '#include "%s"\n' $(of/$*) >$@

$(OUT)/%.o: $(OUT)/%.cpp $$(of/$$*) $(headers) $(wildcard tests/*/*.hpp)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -O0 -g1 -c $< -o $@

objects: $(tests) $(wire) $(judge)

$(OBJ)/run: $(tests)
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) $^ -lgtest -lgtest_main $(dw) -o $@

$(OBJ)/check: $(judge)
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) $^ -lgtest $(dw) -o $@

# Preloaded into programs to make their system calls fail. The sanitizers have a library of their own in that place.
shim     := $(if $(SANITIZE),,$(OBJ)/faults_shim.so)

$(OBJ)/faults_shim.so: tests/lab/faults_shim.cpp
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -fPIC -shared $< -o $@ -ldl

$(OBJ)/lacking: tests/lab/lacking.cpp
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) $(LDFLAGS) $< -o $@

ifeq ($(SERVER)$(CLIENT),)
test: $(shim) $(OBJ)/lacking $(programs) $(lessons) $(OBJ)/run ## run all tests; SERVER='python3 mine.py' judges another server, CLIENT= another client
	LAB_BIN=$(BIN) LAB_SHIM=$(shim) LAB_LACKING=$(OBJ)/lacking tests/lab/side_by_side $(OBJ)/run '$(FILTER)'
else
test: $(OBJ)/check $(patsubst ./%,$(BIN)/%,$(filter ./server ./client,$(SERVER) $(CLIENT)))
	@ALL='$(ALL)' SERVER="$(SERVER)" CLIENT="$(CLIENT)" $(OBJ)/check
endif

build/bench/%: tests/bench/%.cpp $(headers)
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(LDFLAGS) $< -o $@

bench: $(programs) build/bench/floor build/bench/bench ## measure the server beside bare system calls; CSV=file writes a table
	build/bench/bench $(if $(CSV),--csv $(CSV))

build/fuzz/%: tests/fuzz/%.cpp $(headers)
	@mkdir -p $(@D)
	clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wno-unused-function $< -o $@

fuzz: build/fuzz/http_fuzz build/fuzz/options_fuzz ## fuzz the parsers with clang's libFuzzer, each for FUZZ_SECONDS (60)
	for target in $(notdir $^); do mkdir -p build/fuzz/$$target.found && build/fuzz/$$target -close_fd_mask=1 -verbosity=0 \
	-print_final_stats=1 -max_total_time=$(or $(FUZZ_SECONDS),60) -artifact_prefix=build/fuzz/ build/fuzz/$$target.found \
	tests/fuzz/$$target.corpus || exit 1; done

soak: $(programs) ## well- and ill-behaved clients, mixed, for MINUTES (5); fails on a wrong byte, growth or a stuck thread
	scripts/soak $(MINUTES)

# What make wire plays: all scenes, or SCENE; with SERVER or CLIENT, or STEP=1, a session.
played = $(or $(SCENE),$(if $(SERVER)$(CLIENT)$(STEP),session))
wire: all ## see the wire: calls, segments and states on one page; SCENE= plays one, SERVER= CLIENT= with your own programs
	@for scene in $(or $(played),$$(lessons/wire/wire --list | cut -d' ' -f1)); do lessons/wire/wire --scene $$scene \
	$${SERVER:+--server "$$SERVER"} $${CLIENT:+--client "$$CLIENT"} $(if $(STEP),--step) || exit 1; done

demo: $(programs) ## watch the server and two clients, side by side
	scripts/demo

handout: ## make what a class is given: build/greeting-lab/ and build/greeting-lab.tar.gz
	scripts/handout

autograder: ## make build/autograder.zip, to be uploaded to Gradescope as it is
	scripts/autograder

mistakes: all $(OBJ)/check ## make the mistakes that beginners make, and see that the advice on each is right
	tests/mistakes/run

mutants: all $(OBJ)/run $(shim) $(OBJ)/lacking ## change the lab's own programs, each in one place, and see that a test finds it
	tests/mutants

format: ## lay out the code as .clang-format says
	clang-format -i $(code)

lint: $(addsuffix .cpp,$(addprefix $(OUT)/,$(groups))) ## check layout and look for mistakes without running (clang-format, clang-tidy)
	clang-format --dry-run -Werror $(code)
	printf '%s\n' $^ $(filter-out $(foreach group,$(groups),$(of/$(group))),$(filter %.cpp,$(code))) | xargs -P 2 -n 1 sh -c \
	'said=$$(clang-tidy --quiet --checks=-bugprone-suspicious-include "$$0" -- -std=c++20 -I. 2>&1) || { echo "$$said"; exit 1; }'

compile_commands.json: Makefile ## for editors: how each file is compiled
	@separator='['; for file in $(filter %.cpp,$(code)); do printf '%s\n{"directory": "%s", "file": "%s", "command": "%s"}' \
	"$$separator" "$(CURDIR)" "$$file" "$(CXX) -std=c++20 -I. -c $$file"; separator=,; done >$@; echo ']' >>$@

clean: ## remove what was built
	rm -rf build server client compile_commands.json $(basename $(wildcard lessons/*.cpp)) lessons/wire/wire lessons/wire/shim.so

help: ## this
	@sed -n 's/^\([a-z_.]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 32
	@echo '  make test SANITIZE=address,undefined (or thread) runs the tests under the sanitizers'
	@echo '  make STRICT=1 makes errors of warnings, for whoever changes the lab'

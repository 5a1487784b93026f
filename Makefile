# make test   everything that has to pass: the README's test command, and what CI runs
# make quick  vet, build and the tests, without what is slow
# make lint   golangci-lint, with the walls between the packages, and the spelling of all text
# make fmt    format, as lint wants it
# make build  bin/p2pchord, without version control's stamp and without paths
# make dist   a release into dist/: programs, packages, manual, bills of materials, checksums;
#             TARGETS="linux/arm64" for some
# make fuzz   every fuzz target for FUZZTIME (10s)
# make soak   10,000 seeds of the simulation; SOAK="-sim.for 1h" for a time, -sim.profile for one
#             profile
# make mutants the checks of the simulation, network/, and internal/vault: each of some twenty planted mistakes
#             has to be found
# make natlab the program behind NATs of all kinds, in network namespaces; needs root, iproute2,
#             nftables, and conntrack; NATLAB=-run=NAME for some
# make chaos  twelve processes killed, paused, and cut off for CHAOS (10m), as root; every
#             acknowledged version has to be there
# make vuln   known vulnerabilities in the code that the program calls; needs vuln.go.dev, or
#             GOVULNDB=file:///FOLDER with a copy of it
# make proto  generate protocol/pb from the .proto files

SHELL := bash
FUZZTIME ?= 10s
SOAK ?= -sim.soak 10000
CHAOS ?= 10m
LINT := go tool -modfile=tools/go.mod golangci-lint

.PHONY: test quick lint fmt build dist fuzz soak mutants natlab vuln proto clean

test:
	@tools/test.sh

quick:
	go vet ./...
	go build ./...
	go test -short ./...

lint:
	@tools/lint.sh

fmt:
	$(LINT) fmt ./...

build:
	go build -trimpath -ldflags '-s -w' -o bin/p2pchord ./cmd/p2pchord

dist:
	@tools/dist.sh $(TARGETS)

fuzz:
	@tools/fuzz.sh $(FUZZTIME)

soak:
	go test ./sim -run TestSoak -count=1 -timeout 0 -v -args $(SOAK)

mutants:
	go test ./sim -run TestMutants -count=1 -timeout 0 -v -args -sim.mutants
	go test ./network -run TestMutants -count=1 -timeout 0 -v -args -network.mutants
	go test ./internal/vault -run TestMutants -count=1 -timeout 0 -v -args -vault.mutants

natlab:
	P2PCHORD_NATLAB=1 go test ./internal/natlab -count=1 -v -timeout 60m $(NATLAB)

chaos:
	P2PCHORD_CHAOS=$(CHAOS) go test ./internal/e2e -run TestChaos -count=1 -timeout 0 -v

vuln:
	go tool -modfile=tools/go.mod govulncheck ./...

proto:
	@tools/proto.sh protocol/pb

clean:
	rm -rf bin dist

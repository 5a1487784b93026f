package main

import (
	"log"
	"os"
	"strings"

	golog "github.com/ipfs/go-log/v2"
	"github.com/spf13/cobra"

	"github.com/p2pchord/p2pchord/cmd/p2pchord/internal/console"
	"github.com/p2pchord/p2pchord/internal/fault"
)

// logLevelUsage is the help of --log-level.
const logLevelUsage = "what is logged to stderr: debug, info, warn, error (default), or `LEVEL,ROOM=LEVEL...`"

// parseLogLevels reads a --log-level: a level for all, levels for single rooms, a comma between.
func parseLogLevels(spec string) (all golog.LogLevel, rooms map[string]golog.LogLevel, err error) {
	all, rooms = golog.LevelError, map[string]golog.LogLevel{}
	for part := range strings.SplitSeq(spec, ",") {
		room, level, one := strings.Cut(strings.TrimSpace(part), "=")
		if !one {
			room, level = "", room
		}
		l, err := golog.Parse(level)
		if err != nil || level == "" || one && room == "" {
			return 0, nil, fault.New(fault.Usage, "--log-level %q: it is debug, info, warn or error, or like warn,node=debug", spec)
		}
		if one {
			rooms[room] = l
		} else {
			all = l
		}
	}
	return all, rooms, nil
}

// setLogs makes go-log log to stderr by --log-level, or without one by GOLOG_LOG_LEVEL: text on a
// terminal, JSON elsewhere, unless GOLOG_LOG_FMT says otherwise. The lines wait in the queues of the output.
func (a *app) setLogs(spec string) error {
	cfg := golog.GetConfig()
	if cfg.URL == "" {
		a.logs = console.LogTargets{Stdout: cfg.Stdout, Stderr: cfg.Stderr}
		cfg.Stdout, cfg.Stderr, cfg.URL = false, false, logSink()
	}
	if _, set := a.lookupEnv("GOLOG_LOG_FMT"); !set {
		cfg.Format = golog.JSONOutput
		if console.IsTerminal(os.Stderr) {
			cfg.Format = golog.PlaintextOutput
		}
	}
	if spec != "" {
		var err error
		if cfg.Level, cfg.SubsystemLevels, err = parseLogLevels(spec); err != nil {
			return err
		}
	}
	to := func(line string) { a.out.Log(a.logs, line, cfg.Format == golog.PlaintextOutput) }
	logTo.Store(&to)
	golog.SetupLogging(cfg)
	log.SetFlags(0)
	log.SetOutput(stdLog{})
	return nil
}

// stdLog takes what dependencies write through the standard library's log, which has no levels:
// the mDNS package, for one, says there which network interfaces it can't use.
type stdLog struct{}

func (stdLog) Write(line []byte) (int, error) {
	golog.Logger("std").Warn(strings.TrimSpace(string(line)))
	return len(line), nil
}

// isGiven tells whether a flag is on the command line.
func (a *app) isGiven(cmd *cobra.Command, flag string) bool {
	_, elsewhere := a.origins[flag]
	return cmd.Flags().Changed(flag) && !elsewhere
}

// reloadLogs reads the settings of a running command again and sets its log levels,
// unless they were given on the command line.
func (a *app) reloadLogs(command string, given bool) {
	c, _, err := a.settled(command)
	if err == nil && !given {
		err = a.setLogs(c.Flags().Lookup("log-level").Value.String())
	}
	if err != nil {
		a.out.Warn("the settings were not read again: %v", err)
		return
	}
	a.out.Say("the settings were read again: the log levels hold from here on, all else from the next start")
}

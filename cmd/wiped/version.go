package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// release is the version of the contract that this program keeps.
const release = "0.1"

func version(args []string, out, errOut io.Writer) int {
	if code, done := parse(pflag.NewFlagSet("version", pflag.ContinueOnError), args, 0, out, errOut); done {
		return code
	}
	fmt.Fprintln(out, software())
	return exitDone
}

// software is the program's name, version and the revision it was built from: what certificates say about it.
func software() string {
	revision, changed := "unknown revision", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = ", changed since"
			}
		}
	}
	return fmt.Sprintf("wiped %s (%s%s)", release, revision, changed)
}

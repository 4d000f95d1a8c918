// Command wiped-image makes the appliance image: Debian's signed kernel and an initramfs in which wiped is the whole user
// space, and an ISO that boots them. It knows what goes in; how, its own packages know.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

const usage = `wiped-image makes the appliance image out of Debian's packages; nothing is installed, and it need not be root.

    wiped-image --wiped bin/wiped --out DIR [flags]
                           write vmlinuz, initramfs.zst, wiped.iso, cmdline, wiped.ipxe, manifest.txt and firmware.txt
    wiped-image pin --out versions.lock
                           write down the newest versions of all packages: those are what the next image is made of
    wiped-image overlay --out FILE DIR
                           make a second initramfs of what is in DIR, such as etc/wiped/authorized_keys

The same inputs give the same bytes. SOURCE_DATE_EPOCH, if set, is the time of all files.

`

// Exit codes of the program.
const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errOut io.Writer) int {
	command, name := buildCommand, "wiped-image"
	commands := map[string]func(args []string, out, errOut io.Writer) error{"overlay": overlayCommand, "pin": pinCommand}
	if len(args) > 0 && commands[args[0]] != nil {
		command, name, args = commands[args[0]], "wiped-image "+args[0], args[1:]
	}
	err := command(args, out, errOut)
	var wrong usageError
	switch {
	case err == nil, errors.Is(err, pflag.ErrHelp):
		return exitDone
	case errors.As(err, &wrong):
		fmt.Fprintf(errOut, "%s: %v. Next: %s --help\n", name, err, name)
		return exitUsage
	}
	fmt.Fprintf(errOut, "%s: %v\n", name, err)
	return exitError
}

type usageError struct{ error }

// flags makes a set that prints the usage text on --help.
func flags(name string, out io.Writer) *pflag.FlagSet {
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(io.Discard)
	fs.Usage = func() { fmt.Fprint(out, usage, fs.FlagUsages()) }
	return fs
}

func parse(fs *pflag.FlagSet, args []string, words int) error {
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case err != nil:
		return usageError{err}
	case fs.NArg() != words:
		return usageError{fmt.Errorf("%d words that are no flags, want %d", fs.NArg(), words)}
	}
	return nil
}

// buildTime is the time of all files.
func buildTime() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Unix(0, 0), nil
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return time.Time{}, fmt.Errorf("read SOURCE_DATE_EPOCH: %q is not a number of seconds. Next: unset it", text)
	}
	return time.Unix(int64(seconds), 0), nil
}

// Command wiped is the disk-wipe appliance: an SSH server whose shell lists drives, erases them and certifies it.
// It knows flags and wiring; everything a test would want to reach is elsewhere.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"wiped/cmd/wiped/boot"
)

const usage = `wiped is a disk-wipe appliance that is an SSH server.

    wiped serve [flags]    run the appliance
    wiped verify FILE [--signature FILE.sig] --allowed-signers FILE
                           check a certificate offline
    wiped version          say what this program was built from

wiped COMMAND --help shows the flags of a command.
`

// Exit codes of the program itself.
const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2
)

func main() {
	switch {
	case boot.IsModprobe(os.Args):
		os.Exit(boot.Modprobe(os.Args))
	case boot.IsInit():
		boot.Supervise("init")
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// commands are the words of the command line.
var commands = map[string]func(args []string, out, errOut io.Writer) int{
	"serve":   serve,
	"init":    initialize,
	"sshd":    speakSSH,
	"order":   sendOrder,
	"verify":  verify,
	"version": version,
}

func run(args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errOut, usage)
		return exitUsage
	}
	command := commands[args[0]]
	switch {
	case command != nil:
		return command(args[1:], out, errOut)
	case args[0] == "help" || args[0] == "--help" || args[0] == "-h":
		fmt.Fprint(out, usage)
		return exitDone
	}
	fmt.Fprintf(errOut, "wiped: there is no command %q. Next: wiped help\n", args[0])
	return exitUsage
}

// parse reads the flags of a command; done means that the program is to end with code.
func parse(fs *pflag.FlagSet, args []string, most int, out, errOut io.Writer) (code int, done bool) {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.SortFlags = false
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprintf(out, "Flags of wiped %s:\n%s", fs.Name(), fs.FlagUsagesWrapped(100))
		return exitDone, true
	case err != nil:
		fmt.Fprintf(errOut, "wiped %s: %v. Next: wiped %s --help\n", fs.Name(), err, fs.Name())
		return exitUsage, true
	case fs.NArg() > most:
		fmt.Fprintf(errOut, "wiped %s: %q is too much. Next: wiped %s --help\n", fs.Name(), fs.Arg(most), fs.Name())
		return exitUsage, true
	}
	return exitDone, false
}

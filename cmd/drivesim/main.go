// Command drivesim makes simulated SCSI, ATA and NVMe drives that the kernel's own drivers talk to. It is for tests: each drive can be
// told to lie, fail, hang, hide parts of itself, lose power or vanish. It knows the standards, and must not know how wiped reads
// them: nothing of the engine is in it.
package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"wiped/cmd/drivesim/bench"
	"wiped/cmd/drivesim/clients"
	"wiped/cmd/drivesim/nvmetcp"
	"wiped/cmd/drivesim/scenario"
)

const usage = `drivesim serve [--scenario FILE] [--control ADDRESS]... [DRIVE...]   until it is told to end by SIGTERM
drivesim ctl [--control ADDRESS] list | DRIVE ORDER [ARG...]       DRIVE is a name or a serial
drivesim ctl [--control ADDRESS] DRIVE dump FILE                   the medium, to a file here
drivesim check FILE [WORD]                                         a script of drives, commands and expected answers
drivesim knobs                                                     what can be said of a drive
drivesim shell HOST:PORT                                           runs scripts for anybody; in a test's own machine alone
drivesim init                                                      as the first process of a machine

ADDRESS is @NAME, unix:PATH or tcp:HOST:PORT.
`

func main() {
	if os.Getpid() == 1 { // the kernel passes its own arguments
		firstProcess()
	}
	err := run(os.Args[1:])
	if errors.Is(err, errUsage) {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "drivesim:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("not understood")

func run(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "ctl":
		return control(args[1:])
	case "check":
		return check(args[1:])
	case "knobs":
		knobs()
		return nil
	case "shell":
		return shell(args[1:])
	case "init":
		return errors.New("init is for the first process of a machine")
	}
	return errUsage
}

func serve(args []string) error {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	file := flags.String("scenario", "", "a file with a drive a line")
	addresses := flags.StringArray("control", []string{bench.Address}, "where to listen for orders")
	ready := flags.Int("ready", -1, "write a line to this descriptor when the drives are up")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text := strings.Join(flags.Args(), "\n")
	if *file != "" {
		b, err := os.ReadFile(*file)
		if err != nil {
			return fmt.Errorf("read scenario: %w", err)
		}
		text = string(b) + "\n" + text
	}
	s, err := scenario.Parse(text)
	if err != nil {
		return err
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGTERM, unix.SIGINT)
	b, err := bench.Open(s.Drives)
	if err != nil {
		return err
	}
	others, err := serveNVMe(s.NVMe)
	if err != nil {
		return errors.Join(err, b.Close())
	}
	b.Others = others.Obey
	for n, words := range s.Zoned {
		stop, err := zonedDrive(n, words)
		if err != nil {
			return errors.Join(err, others.Close(), b.Close())
		}
		defer func() { _ = stop() }() // it is gone with the kernel in any case
	}
	for _, address := range slices.Concat(*addresses, s.Control) {
		if _, err := b.Listen(address); err != nil {
			return errors.Join(err, others.Close(), b.Close())
		}
	}
	tell(*ready, b)
	<-ends
	return errors.Join(others.Close(), b.Close())
}

// tell says that the drives are up, and where.
func tell(ready int, b *bench.Bench) {
	for _, d := range b.Drives {
		fmt.Printf("drivesim: %s %s is %s\n", d.Spec.Kind, d.Spec.Name, d.Device())
	}
	if ready >= 0 {
		f := os.NewFile(uintptr(ready), "ready")
		fmt.Fprintln(f, "ready")
		f.Close()
	}
}

func control(args []string) error {
	flags := pflag.NewFlagSet("ctl", pflag.ContinueOnError)
	flags.SetInterspersed(false)
	address := flags.String("control", bench.Address, "where the drives listen for orders")
	if err := flags.Parse(args); err != nil {
		return err
	}
	words := flags.Args()
	if len(words) == 3 && words[1] == "dump" {
		_, data, err := bench.Ask(*address, words[0], "read", "0", "0")
		if err != nil {
			return err
		}
		return os.WriteFile(words[2], data, 0o600)
	}
	answer, data, err := bench.Ask(*address, words...)
	switch {
	case err != nil:
		return err
	case data != nil:
		_, err = os.Stdout.Write(data)
		return err
	case answer != "":
		fmt.Println(answer)
	}
	return nil
}

func check(args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("check wants FILE, and may have a word of the drives to check")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("read script: %w", err)
	}
	sections, err := clients.Parse(string(text))
	if err != nil {
		return err
	}
	return clients.Run(sections, strings.Join(args[1:], ""), os.Stdout, func(lines []string) (clients.Bench, error) {
		s, err := scenario.Parse(strings.Join(lines, "\n"))
		if err != nil {
			return nil, err
		}
		b, err := bench.Open(s.Drives)
		if err != nil {
			return nil, err
		}
		l, err := b.Listen(bench.Address)
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		return &checked{b, l.Close}, nil
	})
}

// checked is the bench of a section, with its control.
type checked struct {
	*bench.Bench
	deaf func() error
}

// Close is clients.Bench.
func (c *checked) Close() error { return errors.Join(c.deaf(), c.Bench.Close()) }

func knobs() {
	for _, name := range slices.Sorted(maps.Keys(scenario.Knobs)) {
		k := scenario.Knobs[name]
		if k.Value != "" {
			name += "=" + k.Value
		}
		fmt.Printf("%-34s %s\n", name, k.About)
	}
	fmt.Printf("\nnvme:\n%s", nvmetcp.Usage())
}

// Command bench measures wiped beside what people would use instead, in the same run, and prints a table of ratios. It knows devices,
// servers and peers; of wiped it uses the program and its command line, except where a row takes its machinery apart.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

const usage = `bench [flags]         measures, prints the table, writes JSON and (long form) the pages under --docs
bench render [flags]  makes the table, the pages and the plots again from the JSON of an earlier run

It must run as root: it makes loop and zram devices and a cgroup of its own, and removes them in the end.
`

// options are the flags.
type options struct {
	short                        bool
	only, wiped, json, docs, ram string
	profile                      string
	reserve                      int64 // MiB of memory that devices never take
	budget                       time.Duration
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 && helpers[args[0]] != nil {
		return helpers[args[0]](args[1:])
	}
	o := &options{}
	fs := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	fs.Usage = func() { fmt.Fprint(os.Stderr, usage, "\n", fs.FlagUsagesWrapped(100)) }
	fs.BoolVar(&o.short, "short", os.Getenv("BENCH") == "short", "only check that every row works; the figures mean nothing")
	fs.StringVar(&o.only, "only", "", "run the experiments whose names match this regular expression")
	fs.StringVar(&o.wiped, "wiped", "bin/wiped", "the program to measure")
	fs.StringVar(&o.json, "json", "bin/bench.json", "where every figure goes")
	fs.StringVar(&o.docs, "docs", "docs", "where performance.md and its plots are; not touched by the short form")
	fs.StringVar(&o.ram, "ram", "/dev/shm", "a tmpfs for the loop devices")
	fs.StringVar(&o.profile, "profile", "", "write a CPU profile of this process, for experiments that run the engine in it")
	fs.Int64Var(&o.reserve, "reserve", 4<<10, "MiB of memory that must stay free")
	fs.DurationVar(&o.budget, "budget", long.budget, "no fourth or later round of a comparison begins after so long")
	err := fs.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return nil
	case err != nil:
		return err
	case fs.Arg(0) == "render":
		return render(o)
	case fs.NArg() > 0:
		return fmt.Errorf("%q is not understood. Next: bench --help", fs.Arg(0))
	}
	return measure(o)
}

// helpers are the roles in which bench starts itself.
var helpers = map[string]func(args []string) error{
	"gliderlabs": bareServer,
	"jail":       jail,
}

func measure(o *options) error {
	chosen, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("read --only: %w", err)
	}
	if os.Geteuid() != 0 {
		return errors.New("loop devices, zram and cgroups need root. Next: sudo make bench")
	}
	signal.Ignore(syscall.SIGPIPE) // who no longer reads the table must not keep the devices from being removed
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := needTools(ctx); err != nil {
		return err
	}
	l, err := newLab(ctx, o)
	if err != nil {
		return err
	}
	defer l.close()
	endProfile, err := profileTo(o.profile)
	if err != nil {
		return err
	}
	for _, e := range experiments {
		if chosen.MatchString(e.name) && ctx.Err() == nil {
			l.perform(e)
		}
	}
	endProfile()
	if ctx.Err() != nil {
		return errors.Join(errors.New("interrupted; what there is of figures is in "+o.json), l.report().write(o.json))
	}
	return publish(o, l.report(), o.only != "")
}

func profileTo(path string) (end func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, pprof.StartCPUProfile(f)
}

// publish writes down what was measured and prints the table. A row without a figure is an error, and so is an experiment that failed; a
// row that misses is not. A run of chosen experiments, or with a failure, leaves the pages alone.
func publish(o *options, r *report, part bool) error {
	if err := r.write(o.json); err != nil {
		return err
	}
	results := judge(rows, r)
	printTable(os.Stdout, r, results)
	pages := o.docs
	missing := unmeasured(results)
	if part {
		missing = 0
	}
	if r.Short || part || missing+len(r.Failed) > 0 {
		pages = filepath.Join(filepath.Dir(o.json), "bench-pages")
	}
	if err := writePages(pages, r, results); err != nil {
		return err
	}
	if missing+len(r.Failed) > 0 {
		return fmt.Errorf("%d experiments failed, %d rows could not be measured", len(r.Failed), missing)
	}
	return nil
}

func render(o *options) error {
	r, err := readReport(o.json)
	if err != nil {
		return err
	}
	results := judge(rows, r)
	printTable(os.Stdout, r, results)
	return writePages(o.docs, r, results)
}

package shell

import (
	"strings"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
)

var drives = command{
	name: "drives", args: "[--json]", role: auth.Viewer,
	short: "list the drives and whether each may be erased",
	long: "A drive that is not ready says why. The serial is what `erase` wants as confirmation; one that begins with ~ was made by this " +
		"station, because the drive has none. `drive NAME` tells more.",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		asJSON := fs.Bool("json", false, "print one JSON array")
		return func(c *call) error { return listDrives(c, *asJSON) }
	},
}

func listDrives(c *call, asJSON bool) error {
	all, err := c.sh.Engine.Drives()
	if err != nil {
		return err
	}
	if asJSON {
		list := []driveJSON{}
		for _, d := range all {
			list = append(list, driveDocument(d))
		}
		return c.json(list)
	}
	if len(all) == 0 {
		if c.sh.Machine != nil {
			c.printf("no drives. Attach one\n")
			return nil
		}
		c.printf("no drives. Attach one, or start the server with --drives or --image\n")
		return nil
	}
	columns := []column{{"NAME", 8}, {"SERIAL", 0}, {"MODEL", 8}, {"SIZE", 0}, {"TRANSPORT", 9}, {"STATE", 12}, {"HEALTH", 6}}
	var rows [][]string
	for _, d := range all {
		rows = append(rows, []string{d.Name, orDash(d.Serial), orDash(d.Model), size(d.Size), orDash(d.Transport), driveState(d), orUnknown(d.Health.Word)})
	}
	table(c.out, c.width(), columns, rows)
	return nil
}

func driveState(d engine.DriveView) string {
	switch short, _, _ := strings.Cut(d.Reason, ","); {
	case d.Reason == "":
		return d.State
	case d.State == "unusable":
		return short // drive DRIVE says the rest
	}
	return d.Reason
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// width is how wide tables may be.
func (c *call) width() int {
	if c.s.Mode == Terminal {
		return max(plainWidth, c.s.columns())
	}
	return plainWidth
}

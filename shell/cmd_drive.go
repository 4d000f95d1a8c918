package shell

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
	"wiped/engine/drive"
	"wiped/engine/journal"
)

var driveCmd = command{
	name: "drive", args: "DRIVE [--json]", role: auth.Viewer, min: 1, max: 1, words: driveWords,
	short:   "everything known of one drive",
	long:    "Shows what the drive is and where each fact comes from, what it can do, and why it may not be erased, if so.",
	example: "drive sdb",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		asJSON := fs.Bool("json", false, "print one JSON object")
		return func(c *call) error { return showDrive(c, *asJSON) }
	},
}

// driveDetails is `drive DRIVE --json`.
type driveDetails struct {
	driveJSON
	Paths          []string          `json:"paths"`
	Vendor         *string           `json:"vendor"`
	Firmware       *string           `json:"firmware"`
	LogicalSector  int               `json:"logical_sector_bytes"`
	PhysicalSector journal.Number    `json:"physical_sector_bytes"`
	Rotational     *bool             `json:"rotational"`
	Layer          *string           `json:"layer"`
	Partitions     []string          `json:"partitions"`
	HiddenAreas    *string           `json:"hidden_areas"`
	Confirm        *string           `json:"confirm"`
	Methods        []string          `json:"methods"`
	Reasons        []engine.Obstacle `json:"reasons"`
}

func showDrive(c *call, asJSON bool) error {
	d, err := c.sh.Engine.Drive(c.args[0])
	if err != nil {
		return err
	}
	if asJSON {
		return c.json(driveDetails{driveDocument(d), d.Paths, known(d.Vendor), known(d.Firmware), d.LogicalSector, journal.Number(d.PhysicalSector),
			d.Rotational, known(d.Layer), orEmpty(d.Partitions), nil, known(d.Confirm), d.Methods, orEmpty(d.Reasons)})
	}
	for _, row := range driveRows(d) {
		if row[1] != "" {
			c.printf("%-14s ", row[0])
			c.printf("%s\n", strings.Join(fold(row[1], c.width()-15), "\n"+strings.Repeat(" ", 15)))
		}
	}
	return nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func driveRows(d engine.DriveView) [][2]string {
	rows := [][2]string{
		{"name", d.Name},
		{"path", strings.Join(d.Paths, ", ")},
		{"serial", d.Serial + " (" + d.SerialSource + ")"},
		{"WWN", d.WWN},
		{"vendor", d.Vendor},
		{"model", d.Model},
		{"firmware", d.Firmware},
		{"size", fmt.Sprintf("%s (%d bytes)", size(d.Size), d.Size)},
		{"sectors", sectors(d.Info)},
		{"transport", d.Transport},
		{"medium", medium(d.Info)},
		{"partitions", strings.Join(d.Partitions, ", ")},
		{"hidden areas", "unknown"},
		{"health", "unknown"},
		{"state", driveState(d)},
		{"confirm with", d.Confirm},
		{"methods", strings.Join(d.Methods, ", ") + " (methods " + d.Name + ")"},
	}
	for _, f := range d.Facts {
		rows = append(rows, [2]string{f.Name, f.Value + " (" + f.Source + ")"})
	}
	if d.Layer != "" {
		rows = append(rows, [2]string{"layer", d.Layer + ": erasing it says nothing of the media below"})
	}
	for _, o := range d.Reasons {
		rows = append(rows, [2]string{"not erasable", o.Why + ". Next: " + o.Next})
	}
	return rows
}

func sectors(i drive.Info) string {
	if i.PhysicalSector == 0 {
		return fmt.Sprintf("%d bytes", i.LogicalSector)
	}
	return fmt.Sprintf("%d bytes, %d physical", i.LogicalSector, i.PhysicalSector)
}

func medium(i drive.Info) string {
	switch {
	case i.Layer != "":
		return i.Layer
	case i.Rotational == nil:
		return ""
	case *i.Rotational:
		return "magnetic"
	}
	return "flash"
}

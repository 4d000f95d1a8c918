package shell

import (
	"fmt"
	"slices"
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
	Cannot         []engine.Cannot   `json:"cannot"` // methods of its command set that are not to be had now
	CommandSet     *string           `json:"command_set"`
	Bridge         *string           `json:"bridge"`
	Busy           *string           `json:"busy"`
	NotReached     []string          `json:"not_reached"` // parts that no method reaches
	Facts          []factJSON        `json:"facts"`
	HealthDetails  *healthJSON       `json:"health_details"`
}

type factJSON struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

type healthJSON struct {
	Reasons     []string `json:"reasons"`
	Celsius     *int64   `json:"celsius"`
	Hours       *int64   `json:"power_on_hours"`
	Reallocated *int64   `json:"reallocated_sectors"`
	Pending     *int64   `json:"pending_sectors"`
	Wear        *int64   `json:"wear_percent"`
	Source      *string  `json:"source"`
}

func showDrive(c *call, asJSON bool) error {
	d, err := c.sh.Engine.Drive(c.args[0])
	if err != nil {
		return err
	}
	if asJSON {
		return c.json(driveDocumentAll(d))
	}
	for _, row := range driveRows(d) {
		if row[1] != "" {
			c.printf("%-14s ", row[0])
			c.printf("%s\n", strings.Join(fold(row[1], c.width()-15), "\n"+strings.Repeat(" ", 15)))
		}
	}
	return nil
}

func driveDocumentAll(d engine.DriveView) driveDetails {
	doc := driveDetails{driveJSON: driveDocument(d), Paths: d.Paths, Vendor: known(d.Vendor), Firmware: known(d.Firmware),
		LogicalSector: d.LogicalSector, PhysicalSector: journal.Number(d.PhysicalSector), Rotational: d.Rotational, Layer: known(d.Layer),
		Partitions: orEmpty(d.Partitions), HiddenAreas: known(d.Hidden), Confirm: known(d.Confirm), Methods: orEmpty(d.Methods), Reasons: orEmpty(d.Reasons),
		Cannot: orEmpty(d.Cannot), CommandSet: known(d.Answers.Set), Bridge: known(d.Answers.Bridge), Busy: known(d.Answers.Busy),
		NotReached: orEmpty(d.Answers.Kept), Facts: []factJSON{},
	}
	for _, f := range slices.Concat(sources(d), facts(d)) {
		doc.Facts = append(doc.Facts, factJSON(f))
	}
	if h := d.Health; h.Word != "" {
		doc.HealthDetails = &healthJSON{orEmpty(h.Reasons), h.Celsius, h.Hours, h.Reallocated, h.Pending, h.Wear, known(h.Source)}
	}
	return doc
}

// facts is everything that is known besides, each with its source.
func facts(d engine.DriveView) []drive.Fact { return slices.Concat(d.Facts, d.Answers.Facts) }

// sources is where what stands in the document comes from.
func sources(d engine.DriveView) (list []drive.Fact) {
	for _, f := range []drive.Fact{
		{Name: "WWN", Value: d.WWN, Source: "sysfs wwid"},
		{Name: "vendor", Value: d.Vendor, Source: said(d, d.Answers.Identity.Vendor)},
		{Name: "model", Value: d.Model, Source: said(d, d.Answers.Identity.Model)},
		{Name: "firmware", Value: d.Firmware, Source: said(d, d.Answers.Identity.Firmware)},
		{Name: "size", Value: fmt.Sprintf("%s, %d bytes", size(d.Size), d.Size), Source: "sysfs size"},
		{Name: "sectors", Value: sectors(d.Info), Source: "sysfs queue"},
		{Name: "transport", Value: d.Transport, Source: "sysfs path"},
	} {
		if f.Value != "" {
			list = append(list, f)
		}
	}
	return list
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
	}
	for _, f := range sources(d) {
		rows = append(rows, [2]string{f.Name, f.Value + " (" + f.Source + ")"})
	}
	rows = append(rows, [][2]string{
		{"medium", medium(d.Info)},
		{"zones", zones(d.Info)},
		{"partitions", strings.Join(d.Partitions, ", ")},
		{"bridge", d.Answers.Bridge},
		{"hidden areas", orUnknown(d.Hidden)},
		{"not reached", strings.Join(d.Answers.Kept, ", ")},
		{"health", healthText(d.Health)},
		{"busy", d.Answers.Busy},
		{"state", driveState(d)},
		{"confirm with", d.Confirm},
		{"methods", strings.Join(d.Methods, ", ") + " (methods " + d.Name + ")"},
	}...)
	for _, line := range cannotLines(d) {
		rows = append(rows, [2]string{"cannot", line})
	}
	for _, f := range facts(d) {
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

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func zones(i drive.Info) string {
	if !i.Zoned {
		return ""
	}
	return "host-managed: written in order only"
}

// answersOf is where the drives of a command set say what they are.
var answersOf = map[string]string{"ATA": "IDENTIFY DEVICE", "SCSI": "INQUIRY", "NVMe": "Identify Controller", "eMMC": "sysfs, from the CID", "SD": "sysfs, from the CID"}

// said is the source of a value of which the drive itself may have said more than the kernel knows.
func said(d engine.DriveView, itself string) string {
	if source := answersOf[d.Answers.Set]; itself != "" && source != "" {
		return source
	}
	return "sysfs"
}

// healthText is the word with its reasons.
func healthText(h drive.Health) string {
	if len(h.Reasons) == 0 {
		return orUnknown(h.Word)
	}
	return orUnknown(h.Word) + ": " + strings.Join(h.Reasons, ", ")
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

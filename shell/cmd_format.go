package shell

import (
	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
)

var format = command{
	name: "format", args: "DRIVE --sector-size BYTES --confirm SERIAL", role: auth.Operator, changes: true, min: 1, max: 1, words: driveWords,
	short: "bring a drive to sectors of another size, such as from 520 bytes to 512",
	long: "Drives from storage systems can have sectors of 520 or 528 bytes, which this system can neither read nor write: they are to be " +
		"brought to 512 before they are erased. What was on the drive cannot be read afterwards, but it is NOT erased: erase it then. It " +
		"takes hours on a large drive; the drive goes on by itself if you leave.",
	example: "format sdb --sector-size 512 --confirm Z1X2Y3",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		sector := fs.Int("sector-size", 0, "the new size of its sectors in `BYTES`: 512 or 4096")
		confirm := fs.StringArray("confirm", nil, "the `SERIAL` of the drive")
		return func(c *call) error { return runFormat(c, *sector, *confirm) }
	},
}

func runFormat(c *call, sector int, confirm []string) error {
	if sector == 0 {
		return fail(exitUsage, "format: to which size? Next: format %s --sector-size 512", quote(c.args[0]))
	}
	req := engine.FormatRequest{Drive: c.args[0], Sector: sector, Confirm: confirm}
	err := c.sh.Engine.Format(c.ctx, req, func(part float64) { c.printf("%s: formatting, %.1f%% done\n", clean(c.args[0]), part*100) })
	if err != nil {
		return c.commandToType(err)
	}
	c.printf("%s: formatted to sectors of %d bytes; it is not erased. Next: erase %s\n", clean(c.args[0]), sector, quote(c.args[0]))
	return nil
}

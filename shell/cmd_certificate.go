package shell

import (
	"strings"

	"github.com/spf13/pflag"

	"wiped/auth"
	"wiped/engine"
	"wiped/engine/certificate"
)

var certificateCmd = command{
	name: "certificate", args: "ID [--format text|json|sig]", role: auth.Viewer, min: 1, max: 1, words: jobWords,
	short: "the signed certificate of an ended job",
	long: "text is for people, json is the document, sig its detached signature, which stock OpenSSH checks: " +
		"ssh-keygen -Y verify -f allowed_signers -I wiped -n wiped-certificate -s 7.json.sig < 7.json. " +
		"The exit code is the job's own: 0 only if it was erased, or overwritten as asked without verification. " +
		"Where ranges_merged is true there were more than 1,024 areas of a kind: the ranges also cover what lies between some of them.",
	example: "certificate 7 --format json",
	prepare: func(fs *pflag.FlagSet) func(*call) error {
		format := fs.String("format", "text", "the `FORMAT`: text, json or sig")
		return func(c *call) error { return showCertificate(c, *format) }
	},
}

func showCertificate(c *call, format string) error {
	ids, err := c.ids()
	if err != nil {
		return err
	}
	if format != "text" && format != "json" && format != "sig" {
		return fail(exitUsage, "certificate: there is no format %s. Next: --format text, json or sig", quoted(format))
	}
	statement, document, signature, err := c.sh.Engine.Certificate(ids[0])
	if err != nil {
		return err
	}
	text := []byte(statement.Text())
	switch format {
	case "json":
		text = document
	case "sig":
		text = signature
	}
	if _, err := c.out.Write(text); err != nil {
		return err
	}
	c.sh.fetched.note(ids[0], format)
	return ended(resultCode(engine.State(statement.Result)))
}

var signer = command{
	name: "signer", role: auth.Viewer,
	short: "the line that makes others trust this station's certificates",
	long:  "Put it into a file allowed_signers for ssh-keygen -Y verify and wiped verify. Fetch it over a connection whose host key you know.",
	prepare: noFlags(func(c *call) error {
		c.printf("%s\n", strings.TrimSpace(certificate.SignerLine(c.sh.Engine.Signer())+" "+c.sh.Engine.KeyOrigin()))
		c.sh.fetched.noteSigner()
		return nil
	}),
}

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"

	"wiped/engine/certificate"
	"wiped/engine/journal"
)

func verify(args []string, out, errOut io.Writer) int {
	fs := pflag.NewFlagSet("verify", pflag.ContinueOnError)
	signature := fs.String("signature", "", "the detached signature, a `FILE`; default FILE.sig")
	signers := fs.String("allowed-signers", "", "who may sign certificates, `FILE` as ssh-keygen(1) describes it; the command signer prints such a line")
	if code, done := parse(fs, args, 1, out, errOut); done {
		return code
	}
	if fs.NArg() == 0 {
		fmt.Fprintln(errOut, "wiped verify: which file? Next: wiped verify 7.json --allowed-signers allowed_signers")
		return exitUsage
	}
	file := fs.Arg(0)
	if *signature == "" {
		*signature = file + ".sig"
	}
	if err := check(out, file, *signature, *signers); err != nil {
		fmt.Fprintf(errOut, "wiped verify: %s: %s\n", journal.Escape(file), journal.Escape(err.Error()))
		return exitError
	}
	return exitDone
}

// check prints what a certificate says if it is intact, and fails unless its signer is vouched for.
func check(out io.Writer, file, signature, signers string) error {
	document, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	sig, err := os.ReadFile(signature)
	if err != nil {
		return err
	}
	v, err := certificate.Verify(document, sig)
	if err != nil {
		return err
	}
	fingerprint := ssh.FingerprintSHA256(v.Key)
	if signers == "" {
		fmt.Fprintf(out, "signed by %s\nintact, not vouched for\n", fingerprint)
		return fmt.Errorf("nobody vouches for its signer. Next: --allowed-signers FILE, with the line that `signer` prints on the station")
	}
	allowed, err := os.ReadFile(signers)
	if err != nil {
		return err
	}
	if err := certificate.Allowed(allowed, v.Key, time.Now()); err != nil {
		return fmt.Errorf("%w (signed by %s)", err, fingerprint)
	}
	d := v.Statement.Drive
	fmt.Fprintf(out, "good: signed by %s\n%s: drive %s, serial %s, job %d of station %s, ended %s\n", fingerprint, v.Statement.Heading(),
		journal.EscapeOnce(d.Name), journal.EscapeOnce(d.Serial), v.Statement.ID, journal.EscapeOnce(v.Statement.Station), v.Statement.Ended)
	return nil
}

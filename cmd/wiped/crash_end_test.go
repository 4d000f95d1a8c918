//go:build crash

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// fetch is somebody who fetches one half of a certificate.
type fetch struct {
	id     uint64
	format string
	wait   *waiter
}

// resumeAll has all interrupted jobs of the round go on, with somebody watching each. It tells whether there were any.
func (s *crashStation) resumeAll() bool {
	s.t.Helper()
	line := "resume"
	var jobs []*crashJob
	for _, j := range s.jobs {
		if j.id != 0 && !j.finished {
			line += fmt.Sprintf(" %d --confirm %s", j.id, j.drive.serial)
			jobs = append(jobs, j)
		}
	}
	if jobs == nil {
		return false
	}
	if out := s.must(line); strings.Count(out, " resumed: ") != len(jobs) {
		s.fault("%s: %s", line, out)
	}
	s.commands[line]++
	s.figures.count(func(f *crashFigures) { f.Resumed += len(jobs) })
	for _, j := range jobs {
		w, err := s.follow(fmt.Sprintf("watch %d --since %d --json", j.id, j.newest))
		if err != nil {
			s.t.Fatal(err)
		}
		j.wait, j.resumed = w, true
	}
	return true
}

// settle brings every job of the round to its end, and checks every byte of every drive.
func (s *crashStation) settle() {
	s.t.Helper()
	if s.resumeAll() {
		for _, j := range s.jobs {
			if j.wait != nil {
				<-j.wait.done
			}
		}
		s.endSeen()
	}
	docs := s.jobDocs()
	for _, j := range s.jobs {
		if j.id != 0 {
			s.settleJob(j, docs[j.id])
		}
	}
}

// endSeen: what those saw who waited for the end is what is kept.
func (s *crashStation) endSeen() {
	s.t.Helper()
	for _, j := range s.jobs {
		if j.wait == nil {
			continue
		}
		j.seen, j.wait = append(j.seen, j.wait.events()...), nil
		s.seenIsKept(j, s.stream(j))
	}
}

func (s *crashStation) settleJob(j *crashJob, doc jobDoc) {
	s.t.Helper()
	want := []string{"erased"}
	if j.toCancel { // what was said of it lookAtCancel looked at
		want = append(want, "cancelled")
	}
	if !slices.Contains(want, doc.State) || doc.Result == nil || *doc.Result != doc.State {
		s.fault("after all kills job %d (%s on %s) is\n%s", j.id, j.method, j.drive.name, doc.text)
		return
	}
	s.ended[j.id] = doc.text
	s.figures.count(func(f *crashFigures) { f.Ended++ })
	document, signature := s.fetchBoth(j.id)
	s.issued[j.id] = [2]string{document, signature}
	c, err := j.learn([]byte(document))
	if err != nil || c.Result != doc.State {
		s.fault("the certificate of job %d (%s): %v: %s", j.id, doc.State, err, document)
		return
	}
	s.verifySigned(document, signature)
	s.checkDrive(j, c)
}

// checkDrive holds every byte of a drive against what a certificate says, and every earlier claim against the keys that are known now.
func (s *crashStation) checkDrive(j *crashJob, c crashCertificate) {
	s.t.Helper()
	held, err := j.drive.content()
	if err != nil {
		s.t.Fatal(err)
	}
	last := claim{job: j, when: "the end of " + j.method, pass: len(j.passes), offset: j.drive.size, held: held}
	if c.Result != "erased" {
		complete := 0
		for complete < len(c.Passes) && c.Passes[complete].Run != nil && c.Passes[complete].Run.Complete {
			complete++
		}
		last.pass, last.offset = min(complete+1, len(j.passes)), 0
		if complete == len(j.passes) {
			last.offset = j.drive.size
		}
	}
	for _, claim := range append(j.claims, last) {
		if err := claim.checkLater(); err != nil {
			s.fault("A FALSE CLAIM: job %d: %v", j.id, err)
		}
		s.figures.count(func(f *crashFigures) { f.Bytes += j.drive.size })
	}
	j.claims, j.finished = nil, true
}

// fetchBoth fetches a certificate. The exit code of a document is the job's own.
func (s *crashStation) fetchBoth(id uint64) (document, signature string) {
	s.t.Helper()
	document, errOut, code := s.ask(fmt.Sprintf("certificate %d --format json", id))
	if code == -1 || document == "" {
		s.fault("certificate %d: exit %d: %s", id, code, errOut)
	}
	signature, errOut, code = s.ask(fmt.Sprintf("certificate %d --format sig", id))
	if code == -1 || signature == "" {
		s.fault("certificate %d: exit %d: %s", id, code, errOut)
	}
	return document, signature
}

// verifySigned asks stock OpenSSH.
func (s *crashStation) verifySigned(document, signature string) {
	s.t.Helper()
	signer, sig := filepath.Join(s.dir, "allowed_signers"), filepath.Join(s.dir, "sig")
	line := s.must("signer")
	if s.signerLine == "" {
		s.signerLine = line
	}
	if line != s.signerLine {
		s.fault("the signer is another one: %s", line)
	}
	for file, text := range map[string]string{signer: line, sig: signature} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	cmd := exec.Command("ssh-keygen", "-Y", "verify", "-f", signer, "-I", "wiped", "-n", "wiped-certificate", "-s", sig)
	cmd.Stdin = bytes.NewReader([]byte(document))
	if out, err := cmd.CombinedOutput(); err != nil {
		s.fault("ssh-keygen -Y verify: %v: %s", err, out)
	}
}

// lookAtCertificates fetches some of all certificates again, and holds what people were fetching at the kill against what is issued now.
func (s *crashStation) lookAtCertificates(some int) {
	s.t.Helper()
	for _, f := range s.fetching {
		<-f.wait.done
		got := f.wait.out.String()
		if got == "" {
			continue
		}
		document, signature := s.fetchBoth(f.id)
		now := map[string]string{"json": document, "sig": signature}[f.format]
		if !strings.HasPrefix(now, got) {
			s.fault("certificate %d --format %s was, before the kill\n%s\nand is now\n%s", f.id, f.format, got, now)
		}
		if got == now {
			s.figures.count(func(f *crashFigures) { f.Issued++ })
		}
	}
	s.fetching = nil
	for id, before := range s.issued { // in the order of a map: any
		if some--; some < 0 {
			return
		}
		document, signature := s.fetchBoth(id)
		if document != before[0] || signature != before[1] {
			s.fault("certificate %d is another one than before:\n%s%s\n%s%s", id, before[0], before[1], document, signature)
		}
		s.figures.count(func(f *crashFigures) { f.Issued++ })
	}
}

// checkEverything looks once more at all that the station ever acknowledged.
func (s *crashStation) checkEverything() {
	s.t.Helper()
	s.where = "at the end"
	s.jobs = nil
	s.look()
	s.lookAtCertificates(len(s.issued))
}

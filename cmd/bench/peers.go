package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"
)

// fio is the flexible I/O tester with settings under which it is fastest here: libaio, blocks of 1 MiB, direct, zeros that it
// need not make. Rate and processor time are those of its I/O alone, as it reports them, without its start.
func (l *lab) fio(name string, d device, action string, jobs, depth int) contender {
	share := d.size / int64(jobs) / mib * mib
	args := []string{"--name=bench", "--filename=" + d.path, "--rw=" + action, "--bs=1M", "--direct=1", "--ioengine=libaio", "--zero_buffers",
		"--iodepth=" + strconv.Itoa(depth), "--numjobs=" + strconv.Itoa(jobs), "--group_reporting", "--output-format=json",
		fmt.Sprintf("--size=%d", share), fmt.Sprintf("--offset_increment=%d", share)}
	return contender{name, func() (map[string]float64, error) {
		out, err := command(l.ctx, "fio", args...).Output()
		if err != nil {
			return nil, explain(err)
		}
		m, err := readFio(out, action)
		return m.figures(action), err
	}}
}

func readFio(out []byte, action string) (moved, error) {
	var report struct {
		Jobs []map[string]json.RawMessage
	}
	if err := json.Unmarshal(out, &report); err != nil || len(report.Jobs) != 1 {
		return moved{}, fmt.Errorf("read fio's report: %d groups, %w", len(report.Jobs), err)
	}
	var io struct {
		Bytes   int64 `json:"io_bytes"`
		Rate    int64 `json:"bw_bytes"` // a second; of all jobs
		Runtime int64 // ms
	}
	var user, system float64 // per cent of one processor and of job_runtime, the mean of all jobs
	var runtime float64      // ms, the sum of all jobs
	job := report.Jobs[0]
	for key, into := range map[string]any{action: &io, "usr_cpu": &user, "sys_cpu": &system, "job_runtime": &runtime} {
		if err := json.Unmarshal(job[key], into); err != nil {
			return moved{}, fmt.Errorf("read %s in fio's report: %w", key, err)
		}
	}
	if io.Rate == 0 {
		return moved{}, fmt.Errorf("fio reports no rate for %d bytes", io.Bytes)
	}
	cpu := (user + system) / 100 * runtime
	return moved{io.Bytes, time.Duration(float64(io.Bytes) / float64(io.Rate) * 1e9), time.Duration(cpu * 1e6)}, nil
}

var ddTook = regexp.MustCompile(`copied, ([0-9.e-]+) s`)

// dd by its own clock.
func (l *lab) dd(d device) contender {
	return contender{"dd", func() (map[string]float64, error) {
		cmd := command(l.ctx, "dd", "if=/dev/zero", "of="+d.path, "bs=4M", "oflag=direct", "iflag=fullblock", "count="+strconv.FormatInt(d.size/(4*mib), 10))
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		took := ddTook.FindSubmatch(out)
		if err != nil || took == nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		seconds, err := strconv.ParseFloat(string(took[1]), 64)
		usage := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		return moved{d.size / (4 * mib) * 4 * mib, time.Duration(seconds * 1e9), usage}.figures("write"), err
	}}
}

// shred makes one random pass; measured from its start to its end.
func (l *lab) shred(d device) contender {
	return contender{"shred -n1", func() (map[string]float64, error) {
		m, err := measured(d.size, command(l.ctx, "shred", "-n1", d.path))
		return m.figures("write"), err
	}}
}

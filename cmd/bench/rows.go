package main

// row holds a figure of ours against the best of some others, or against a limit by itself.
type row struct {
	what, beside string
	ours         string   // the name of a series
	theirs       []string // the best of them counts; none: limit is in unit, not a ratio
	fewer        bool     // less is better
	limit        float64  // of the ratio ours/theirs; 0: the row is for information
	unit         unit     // of ours and theirs
	bound        string   // what holds ours back
}

// What profiles show; see docs/performance.md.
const (
	bytesOfDrives = "the kernel's copy of each block to or from the memory that the device is made of"
	requests      = "going to sleep and waking up once for each request of 4 MiB, which is more than half of our processor time"
	generation    = "AES-256-CTR of crypto/cipher, more than four fifths of our processor time"
	decryption    = "AES-256-CTR of crypto/cipher, 70 % of our processor time"
	cacheMisses   = "what it makes goes to buffers that the kernel's thread has read on another processor, out of this one's cache"
	smallDevice   = "the start and end of a job on a device this small: new memory that is cleared first, a flush, and fsyncs of the journal"
)

// rows is the table of the targets, in the order in which it is printed.
var rows = []row{
	{"zero, loop, write", "best of fio and dd", "loop/wiped zero/write rate",
		[]string{"loop/fio, 1 job/write rate", "loop/fio, 2 jobs/write rate", "loop/dd/write rate"}, false, 1.0, rate,
		bytesOfDrives + "; on a device this small also the start and end of a job, each an fsync of the journal"},
	{"zero, zram, write", "best of fio and dd", "zram/wiped zero/write rate",
		[]string{"zram/fio, 1 job/write rate", "zram/fio, 2 jobs/write rate", "zram/dd/write rate"}, false, 1.0, rate,
		"zram's look at each page, in the thread of each of our three requests; dd has one thread, and fio one a job"},
	{"zero, loop, write", "the sketch", "loop/wiped zero/write rate", []string{"loop/sketch zero/write rate"}, false, 0.95, rate,
		smallDevice},
	{"zero, zram, write", "the sketch", "zram/wiped zero/write rate", []string{"zram/sketch zero/write rate"}, false, 0.95, rate,
		"the start and end of a job that takes a second and a half"},
	{"random, loop, write", "the sketch (AES-128-CTR)", "loop/wiped random/write rate", []string{"loop/sketch random/write rate"}, false, 0.95, rate,
		generation + "; the sketch has a shorter key"},
	{"random, 2 GB/s drive, write", "own zero", "capped/wiped random/write rate", []string{"capped/wiped zero/write rate"}, false, 0.97, rate,
		"the throttle"},
	{"random, loop, write", "own zero", "loop/wiped random/write rate", []string{"loop/wiped zero/write rate"}, false, 0.5, rate, generation},
	{"random, loop, write", "shred -n1", "slow/wiped random/write rate", []string{"slow/shred -n1/write rate"}, false, 6, rate, generation},
	{"random, loop, write", "nwipe, its fastest generator", "slow/wiped random/write rate", []string{"slow/nwipe/write rate"}, false, 20, rate, generation},
	{"zero, loop, processor time a GiB", "fio", "loop/wiped zero/write processor",
		[]string{"loop/fio, 1 job/write processor", "loop/fio, 2 jobs/write processor"}, true, 1.3, perGiB, requests},
	{"random, loop, processor time a GiB", "AES-256-CTR alone", "loop/wiped random/write processor",
		[]string{"loop/AES-CTR alone/write processor"}, true, 1.3, perGiB, generation + ": alone it stays in one buffer of 1 MiB and in the cache, here " + cacheMisses},
	{"zero, loop, full verification", "best of fio read, same depth", "loop/wiped zero/verify rate",
		[]string{"loop/fio, 1 job of that depth/read rate", "loop/fio, 2 jobs of that depth/read rate"}, false, 1.0, rate,
		bytesOfDrives + "; more than half of our own time is the comparison, which gets each block from the cache of another processor"},
	{"zero, zram, full verification", "best of fio read, same depth", "zram/wiped zero/verify rate",
		[]string{"zram/fio, 1 job of that depth/read rate", "zram/fio, 2 jobs of that depth/read rate"}, false, 1.0, rate,
		"zram's filling of each page, and a comparison of it, both in the same thread; fio does not look at what it reads"},
	{"zero, loop, full verification", "the sketch", "loop/wiped zero/verify rate", []string{"loop/sketch zero/read rate"}, false, 0.95, rate, bytesOfDrives},
	{"random, loop, full verification", "the sketch (AES-128-CTR)", "loop/wiped random/verify rate", []string{"loop/sketch random/read rate"}, false, 0.95, rate,
		decryption + "; the sketch has a shorter key"},
	{"random, loop, full verification", "own random write", "loop/wiped random/verify rate", []string{"loop/wiped random/write rate"}, false, 0.95, rate,
		decryption + "; it decrypts what was read and looks for zeros"},
	{"32 drives of 60 MB/s, random and verification", "sum of the throttles", "32 drives/wiped/rate", []string{"32 drives/throttles/rate"}, false, 0.97, rate,
		"the throttles, and a quarter of a second in which 32 jobs begin and turn to reading"},
	{"32 drives of 60 MB/s, random and verification", "fio, write and read", "32 drives/wiped/rate", []string{"32 drives/fio/rate"}, false, 0, rate,
		"the throttles; fio's clock does not count how it begins"},
	{"32 drives: memory for each", "limit", "32 drives/wiped/resident of a drive", nil, true, 16 * mib, memory, "buffers"},
	{"32 drives: resident in all", "limit", "32 drives/wiped/resident", nil, true, 600 * mib, memory, "buffers"},
	{"32 drives: processors in use", "", "32 drives/wiped/processors", nil, true, 0, number, generation},
	{"32 drives: hello meanwhile", "", "32 drives/wiped/hello", nil, true, 0, seconds, "waiting for a processor"},
	{"a pass with checkpoints and progress", "without", "machinery/with checkpoints/write rate", []string{"machinery/without/write rate"}, false, 0.99, rate,
		"a flush and an fsync each 8 GiB or 5 s, at most once a second; the processor time is the same with and without"},
	{"zero with 1,000 watchers, 50 deaf", "without", "watched/by many/write rate", []string{"watched/alone/write rate"}, false, 0.98, rate,
		"1,000 encrypted status lines a second, and the clients, on the same processors"},
	{"ssh station hello", "bare gliderlabs", "ssh/wiped/hello", []string{"ssh/gliderlabs/hello"}, true, 1.1, seconds,
		"the ssh program's own start and key exchange; a bare server leaves it waiting for acknowledgements, 40 ms each"},
	{"ssh station hello", "bare gliderlabs, acknowledging at once", "ssh/wiped/hello", []string{"ssh/prompt gliderlabs/hello"}, true, 1.1, seconds,
		"the ssh program's own start and key exchange, which is the same for both; then two processes, and the audit's fsync"},
	{"ssh station hello", "OpenSSH's sshd, echo", "ssh/wiped/hello", []string{"ssh/OpenSSH/hello"}, true, 0.5, seconds,
		"the ssh program's own start and key exchange, which is the same for all"},
	{"logins and commands a second, 8 times the ssh program", "bare gliderlabs", "logins/wiped by ssh/rate", []string{"logins/gliderlabs by ssh/rate"},
		false, 0.9, number, "the ssh program's own start and key exchange, which is the same for both"},
	{"logins and commands a second, 8 times the ssh program", "bare gliderlabs, acknowledging at once", "logins/wiped by ssh/rate",
		[]string{"logins/prompt gliderlabs by ssh/rate"}, false, 0.9, number, "as the row below"},
	{"logins and commands a second, 8 clients that cost little", "bare gliderlabs", "logins/wiped/rate", []string{"logins/gliderlabs/rate"}, false, 0.9, number,
		"two processes, one of which holds the keys: four times for a login and a command (look up the key, sign, audit, run) one wakes the " +
			"other up, and the audit is on disk before the client is told; the clients, on the same processors, wait and wake up as often"},
	{"a login and a command: processor time", "bare gliderlabs", "logins/wiped/processor", []string{"logins/gliderlabs/processor"}, true, 0, seconds,
		"scheduling and wake-ups of two processes that ask each other, a third; key exchange and signatures, a fifth; the audit's fsync, " +
			"a tenth; the log, a twentieth"},
	{"memory of an idle terminal session", "limit", "idle/wiped/resident", nil, true, 150e3, memory,
		"the stacks of 16 goroutines, half of it, and buffers, most of them the SSH library's"},
	{"start with 10,000 jobs in the journal", "with 10", "history/jobs 10000/start", []string{"history/jobs 10/start"}, true, 2, seconds, "the start of the program itself"},
	{"jobs, with 10,000 in the journal", "limit", "history/jobs 10000/jobs", nil, true, 0.050, seconds, "reading the jobs of one day"},
}

// inShort is the name of a series in the short form, which has fewer jobs in its largest journal.
var inShort = map[string]string{"history/jobs 10000/start": "history/jobs 100/start", "history/jobs 10000/jobs": "history/jobs 100/jobs"}

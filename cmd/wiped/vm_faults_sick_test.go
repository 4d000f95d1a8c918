//go:build vm

package main

// sick is one drive that something is wrong with, and what wiped must make of it.
type sick struct {
	story string
	peer  string // what is in the way
	fault string // its kind, for the figures
	sim   string // for the simulator: the line without name and serial; or:
	makes string // a script that makes the drive and prints the kernel's name of it
	flags string // of erase
	ready string // a script that is run when wiped has seen the drive
	when  string // what the stream must show
	then  string // ... before this script is run
	after string // a script that is run at the end, and must succeed

	result string // or several, with | between; refused: there is no job
	says   string // in the last status line
	// What must be on record, exactly; nil: whatever is.
	bad, unread, differ []area

	below string // a script that prints the medium, past the drive; empty: that of the simulator, or /media/$N
	blind bool   // nothing can look at it but the drive
}

// Kinds of fault.
const (
	writeErrors = "medium errors when written"
	readErrors  = "medium errors when read"
	bothErrors  = "medium errors when written and read"
	droppedAck  = "writes acknowledged and dropped"
	corrupted   = "corrupted bytes"
	elsewhere   = "reads come from another medium"
	transport   = "commands lost on the way"
	slowness    = "slow"
	vanishing   = "vanishes"
	replaced    = "comes back as another drive under the same name"
	resized     = "changes its size"
	fakeSize    = "less medium than it says"
)

const noWrites, noReads, unlike = `FAILED: \d+ bytes could not be written`, `FAILED: \d+ bytes could not be read back`, `FAILED: \d+ bytes do not hold what was written`

// lost is what is said of a drive that was there when the job began.
const lost = `FAILED: .*(gone|no such device)`

// slowMap makes each pass last: about a second for the four blocks of 4 MiB, which are out at the same time.
const slowMap = `back 8192; map "0 8192 delay $B 0 1000 $B 0 800"`

// manyBlocks is a drive of which verification has not asked for the second half yet when it begins.
const manyBlocks = `back 32768; back2 32768; map "0 32768 delay $B 0 2000 $B 0 0"`

// sickDrives can all be erased at once.
var sickDrives = []sick{
	{story: "the first sector", peer: "dm-error", fault: bothErrors, makes: `back 8192; map "0 1 error" "1 8191 linear $B 1"`,
		flags: "--method random", result: "failed", says: noWrites, bad: sectors(0, 1), unread: sectors(), differ: sectors()},
	{story: "one in the middle", peer: "dm-error", fault: bothErrors, makes: `back 8192; map "0 4097 linear $B 0" "4097 1 error" "4098 4094 linear $B 4098"`,
		flags: "--method zero", result: "failed", says: noWrites, bad: sectors(4097, 1), unread: sectors(), differ: sectors()},
	{story: "the last sector", peer: "dm-error", fault: bothErrors, makes: `back 8192; map "0 8191 linear $B 0" "8191 1 error"`,
		flags: "--method random", result: "failed", says: noWrites, bad: sectors(8191, 1), unread: sectors(), differ: sectors()},
	{story: "runs at both ends and between", peer: "dm-error", fault: bothErrors,
		makes: `back 8192; map "0 8 error" "8 3993 linear $B 8" "4001 100 error" "4101 4075 linear $B 4101" "8176 16 error"`,
		flags: "--method dod-3", result: "failed", says: noWrites, bad: sectors(0, 8, 4001, 100, 8176, 16), unread: sectors(), differ: sectors()},
	{story: "a run over the border of two requests", peer: "dm-error", fault: bothErrors, makes: `back 8192; map "0 2040 linear $B 0" "2040 16 error" "2056 6136 linear $B 2056"`,
		flags: "--method random", result: "failed", says: noWrites, bad: sectors(2040, 16), unread: sectors(), differ: sectors()},
	{story: "bad in the first passes, mended later", peer: "dm-error", fault: bothErrors,
		makes: `back 8192; map "0 100 delay $B 0 0 $B 0 150" "100 1 error" "101 8091 delay $B 101 0 $B 101 150"`,
		flags: "--method dod-7", when: `pass 3/8`, then: `remap "0 8192 linear $B 0"`, result: "failed", says: noWrites, bad: sectors(100, 1)},
	{story: "bad when it is read back, and not before", peer: "dm-error", fault: readErrors, makes: manyBlocks,
		flags: "--method random", when: `pass 2/2 verify`, then: `remap "0 32000 linear $B 0" "32000 2 error" "32002 766 linear $B 32002"`,
		result: "failed", says: noReads, bad: sectors(), unread: sectors(32000, 2), differ: sectors()},
	{story: "nothing can be written", peer: "dm-flakey", fault: writeErrors, makes: `back 8192; map "0 8192 flakey $B 0 0 60 1 error_writes"`,
		flags: "--method random", result: "failed", says: `FAILED: `},
	{story: "first, middle and last sector", peer: "null_blk", fault: bothErrors, makes: `null badblocks=+0-0 badblocks=+4096-4103 badblocks=+8191-8191`,
		flags: "--method random", result: "failed", says: noWrites, bad: sectors(0, 1, 4096, 8, 8191, 1), unread: sectors(), differ: sectors(), blind: true},
	{story: "first, middle and last block cannot be written", peer: "drivesim NVMe", fault: writeErrors, sim: "nvme size=4M bad-write=0,4000-4007,8191",
		flags: "--method random", result: "failed", says: noWrites, bad: sectors(0, 1, 4000, 8, 8191, 1), unread: sectors(), differ: sectors()},
	{story: "first, middle and last block cannot be read", peer: "drivesim NVMe", fault: readErrors, sim: "nvme size=4M bad-read=0,4000-4007,8191",
		flags: "--method random", result: "failed", says: noReads, bad: sectors(), unread: sectors(0, 1, 4000, 8, 8191, 1), differ: sectors()},
	{story: "some cannot be read, others not written", peer: "drivesim NVMe", fault: bothErrors, sim: "nvme size=4M bad-write=17,4100-4200 bad-read=18,8000-8100",
		flags: "--method zero", result: "failed", says: noWrites, bad: sectors(17, 1, 4100, 101), unread: sectors(18, 1, 8000, 101), differ: sectors()},
	{story: "first, middle and last sector", peer: "drivesim SCSI", fault: bothErrors, sim: "scsi size=4M bad=0,4000,4001,8191",
		flags: "--method random", result: "failed", says: noWrites, bad: sectors(0, 1, 4000, 2, 8191, 1), unread: sectors(), differ: sectors()},
	{story: "first, middle and last sector", peer: "drivesim ATA", fault: bothErrors, sim: "ata size=4M bad=0,4000,4001,8191",
		flags: "--method zero", result: "failed", says: noWrites, bad: sectors(0, 1, 4000, 2, 8191, 1), unread: sectors(), differ: sectors()},

	{story: "every write is dropped", peer: "dm-flakey", fault: droppedAck, makes: `back 8192; map "0 8192 flakey $B 0 0 60 1 drop_writes"`,
		flags: "--method random", result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(0, 8192)},
	{story: "every write is dropped, zeros", peer: "dm-flakey", fault: droppedAck, makes: `back 8192; map "0 8192 flakey $B 0 0 60 1 drop_writes"`,
		flags: "--method zero", result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(0, 8192)},
	{story: "one sector's writes are dropped", peer: "dm-flakey", fault: droppedAck, makes: `back 8192; map "0 5000 linear $B 0" "5000 1 flakey $B 5000 0 60 1 drop_writes" "5001 3191 linear $B 5001"`,
		flags: "--method zero", result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(5000, 1)},
	{story: "the second half's writes are dropped", peer: "dm-flakey", fault: droppedAck, makes: `back 8192; map "0 4096 linear $B 0" "4096 4096 flakey $B 4096 0 60 1 drop_writes"`,
		flags: "--method random", result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(4096, 4096)},
	{story: "writes are dropped from some pass on", peer: "dm-flakey", fault: droppedAck, makes: slowMap,
		flags: "--method dod-7", when: `pass 2/8`, then: `remap "0 8192 flakey $B 0 0 600 1 drop_writes"`, result: "failed", says: unlike},
	{story: "every request is written with one wrong byte", peer: "dm-flakey", fault: corrupted, makes: `back 8192; map "0 8192 flakey $B 0 0 60 5 corrupt_bio_byte 224 w 65 0"`,
		flags: "--method zero", result: "failed", says: unlike, bad: sectors(), unread: sectors()},
	{story: "one sector is written with one wrong byte", peer: "dm-flakey", fault: corrupted,
		makes: `back 8192; map "0 8191 linear $B 0" "8191 1 flakey $B 8191 0 60 5 corrupt_bio_byte 512 w 1 0"`,
		flags: "--method zero", result: "failed", says: unlike, bad: sectors(), unread: sectors()}, // this kernel harms the writer's memory too
	{story: "three sectors are read with one wrong bit each", peer: "drivesim SCSI", fault: corrupted, sim: "scsi size=4M flips=0,4097,8191",
		flags: "--method random", result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(0, 1, 4097, 1, 8191, 1)},
	{story: "one sector is read with one wrong bit", peer: "drivesim ATA", fault: corrupted, sim: "ata size=4M flips=8191",
		flags: "--method zero", result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(8191, 1)},
	{story: "three sectors keep what they hold", peer: "drivesim ATA", fault: droppedAck, sim: "ata size=4M drops=0,4097,8191",
		flags: "--method dod-3", result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(0, 1, 4097, 1, 8191, 1)},
	{story: "one sector keeps what it holds", peer: "drivesim SCSI", fault: droppedAck, sim: "scsi size=4M drops=5000",
		flags: "--method zero", result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(5000, 1)},
	{story: "what is read comes from another medium", peer: "dm-linear", fault: elsewhere, makes: manyBlocks,
		flags: "--method random", when: `pass 2/2 verify`, then: `remap "0 20000 linear $B 0" "20000 12768 linear $C 20000"`,
		result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(20000, 12768)},
	{story: "what is read comes from somewhere else on it", peer: "dm-linear", fault: elsewhere, makes: manyBlocks,
		flags: "--method random", when: `pass 2/2 verify`, then: `remap "0 30000 linear $B 0" "30000 1 linear $B 30001" "30001 2767 linear $B 30001"`,
		result: "failed", says: unlike, bad: sectors(), unread: sectors(), differ: sectors(30000, 1)},

	{story: "a tenth of a second for each request", peer: "dm-delay", fault: slowness, makes: `back 8192; map "0 8192 delay $B 0 100 $B 0 100"`,
		flags: "--method random", result: "erased", says: `erased: clear, random, verified full, 0 errors`},
	{story: "2 MB a second", peer: "drivesim SCSI", fault: slowness, sim: "scsi size=4M slow=2M",
		flags: "--method random", result: "erased", says: `erased: clear, random, verified full, 0 errors`},
	{story: "slow for a time, and suspended in between", peer: "dm-delay", fault: slowness, makes: slowMap,
		flags: "--method dod-3", when: `pass 2/4`, then: `dmsetup suspend --noudevsync $N; sleep 3; dmsetup resume --noudevsync $N`, result: "erased", says: `erased: clear, dod-3, verified full, 0 errors`},

	{story: "the kernel loses it while it is written", peer: "scsi_debug", fault: vanishing, makes: `debug`, flags: "--method gutmann", when: `pass 3/36`,
		then: `echo 1 > /sys/block/$D/device/delete`, result: "failed", says: lost, blind: true},
	{story: "the kernel loses it while it is written", peer: "null_blk", fault: vanishing, makes: `null`, flags: "--method gutmann", when: `pass 3/36`,
		then: `unnull`, result: "failed", says: lost, blind: true},
	{story: "unplugged while it is written", peer: "drivesim SCSI", fault: vanishing, sim: "scsi size=4M slow=5M", flags: "--method gutmann", when: `pass 3/36`,
		then: `/drivesim ctl --control tcp:127.0.0.1:7777 $N vanish`, result: "failed", says: lost},
	{story: "unplugged while it is read back", peer: "drivesim ATA", fault: vanishing, sim: "ata size=4M slow=400K", flags: "--method random", when: `pass 2/2 verify`,
		then: `/drivesim ctl --control tcp:127.0.0.1:7777 $N vanish`, result: "failed", says: lost},
	{story: "the controller is deleted while it is written", peer: "drivesim NVMe", fault: vanishing, sim: "nvme size=4M", flags: "--method gutmann", when: `pass 3/36`,
		then: `for c in /sys/class/nvme/nvme*; do [ "$(tr -d ' ' < $c/serial)" != $N ] || echo 1 > $c/delete_controller; done`, result: "failed", says: lost},
	{story: "another drive has its name at once", peer: "null_blk", fault: replaced, makes: `null`, flags: "--method gutmann", when: `pass 3/36`,
		then: `unnull; null; cmp -s -n 4194304 /media/old /dev/$N`, after: `cmp -s -n 4194304 /media/old /dev/$N`, result: "failed", says: lost, blind: true},
	{story: "it shrinks while it is written", peer: "dm-linear", fault: resized, makes: slowMap, flags: "--method dod-7", when: `pass 2/8`,
		then: `remap "0 4096 linear $B 0"`, result: "failed", says: `FAILED: .*it had 4194304 bytes and has 2097152`},
	{story: "it grows while it is written", peer: "dm-linear", fault: resized, makes: `back 16384; map "0 8192 delay $B 0 1000 $B 0 800"`, flags: "--method dod-7", when: `pass 2/8`,
		then: `remap "0 16384 linear $B 0"`, result: "failed", says: `FAILED: .*it had 4194304 bytes and has 8388608`},
	{story: "it shrinks while it is read back", peer: "dm-linear", fault: resized, makes: manyBlocks, flags: "--method random", when: `pass 2/2 verify`,
		then: `remap "0 32767 linear $B 0"`, result: "failed", says: `FAILED: .*it had 16777216 bytes and has 16776704`},
	{story: "it grows in the last pass, and is not verified", peer: "dm-linear", fault: resized, makes: `back 16384; map "0 8192 delay $B 0 0 $B 0 3000"`, flags: "--method dod-3 --verify none", when: `pass 3/3`,
		then: `remap "0 16384 linear $B 0"`, result: "failed", says: `FAILED: .*(it had 4194304 bytes and has 8388608|did not confirm that it wrote everything)`},
	{story: "its medium is full before its end", peer: "loop on a full file system", fault: fakeSize,
		makes: `mkdir /media/$N.d; mount -t tmpfs -o size=2M small /media/$N.d; truncate -s 4M /media/$N.d/f; D=$(losetup -f | cut -d/ -f3); losetup /dev/$D /media/$N.d/f; here`,
		flags: "--method random", result: "failed", says: noWrites, below: `cat /media/$N.d/f`},
	{story: "sound", peer: "dm-linear", makes: `back 8192; map "0 8192 linear $B 0"`, flags: "", result: "erased", says: `erased: clear, random`},
	{story: "sound", peer: "null_blk", makes: `null`, flags: "--method dod-3", result: "erased", says: `erased: clear, dod-3`, blind: true},
	{story: "sound", peer: "loop", makes: `back 8192; D=${B#/dev/}; here`, flags: "--method zero", result: "erased", says: `erased: clear, zero`},
}

// debugDrives share their faults, which the driver has for all its drives: one is erased after the other.
var debugDrives = []sick{
	{story: "sound", peer: "scsi_debug", makes: `debug`, flags: "--method random", result: "erased", says: `erased: clear, random`, blind: true},
	{story: "the first sector", peer: "scsi_debug", fault: readErrors, makes: `debug; errors 0 1`, after: `opts 0`, flags: "--method random", result: "failed", says: noReads,
		bad: sectors(), unread: sectors(0, 1), differ: sectors(), blind: true},
	{story: "a run in the middle", peer: "scsi_debug", fault: readErrors, makes: `debug; errors 4001 10`, after: `opts 0`, flags: "--method zero", result: "failed", says: noReads,
		bad: sectors(), unread: sectors(4001, 10), differ: sectors(), blind: true},
	{story: "the last sector", peer: "scsi_debug", fault: readErrors, makes: `debug; errors 8191 1`, after: `opts 0`, flags: "--method random", result: "failed", says: noReads,
		bad: sectors(), unread: sectors(8191, 1), differ: sectors(), blind: true},
	{story: "every tenth command is aborted", peer: "scsi_debug", fault: transport, makes: `debug; echo 10 > /sys/bus/pseudo/drivers/scsi_debug/every_nth; opts 16`,
		after: `opts 0; echo 0 > /sys/bus/pseudo/drivers/scsi_debug/every_nth`, flags: "--method random", result: "erased|failed", says: `.`, blind: true},
	{story: "every fortieth command is never answered", peer: "scsi_debug", fault: transport,
		makes: `debug; echo 1 > /sys/block/$D/device/timeout; echo 40 > /sys/bus/pseudo/drivers/scsi_debug/every_nth; opts 4`,
		after: `opts 0; echo 0 > /sys/bus/pseudo/drivers/scsi_debug/every_nth`, flags: "--method random", result: "erased|failed", says: `.`, blind: true},
	{story: "reads and writes say good and move nothing", peer: "scsi_debug", fault: droppedAck, makes: `debug; echo 1 > /sys/bus/pseudo/drivers/scsi_debug/fake_rw`,
		after: `echo 0 > /sys/bus/pseudo/drivers/scsi_debug/fake_rw`, flags: "--method zero", result: "failed", says: unlike,
		bad: sectors(), unread: sectors(), differ: sectors(0, 8192), blind: true},
}

// sectors makes areas of pairs: a first sector of 512 bytes, and how many.
func sectors(pairs ...int64) (areas []area) {
	areas = []area{}
	for n := 0; n < len(pairs); n += 2 {
		areas = append(areas, area{pairs[n] * 512, pairs[n+1] * 512})
	}
	return areas
}

// Package wipe knows pattern bytes and the two loops over a drive, the one that writes a pattern and the one that reads
// it back; it must not know what a drive, a job or a method is: it is given readers and writers and opens nothing.
package wipe

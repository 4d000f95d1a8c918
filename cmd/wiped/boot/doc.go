// Package boot is the work of a machine's first process: it knows how a machine becomes a station (mounts, modules,
// network, clock, configuration, console), and nothing of what is on drives, of jobs or of SSH.
package boot
